import { isObject, type JsonObject } from './json.ts';

/** One reading of a meter in an OCMF record. */
export interface OcmfReading {
  /** Unix seconds; undefined if the record has no time that can be read. */
  takenAtSec?: number;
  /** Whether the clock was set by a time server (`S`), runs since then (`R`), is for information (`I`) or unknown (`U`). */
  clock: 'S' | 'R' | 'I' | 'U';
  /** OCMF `TX`: B begin, C charging, X exception, E end, L ended at the charger, R ended from afar, A aborted, P power failed, S suspended, T tariff changed. */
  kind: string;
  /** The register, in millionths of a Wh: exact. */
  registerMicroWh: bigint;
  /** OCMF `RI`, as it stands: which register. */
  register: string;
  /** Whether the meter says that the value is good (`ST` G) and marks no error of energy (`EF` without E). */
  isGood: boolean;
}

/** A record of OCMF: what a meter signed, as far as a bill needs it. */
export interface OcmfRecord {
  /** The exact text that was signed. */
  payload: string;
  /** OCMF `SA`, as `ECDSA-secp256r1-SHA256`. */
  algorithm: string;
  /** DER of r and s, as the meter wrote it. */
  signature: Uint8Array;
  /** OCMF `MS`, or `GS` where the gateway is the meter. */
  meterSerial: string;
  /** OCMF `PG`: its letter (T for a transaction) and its number, which a meter never gives twice. */
  pagination: { context: string; number: number };
  readings: OcmfReading[];
}

/** Why a text is no record that can be used. */
export interface OcmfFault {
  unusable: string;
}

const HEADER = 'OCMF|';
const KINDS: ReadonlySet<string> = new Set('BCXELRAPST');
/** Longest record read, characters: a meter's has a few hundred for each reading. */
const MAX_CHARACTERS = 65_536;

/**
 * Reads a record of the Open Charge Metering Format; looks at no signature. Total: any text gives a record or a fault.
 *
 * Takes what meters in the field write beside the letter of the format: a value as padded text, a version as a number,
 * fields in any order, fields of the reading before left out.
 *
 * @see OCMF 1.4 (S.A.F.E. e.V.), tables 1–8
 */
export function readOcmf(text: string): OcmfRecord | OcmfFault {
  if (text.length > MAX_CHARACTERS) return { unusable: 'signed record is too long' };
  if (!text.startsWith(HEADER)) return { unusable: 'signed record is no OCMF' };
  const parts = split(text.slice(HEADER.length));
  if (parts === undefined) return { unusable: 'OCMF record has no payload and signature of JSON' };
  const { payload, fields, signature } = parts;
  const algorithm = textOf(signature.SA) ?? 'ECDSA-secp256r1-SHA256';
  const bytes = signatureBytes(signature);
  if (bytes === undefined) return { unusable: 'OCMF record has no signature data' };
  const meterSerial = textOf(fields.MS) ?? textOf(fields.GS);
  if (meterSerial === undefined) return { unusable: 'OCMF record names no meter' };
  const page = /^([A-Z])(\d{1,15})$/.exec(textOf(fields.PG) ?? '');
  if (page === null) return { unusable: 'OCMF record has no pagination' };
  const readings = readReadings(fields.RD);
  if ('unusable' in readings) return readings;
  const pagination = { context: page[1] as string, number: Number(page[2]) };
  return { payload, algorithm, signature: bytes, meterSerial, pagination, readings: readings.readings };
}

/** Payload and signature are parted by a bar, which may also stand inside a text of either. */
function split(rest: string): { payload: string; fields: JsonObject; signature: JsonObject } | undefined {
  for (let at = rest.lastIndexOf('|'); at > 0; at = rest.lastIndexOf('|', at - 1)) {
    const payload = rest.slice(0, at);
    const fields = parse(payload);
    const signature = parse(rest.slice(at + 1));
    if (fields !== undefined && signature !== undefined) return { payload, fields, signature };
  }
  return undefined;
}

/** A JSON object in which every number stands as the text it was written as, so that no digit is lost. */
function parse(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text, (_key, given: unknown, context?: { source?: string }) => {
      return typeof given === 'number' ? (context?.source ?? String(given)) : given;
    });
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function signatureBytes({ SE, SD }: JsonObject): Uint8Array | undefined {
  if (typeof SD !== 'string' || SD === '') return undefined;
  if (SE === 'base64') return Buffer.from(SD, 'base64');
  const isHex = (SE === undefined || SE === 'hex') && /^([0-9a-fA-F]{2})+$/.test(SD);
  return isHex ? Buffer.from(SD, 'hex') : undefined;
}

function readReadings(value: unknown): { readings: OcmfReading[] } | OcmfFault {
  if (!Array.isArray(value) || value.length === 0) return { unusable: 'OCMF record has no readings' };
  const readings: OcmfReading[] = [];
  // A field that a reading leaves out is that of the reading before.
  let fields: JsonObject = {};
  for (const row of value) {
    if (!isObject(row)) return { unusable: 'OCMF reading is no object' };
    fields = { ...fields, ...row };
    const reading = readReading(fields);
    if ('unusable' in reading) return reading;
    readings.push(reading);
  }
  return { readings };
}

function readReading(fields: JsonObject): OcmfReading | OcmfFault {
  const kind = textOf(fields.TX) ?? '';
  if (!KINDS.has(kind)) return { unusable: 'OCMF reading is of no known kind' };
  const registerMicroWh = energyOf(textOf(fields.RV), textOf(fields.RU));
  if (registerMicroWh === undefined) return { unusable: 'OCMF reading has no energy' };
  const register = textOf(fields.RI) ?? '';
  const errors = textOf(fields.EF) ?? '';
  const isGood = fields.ST === 'G' && !errors.includes('E');
  return { ...readTime(textOf(fields.TM)), kind, registerMicroWh, register, isGood };
}

/** `2022-10-27T19:38:50,000+0200 I` */
const TIME = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:[,.]\d{1,9})?([+-]\d{2}):?(\d{2})(?: ([SRIU]))?$/;

function readTime(text: string | undefined): Pick<OcmfReading, 'takenAtSec' | 'clock'> {
  const match = TIME.exec(text ?? '');
  if (match === null) return { clock: 'U' };
  const [, local, hours, minutes, clock = 'U'] = match;
  const atMs = Date.parse(`${local}${hours}:${minutes}`);
  if (Number.isNaN(atMs)) return { clock: 'U' };
  return { takenAtSec: atMs / 1000, clock: clock as OcmfReading['clock'] };
}

const DECIMAL = /^(\d{1,15})(?:\.(\d{1,9}))?$/;
/** Millionths of a Wh are so many decimals of the unit. */
const DECIMALS: ReadonlyMap<string, number> = new Map([
  ['Wh', 6],
  ['kWh', 9],
]);

function energyOf(value: string | undefined, unit: string | undefined): bigint | undefined {
  const decimals = DECIMALS.get(unit ?? '');
  const match = DECIMAL.exec(value?.trim() ?? '');
  if (decimals === undefined || match === null) return undefined;
  const [, whole = '', fraction = ''] = match;
  return fraction.length > decimals ? undefined : BigInt(whole + fraction.padEnd(decimals, '0'));
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
