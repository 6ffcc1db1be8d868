import { Decimal } from './decimal.ts';

/** What a task takes and gives. A fault stands where a task failed: it is passed on as an input like any value. */
export type Value = null | boolean | number | bigint | Decimal | string | Uint8Array | Fault | Value[] | ValueMap;

/** Why a task failed; the message is safe to show. */
export class Fault {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

/** Bytes of a fixed-length Solidity type (`bytes1` … `bytes32`), which JSON shows as a list of numbers, not as base64. */
export class FixedBytes extends Uint8Array {}

export type ValueMap = { [key: string]: Value };

export function isMap(value: Value | undefined): value is ValueMap {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Uint8Array) &&
    !(value instanceof Fault) &&
    !(value instanceof Decimal)
  );
}

/** A map without a prototype, so that no key of a stranger's data means anything special. */
export function makeMap(entries: Iterable<[string, Value]>): ValueMap {
  const map: ValueMap = Object.create(null);
  for (const [key, value] of entries) map[key] = value;
  return map;
}

/**
 * A value as the JSON a Chainlink node would send to a bridge: `bytes` as base64, `bytesN` as a list of numbers,
 * integers of any size as digits, results of decimal arithmetic as text.
 *
 * @throws Error if the value holds a fault or a number JSON has no form for
 */
export function toJson(value: Value): string {
  if (value instanceof Fault) throw new Error(`a failed task has no value: ${value.message}`);
  if (value instanceof FixedBytes) return `[${Array.from(value).join(',')}]`;
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString('base64'));
  if (value instanceof Decimal) return `"${value}"`;
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number' && !Number.isFinite(value)) throw new Error('JSON has no form for this number');
  if (Array.isArray(value)) return `[${value.map(toJson).join(',')}]`;
  if (isMap(value)) {
    return `{${Object.entries(value)
      .map(([key, entry]) => `${JSON.stringify(key)}:${toJson(entry)}`)
      .join(',')}}`;
  }
  return JSON.stringify(value);
}

/** A number's text with at most this many characters comes through a double unchanged. */
const DOUBLE_DIGITS = 15;

/**
 * Parses JSON. No digit is lost: whole numbers beyond 2^53 become bigints, and what else a double would round or cannot
 * hold becomes a decimal.
 *
 * @throws SyntaxError if the text is no JSON
 */
export function fromJson(text: string): Value {
  const keepDigits = function (this: unknown, _key: string, value: unknown, context?: { source?: string }): unknown {
    if (typeof value === 'number' && !Number.isSafeInteger(value)) return exactNumber(value, context?.source ?? '');
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return makeMap(Object.entries(value));
    return value;
  };
  return JSON.parse(text, keepDigits as (key: string, value: unknown) => unknown) as Value;
}

function exactNumber(value: number, source: string): Value {
  if (/^-?\d+$/.test(source)) return BigInt(source);
  if (source.length <= DOUBLE_DIGITS && Number.isFinite(value)) return value;
  const exact = Decimal.parse(source);
  const isSame = Number.isFinite(value) && Decimal.parse(String(value)).compare(exact) === 0;
  return isSame ? value : exact;
}

/** A value as text for the database; `loadValue` gives the same value back, types and all. */
export function storeValue(value: Value): string {
  return JSON.stringify(pack(value));
}

export function loadValue(text: string): Value {
  return unpack(JSON.parse(text) as Packed);
}

type Packed = null | boolean | number | string | Packed[] | { t: string; v: Packed };

function pack(value: Value): Packed {
  if (value instanceof Fault) return { t: 'fault', v: value.message };
  if (value instanceof FixedBytes) return { t: 'fixed', v: Buffer.from(value).toString('hex') };
  if (value instanceof Uint8Array) return { t: 'bytes', v: Buffer.from(value).toString('hex') };
  if (value instanceof Decimal) return { t: 'decimal', v: value.toString() };
  if (typeof value === 'bigint') return { t: 'int', v: value.toString() };
  if (typeof value === 'number' && !Number.isFinite(value)) return { t: 'float', v: String(value) };
  if (Array.isArray(value)) return value.map(pack);
  if (isMap(value)) return { t: 'map', v: Object.entries(value).map(([key, entry]) => [key, pack(entry)]) };
  return value;
}

function unpack(packed: Packed): Value {
  if (Array.isArray(packed)) return packed.map(unpack);
  if (typeof packed !== 'object' || packed === null) return packed;
  const text = String(packed.v);
  switch (packed.t) {
    case 'fault':
      return new Fault(text);
    case 'fixed':
      return new FixedBytes(Buffer.from(text, 'hex'));
    case 'bytes':
      return new Uint8Array(Buffer.from(text, 'hex'));
    case 'decimal':
      return Decimal.parse(text);
    case 'int':
      return BigInt(text);
    case 'float':
      return Number(text);
    default:
      return makeMap((packed.v as [string, Packed][]).map(([key, entry]) => [key, unpack(entry)]));
  }
}
