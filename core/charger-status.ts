import { EPOCH_SKEW_MS, STALE_AFTER_MS } from './as-of.ts';
import { type EvseRecordAt, evseStatus } from './evse-status.ts';
import { cannotKnow, type Known } from './known.ts';
import { type ChargerStatus, STATUS, type Status } from './status.ts';

export type { Known } from './known.ts';

/** One connection of a charger as the record shows it at the time asked about. */
export interface ConnectionAt {
  epoch: number;
  gateway: string;
  /** The uninterrupted part of its gateway's record that it belongs to. */
  chapter: number;
  /** The start of the gateway's process that held it, Unix ms. */
  bootedAtMs: number;
  openedAtMs: number;
  /** Unix ms; undefined if it was not closed by the time asked about. */
  closedAtMs: number | undefined;
  /** When the last frame of it came in, by the time asked about. */
  lastFrameAtMs: number;
  /** Places of its first event on record, and of that last one. */
  firstSeq: number;
  lastFrameSeq: number;
}

/** What a gateway was at the time asked about. */
export interface GatewayAt {
  /** The chapter that counts at that time; events of earlier chapters lie before a break and do not. */
  chapter: number;
  /** The start of the process that has confirmed that time with a watermark; undefined if none has: it was away. */
  upSinceMs: number | undefined;
}

/** What the rule reads: the record of one operator as it stood at one time. All of it must have been told by then. */
export interface RecordAt extends EvseRecordAt {
  /** The charger's connections that had opened, the highest epoch first, none above `maxEpoch`. */
  connections: (maxEpoch: number) => Iterable<ConnectionAt>;
  gateway: (account: string) => GatewayAt;
  /** The last watermark a gateway's process told before the time asked about, Unix ms; 0 if none. */
  lastWatermarkMs: (gateway: string, bootedAtMs: number) => number;
  /**
   * This operator missed a part of some gateway's record that others may have. What was known before this time, Unix ms,
   * may since have changed unseen; 0 if nothing was missed.
   */
  missedUntilMs: number;
}

/** What tells whether a charger is there. */
export type PresenceRecordAt = Pick<RecordAt, 'connections' | 'gateway' | 'lastWatermarkMs' | 'missedUntilMs'>;

/**
 * A connector's status as of a time. Everything in it follows from signed batches, so honest operators give the same.
 *
 * 1. The charger's connection with the highest epoch that had opened by then decides. None: never seen.
 * 2. It is online if the connection had not closed, the gateway's process that held it has confirmed that time, and a
 *    frame came in within `STALE_AFTER_MS`. If it is not: Unknown, with the time up to which the charger was known.
 * 3. If it is: the status last reported for the connector, in whichever connection; but where connector 0, the station
 *    itself, is Unavailable or Faulted, that overrides. Nothing reported: Unknown, observed at 0.
 *
 * Events that lie before a break in their gateway's record do not count: something may have followed them unseen.
 *
 * @param atMs - the time asked about, Unix ms
 * @param connector - 0 for the station as a whole; of an OCPP 2.x charger the EVSE
 * @param detail - `usable` leaves it at whether the connector can be used: Occupied then stands for Charging and Suspended
 *   too where OCPP 2.x tells those by another message, and no operator is unsure for their sake
 */
export function chargerStatusAt(
  record: RecordAt,
  connector: number,
  atMs: number,
  detail: 'whole' | 'usable' = 'whole',
): Known<ChargerStatus> {
  const maxEpoch = atMs + EPOCH_SKEW_MS;
  const presence = presenceAt(record, atMs);
  if (!presence.isKnown) return presence;
  const { lastKnownMs } = presence.answer;
  if (lastKnownMs !== undefined) return offline(lastKnownMs);
  const counts = (row: Pick<ConnectionAt, 'gateway' | 'chapter'>) =>
    record.gateway(row.gateway).chapter === row.chapter;

  const latest = (number: number) => evseStatus(record, number, maxEpoch, counts, detail);
  const own = latest(connector);
  if (!own.isKnown) return own;
  if ((own.answer?.atMs ?? 0) < record.missedUntilMs) {
    return cannotKnow('the connector has not reported since this record is whole');
  }
  const station = connector === 0 ? own : latest(0);
  if (!station.isKnown) return station;
  const isOverriding = station.answer !== undefined && isInoperative(station.answer.status);
  const decisive = isOverriding ? station.answer : own.answer;
  return {
    isKnown: true,
    answer: {
      status: decisive?.status ?? STATUS.Unknown,
      errorClass: decisive?.errorClass ?? 0,
      observedAtSec: seconds(decisive?.receivedAtMs ?? 0),
      online: true,
    },
  };
}

/**
 * Whether a charger is there as of a time: steps 1 and 2 of `chargerStatusAt`.
 *
 * @returns up to when it was known to be there, Unix ms, 0 if never; undefined if it is there
 */
export function presenceAt(record: PresenceRecordAt, atMs: number): Known<{ lastKnownMs: number | undefined }> {
  const gone = (lastKnownMs: number) => ({ isKnown: true as const, answer: { lastKnownMs } });
  const connection = first(
    record.connections(atMs + EPOCH_SKEW_MS),
    (row) => record.gateway(row.gateway).chapter === row.chapter,
  );
  if (connection === undefined) {
    if (record.missedUntilMs > 0) return cannotKnow('the charger may have connected before this record begins');
    return gone(0);
  }
  if (connection.openedAtMs < record.missedUntilMs) {
    return cannotKnow('the charger connected before this record is whole');
  }
  if (connection.closedAtMs !== undefined) return gone(connection.closedAtMs);
  if (record.gateway(connection.gateway).upSinceMs !== connection.bootedAtMs) {
    const confirmedMs = record.lastWatermarkMs(connection.gateway, connection.bootedAtMs);
    return gone(Math.max(confirmedMs, connection.lastFrameAtMs));
  }
  if (atMs - connection.lastFrameAtMs > STALE_AFTER_MS) return gone(connection.lastFrameAtMs);
  return { isKnown: true, answer: { lastKnownMs: undefined } };
}

function isInoperative(status: Status): boolean {
  return status === STATUS.Unavailable || status === STATUS.Faulted;
}

function offline(lastKnownMs: number): Known<ChargerStatus> {
  return {
    isKnown: true,
    answer: { status: STATUS.Unknown, errorClass: 0, observedAtSec: seconds(lastKnownMs), online: false },
  };
}

/** Unix ms as Unix seconds, rounded down. */
function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}

function first<T>(rows: Iterable<T>, matches: (row: T) => boolean): T | undefined {
  for (const row of rows) if (matches(row)) return row;
  return undefined;
}
