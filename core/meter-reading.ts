import { EPOCH_SKEW_MS } from './as-of.ts';
import type { ChargerFact, MeterSample, TransactionId } from './charger-fact.ts';
import type { GatewayAt, Known } from './charger-status.ts';
import { isAfter, type PlaceAt } from './place.ts';

/** The answer to `meter-reading`. */
export interface MeterReading {
  /** The connector's meter register, Wh; 0 if none was ever read. */
  registerWh: number;
  /** Power the charger told together with the register, W; 0 if it told none. */
  powerW: number;
  /** Unix seconds at which the register was read; 0 if never. */
  observedAtSec: number;
  /** Whether a record that the meter signed came with it. Whether the signature is true is not looked at here. */
  isSigned: boolean;
}

export interface ReadingAt extends PlaceAt, MeterReading {}

/** A reading that names a transaction and no connector: that is its start's. */
export interface StopReadingAt extends PlaceAt, MeterReading {
  /** The message of the same transaction that told its connector last before; undefined if none is on record. */
  start: (PlaceAt & { connector: number }) | undefined;
}

/** What the rule reads; see `RecordAt`. */
export interface MeterRecordAt {
  /** Readings told for a connector, the latest first: at least the latest of each connection. */
  readings: (connector: number, maxEpoch: number) => Iterable<ReadingAt>;
  /**
   * Ends of the charger's transactions, and what OCPP 2.x tells within them, the latest first: at least those that may be
   * the connector's.
   */
  stops: (connector: number, maxEpoch: number) => Iterable<StopReadingAt>;
  gateway: (account: string) => GatewayAt;
  missedUntilMs: number;
}

/** The register as a fact of a charger tells it, and of which connector; a transaction's end may name none. */
export type ToldReading = MeterReading & ({ connector: number } | { transactionId: TransactionId });

/** The measurand that is billed. */
export const ENERGY_REGISTER = 'Energy.Active.Import.Register';

const LARGEST_POWER_W = 4_294_967_295;

/**
 * The last register reading in a fact; undefined if it has none. Only readings of the whole connector count: those with a
 * phase and those taken elsewhere than at the outlet do not. The power is that of the same moment.
 *
 * @param receivedAtMs - when the gateway received it: no reading is later, and one without a believable time is of then
 */
export function toldReading(fact: ChargerFact, receivedAtMs: number): ToldReading | undefined {
  const receivedAtSec = Math.floor(receivedAtMs / 1000);
  switch (fact.kind) {
    case 'transaction-started': {
      const { meterStartWh: registerWh, startedAt } = fact;
      if (registerWh === undefined || registerWh < 0) return undefined;
      const observedAtSec = momentOf(startedAt, receivedAtSec);
      return { ...ofWhat(fact), registerWh, powerW: 0, observedAtSec, isSigned: hasSigned(fact.samples) };
    }
    case 'transaction-stopped': {
      const { meterStopWh: registerWh, stoppedAt } = fact;
      if (registerWh === undefined || registerWh < 0) return undefined;
      const observedAtSec = momentOf(stoppedAt, receivedAtSec);
      return { ...ofWhat(fact), registerWh, powerW: 0, observedAtSec, isSigned: hasSigned(fact.samples) };
    }
    case 'transaction-updated': {
      const last = lastRegister(fact.samples, receivedAtSec);
      return last === undefined ? undefined : { ...ofWhat(fact), ...last };
    }
    case 'meter': {
      const last = lastRegister(fact.samples, receivedAtSec);
      return last === undefined ? undefined : { connector: fact.connector, ...last };
    }
    default:
      return undefined;
  }
}

/**
 * A connector's meter as of a time: the reading told last, be it in MeterValues, at the start or at the end of a
 * transaction, in whichever connection. Events that lie before a break in their gateway's record do not count.
 *
 * @param atMs - the time asked about, Unix ms
 */
export function meterReadingAt(record: MeterRecordAt, connector: number, atMs: number): Known<MeterReading> {
  const maxEpoch = atMs + EPOCH_SKEW_MS;
  const counts = (row: Pick<PlaceAt, 'gateway' | 'chapter'>) => record.gateway(row.gateway).chapter === row.chapter;
  let latest = first(record.readings(connector, maxEpoch), counts);
  for (const stop of record.stops(connector, maxEpoch)) {
    if (latest !== undefined && !isAfter(stop, latest)) break;
    if (!counts(stop)) continue;
    const start = stop.start !== undefined && counts(stop.start) ? stop.start : undefined;
    if ((start?.atMs ?? 0) < record.missedUntilMs) {
      return cannotKnow('a transaction ended whose start lies before this record is whole');
    }
    if (start?.connector !== connector) continue;
    latest = stop;
    break;
  }
  if ((latest?.atMs ?? 0) < record.missedUntilMs) {
    return cannotKnow('the meter has not been read since this record is whole');
  }
  const { registerWh = 0, powerW = 0, observedAtSec = 0, isSigned = false } = latest ?? {};
  return { isKnown: true, answer: { registerWh, powerW, observedAtSec, isSigned } };
}

function ofWhat({ connector, transactionId }: { connector?: number; transactionId: TransactionId }) {
  return connector === undefined ? { transactionId } : { connector };
}

function hasSigned(samples: readonly MeterSample[] = []): boolean {
  return samples.some(({ reading }) => reading.kind === 'signed');
}

function lastRegister(samples: readonly MeterSample[], receivedAtSec: number): MeterReading | undefined {
  let last: MeterReading | undefined;
  for (const sample of samples) {
    const registerWh = numberOf(sample, ENERGY_REGISTER);
    if (registerWh === undefined || registerWh < 0) continue;
    const observedAtSec = momentOf(sample.takenAt, receivedAtSec);
    if (last !== undefined && observedAtSec < last.observedAtSec) continue;
    last = { registerWh, powerW: 0, observedAtSec, isSigned: false };
  }
  if (last === undefined) return undefined;
  for (const sample of samples) {
    if (momentOf(sample.takenAt, receivedAtSec) !== last.observedAtSec) continue;
    if (sample.reading.kind === 'signed') last.isSigned = true;
    const powerW = numberOf(sample, 'Power.Active.Import');
    if (powerW !== undefined) last.powerW = Math.min(Math.max(Math.round(powerW), 0), LARGEST_POWER_W);
  }
  return last;
}

/** The value of a sample if it is of that measurand, at the outlet, of the whole connector and usable. */
export function numberOf({ measurand, location, phase, reading }: MeterSample, wanted: string): number | undefined {
  if (measurand !== wanted || location !== 'Outlet' || phase !== undefined) return undefined;
  return reading.kind === 'value' ? reading.value : undefined;
}

/** When a charger's value was taken, Unix seconds: by its own clock if that can be believed, and never after it came. */
export function momentOf(time: MeterSample['takenAt'], receivedAtSec: number): number {
  const isBelieved = time.clock === 'sound' || time.clock === 'late';
  return isBelieved && time.atSec !== undefined ? Math.min(time.atSec, receivedAtSec) : receivedAtSec;
}

function cannotKnow(reason: string): Known<never> {
  return { isKnown: false, reason };
}

function first<T>(rows: Iterable<T>, matches: (row: T) => boolean): T | undefined {
  for (const row of rows) if (matches(row)) return row;
  return undefined;
}
