import type { KeyObject } from 'node:crypto';
import { isObject } from './json.ts';
import { isSignedByMeter } from './meter-signature.ts';
import { type OcmfReading, type OcmfRecord, readOcmf } from './ocmf.ts';

/** What a meter itself says of a transaction. */
export type SignedEnergy =
  /** No signed record came with it. */
  | { kind: 'none' }
  | {
      kind: 'signed';
      /** Delivered, Wh; a fraction counts only when it has become whole. */
      energyWh: number;
      /** Largest pagination among the records: the meter's next transaction has a larger one. */
      lastPage: number;
    }
  /** Signed records came, and no bill can rest on them. */
  | { kind: 'unusable'; reason: string };

export interface SignedEnergyOptions {
  /** The meter's key on chain. */
  key: KeyObject;
  /** When the transaction was, by the gateway's clock, Unix seconds. */
  startedAtSec: number;
  endedAtSec: number;
  /** Largest pagination of the same meter in an earlier transaction; -1 if none is known. */
  earlierPage?: number;
}

/** How far a meter's set clock may be from the gateway's, seconds. */
const CLOCK_TOLERANCE_SEC = 300;
const MICRO = 1_000_000n;
const ENDS: ReadonlySet<string> = new Set('ELRAP');

/**
 * The energy of a transaction by the records that its meter signed.
 *
 * All of them must be signed by the key on chain, of one meter and one register, with pages that follow one another; there
 * must be one begin and one end, both good by the meter's own word, and the register must not fall. A record that came
 * twice counts once; two records of one page are a contradiction. Records that were signed at another time than that of
 * the transaction, by a clock that was set, or on pages of an earlier transaction, are a replay.
 *
 * @param signed - what stood in the charger's signed values, in the order in which it came
 */
export function signedEnergy(signed: readonly string[], options: SignedEnergyOptions): SignedEnergy {
  if (signed.length === 0) return { kind: 'none' };
  const pages = new Map<number, OcmfRecord>();
  for (const data of signed) {
    const record = readOcmf(ocmfTextOf(data));
    if ('unusable' in record) return unusable(record.unusable);
    if (!isSignedByMeter(record, options.key)) return unusable('signature of the meter is not true');
    const { context, number } = record.pagination;
    if (context !== 'T') return unusable('signed record is of no transaction');
    const same = pages.get(number);
    if (same !== undefined && same.payload !== record.payload) return unusable('two signed records have one page');
    pages.set(number, record);
  }
  const records = [...pages.values()].sort((a, b) => a.pagination.number - b.pagination.number);
  const [first] = records as [OcmfRecord];
  if (records.some(({ meterSerial }) => meterSerial !== first.meterSerial)) return unusable('signed by several meters');
  if (first.pagination.number <= (options.earlierPage ?? -1)) return unusable('page of an earlier transaction');
  const energy = energyOf(distinct(records.flatMap(({ readings }) => readings)));
  if (typeof energy === 'string') return unusable(energy);
  if (isReplay(energy, options)) return unusable('signed at another time than that of the transaction');
  const { begin, end } = energy;
  return {
    kind: 'signed',
    energyWh: Number((end.registerMicroWh - begin.registerMicroWh) / MICRO),
    lastPage: (records.at(-1) as OcmfRecord).pagination.number,
  };
}

/**
 * The OCMF text in a signed value of OCPP: as it is, in Base64, or in a `SignedMeterValue` object with either of them.
 *
 * @see OCPP 1.6 §7.43 format `SignedData`; OCA, Signed Meter Values in OCPP; OCPP 2.0.1 `SignedMeterValueType`
 */
export function ocmfTextOf(data: string): string {
  const text = data.trim();
  if (text.startsWith('{')) {
    try {
      const value: unknown = JSON.parse(text);
      if (isObject(value) && typeof value.signedMeterData === 'string') return decoded(value.signedMeterData.trim());
    } catch {
      return text;
    }
  }
  return decoded(text);
}

function decoded(text: string): string {
  if (text.startsWith('OCMF|') || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return text;
  const plain = Buffer.from(text, 'base64').toString('utf8');
  return plain.startsWith('OCMF|') ? plain : text;
}

function energyOf(readings: readonly OcmfReading[]): { begin: OcmfReading; end: OcmfReading } | string {
  const begin = readings[0];
  const end = readings.at(-1);
  if (begin?.kind !== 'B' || end === undefined || !ENDS.has(end.kind)) return 'signed begin or end is missing';
  const marks = readings.filter(({ kind }) => kind === 'B' || ENDS.has(kind));
  if (marks.length !== 2) return 'signed records are of several transactions';
  if (!begin.isGood || !end.isGood) return 'the meter itself calls its value bad';
  let before = begin;
  for (const reading of readings) {
    if (reading.register !== begin.register) return 'signed by several registers';
    if (reading.registerMicroWh < before.registerMicroWh) return 'signed register falls';
    before = reading;
  }
  return { begin, end };
}

/** A record of the end may repeat the reading of the begin. */
function distinct(readings: readonly OcmfReading[]): OcmfReading[] {
  const isSame = (one: OcmfReading, other: OcmfReading) =>
    one.kind === other.kind &&
    one.takenAtSec === other.takenAtSec &&
    one.registerMicroWh === other.registerMicroWh &&
    one.register === other.register &&
    one.isGood === other.isGood;
  return readings.filter((reading, n) => readings.findIndex((before) => isSame(before, reading)) === n);
}

function isReplay({ begin, end }: { begin: OcmfReading; end: OcmfReading }, options: SignedEnergyOptions): boolean {
  const isFar = ({ takenAtSec, clock }: OcmfReading, atSec: number) => {
    const isSet = clock === 'S' || clock === 'R';
    return isSet && takenAtSec !== undefined && Math.abs(takenAtSec - atSec) > CLOCK_TOLERANCE_SEC;
  };
  return isFar(begin, options.startedAtSec) || isFar(end, options.endedAtSec);
}

function unusable(reason: string): SignedEnergy {
  return { kind: 'unusable', reason };
}
