import { Decoder } from 'cbor-x';
import { asBytes, asString, attribute, goodInputs, type TaskType } from '../task.ts';
import { isMap, makeMap, type Value } from '../values.ts';

const MAP_START = 0xbf;
const MAP_END = 0xff;
const MAJOR_TYPE_MAP = 5;

/** Decodes CBOR. In the mode `diet`, the default, the bytes are a map that may lack its start and end. */
export const cborparse: TaskType = {
  required: ['data'],
  optional: ['mode'],
  run: (call) => {
    goodInputs(call, Number.POSITIVE_INFINITY);
    const data = asBytes(attribute(call, 'data'), 'data');
    const mode = asString(attribute(call, 'mode') ?? 'diet', 'mode');
    if (mode === 'standard') return { value: data.length === 0 ? null : decode(data) };
    if (mode !== 'diet') throw new Error('mode: expected diet or standard');
    const isWhole = data.length > 0 && (data[0] as number) >> 5 === MAJOR_TYPE_MAP;
    const value = decode(isWhole ? data : Uint8Array.of(MAP_START, ...data, MAP_END));
    if (!isMap(value)) throw new Error('data: expected a map');
    return { value };
  },
};

function decode(data: Uint8Array): Value {
  let decoded: unknown;
  try {
    decoded = new Decoder({ mapsAsObjects: false, useRecords: false }).decode(data);
  } catch (error) {
    throw new Error(`data: no CBOR: ${(error as Error).message}`);
  }
  return toValue(decoded);
}

function toValue(decoded: unknown): Value {
  if (decoded === null || decoded === undefined) return null;
  if (decoded instanceof Uint8Array) return new Uint8Array(decoded);
  if (Array.isArray(decoded)) return decoded.map(toValue);
  if (decoded instanceof Map) {
    return makeMap(
      Array.from(decoded, ([key, entry]): [string, Value] => {
        if (typeof key !== 'string') throw new Error('data: expected text as the keys of a map');
        return [key, toValue(entry)];
      }),
    );
  }
  switch (typeof decoded) {
    case 'bigint':
      return Number.isSafeInteger(Number(decoded)) ? Number(decoded) : decoded;
    case 'boolean':
    case 'number':
    case 'string':
      return decoded;
    default:
      throw new Error('data: holds a CBOR type that has no value here');
  }
}
