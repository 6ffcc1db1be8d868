import type { TransactionId } from './charger-fact.ts';
import { cannotKnow, type Known } from './known.ts';
import { isAfter, type PlaceAt } from './place.ts';
import { STATUS, type Status } from './status.ts';

/** A status a charger reported. */
export interface StatusAt extends PlaceAt {
  receivedAtMs: number;
  status: Status;
  errorClass: number;
}

/** A problem a charger told of, or that it is over (`errorClass` 0). */
export interface FaultAt extends PlaceAt {
  receivedAtMs: number;
  errorClass: number;
}

/** What a message of a transaction said of its state: undefined once it has ended. */
export interface StateAt extends PlaceAt {
  receivedAtMs: number;
  state: Status | undefined;
}

/** What the rule reads of one connector; each list has the latest of every connection, the latest connection first. */
export interface EvseRecordAt {
  /** Statuses reported for a connector, or for a part of it: OCPP 2.x, a connector within the EVSE. */
  statuses: (connector: number, maxEpoch: number, part: number) => Iterable<StatusAt>;
  /** Parts of which a status is on record by then. */
  parts: (connector: number) => Iterable<number>;
  boots: (maxEpoch: number) => Iterable<PlaceAt>;
  faults: (connector: number, maxEpoch: number) => Iterable<FaultAt>;
  /** The transactions that were told to be at a connector. */
  transactions: (connector: number, maxEpoch: number) => Iterable<PlaceAt & { transactionId: TransactionId }>;
  states: (transactionId: TransactionId, maxEpoch: number) => Iterable<StateAt>;
  missedUntilMs: number;
}

/** Whether an event still counts: none does that lies before a break in its gateway's record. */
type Counts = (place: PlaceAt) => boolean;

/** A problem may be told of so long before the status it leads to, ms. */
const FAULT_LEAD_MS = 60_000;

/**
 * What an EVSE with several connectors is, the first that one of them is: one car at a time charges at an EVSE, so a plug
 * in use or kept for somebody keeps it from all others; and while one plug can be used, the EVSE can.
 */
const PRECEDENCE: readonly Status[] = [
  STATUS.Suspended,
  STATUS.Charging,
  STATUS.Occupied,
  STATUS.Reserved,
  STATUS.Available,
  STATUS.Faulted,
  STATUS.Unavailable,
  STATUS.Unknown,
];

/**
 * The status last reported for a connector; of an OCPP 2.x charger for an EVSE, put together from what it tells in parts:
 *
 * 1. A status of the whole counts over those of its parts before it; later ones of the parts count over it. Parts that
 *    were not reported since the charger booted do not count beside some that were: it reports all of them then.
 * 2. Several parts: by `PRECEDENCE`; beside a status that is not Faulted another part's error is a warning.
 * 3. Faulted: the error is the last problem the charger told of the EVSE or of itself, at most `FAULT_LEAD_MS` before.
 * 4. Occupied: Charging or Suspended if the transaction last told to be there has not ended and says so.
 *
 * @param detail - without `whole` the steps 3 and 4 are left out
 * @returns undefined if none was reported
 */
export function evseStatus(
  record: EvseRecordAt,
  connector: number,
  maxEpoch: number,
  counts: Counts,
  detail: 'whole' | 'usable',
): Known<StatusAt | undefined> {
  const whole = first(record.statuses(connector, maxEpoch, 0), counts);
  const parts: StatusAt[] = [];
  for (const part of record.parts(connector)) {
    const latest = first(record.statuses(connector, maxEpoch, part), counts);
    if (latest !== undefined && (whole === undefined || isAfter(latest, whole))) parts.push(latest);
  }
  const isInParts = parts.length > 0;
  const merged = isInParts ? sinceBoot(record, parts, maxEpoch, counts) : known(whole);
  if (!merged.isKnown || merged.answer === undefined || detail !== 'whole') return merged;
  const { answer } = merged;
  if (answer.status === STATUS.Faulted) return withFault(record, connector, answer, maxEpoch, counts, isInParts);
  if (answer.status === STATUS.Occupied) return withState(record, connector, answer, maxEpoch, counts, isInParts);
  return merged;
}

function sinceBoot(
  record: EvseRecordAt,
  parts: readonly StatusAt[],
  maxEpoch: number,
  counts: Counts,
): Known<StatusAt> {
  const boot = first(record.boots(maxEpoch), counts);
  const later = boot === undefined ? [] : parts.filter((part) => isAfter(part, boot));
  if (record.missedUntilMs > 0 && (later.length === 0 || (boot?.atMs ?? 0) < record.missedUntilMs)) {
    return cannotKnow('the EVSE may have connectors that have not reported since this record is whole');
  }
  const [head, ...rest] = [...(later.length > 0 ? later : parts)].sort(byPrecedence) as [StatusAt, ...StatusAt[]];
  if (head.errorClass > 0) return known(head);
  return known({ ...head, errorClass: rest.find(({ errorClass }) => errorClass > 0)?.errorClass ?? 0 });
}

function byPrecedence(one: StatusAt, other: StatusAt): number {
  const order = PRECEDENCE.indexOf(one.status) - PRECEDENCE.indexOf(other.status);
  if (order !== 0) return order;
  return isAfter(one, other) ? -1 : 1;
}

function withFault(
  record: EvseRecordAt,
  connector: number,
  own: StatusAt,
  maxEpoch: number,
  counts: Counts,
  isInParts: boolean,
): Known<StatusAt> {
  const fromMs = own.receivedAtMs - FAULT_LEAD_MS;
  if (isInParts && fromMs < record.missedUntilMs)
    return cannotKnow('the problem may have been told before this record is whole');
  const faults = [connector, 0].map((number) => first(record.faults(number, maxEpoch), counts));
  const [latest] = faults.filter((fault) => fault !== undefined).sort((a, b) => (isAfter(a, b) ? -1 : 1));
  if (latest === undefined || latest.receivedAtMs < fromMs || latest.errorClass === 0) return known(own);
  return known({ ...own, errorClass: latest.errorClass });
}

function withState(
  record: EvseRecordAt,
  connector: number,
  own: StatusAt,
  maxEpoch: number,
  counts: Counts,
  isInParts: boolean,
): Known<StatusAt> {
  const place = first(record.transactions(connector, maxEpoch), counts);
  const latest = place && first(record.states(place.transactionId, maxEpoch), counts);
  if (isInParts && (latest?.atMs ?? 0) < record.missedUntilMs) {
    return cannotKnow('a transaction may have begun before this record is whole');
  }
  if (latest?.state === undefined) return known(own);
  const { state: status, receivedAtMs } = latest;
  return known(status === own.status ? own : { ...own, status, receivedAtMs });
}

function known<T>(answer: T): Known<T> {
  return { isKnown: true, answer };
}

function first<T>(rows: Iterable<T>, matches: (row: T) => boolean): T | undefined {
  for (const row of rows) if (matches(row)) return row;
  return undefined;
}
