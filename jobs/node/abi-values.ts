import { AbiCoder, getAddress, ParamType as Param, type ParamType } from 'ethers';
import { Decimal } from './decimal.ts';
import { FixedBytes, makeMap, type Value, type ValueMap } from './values.ts';

const coder = AbiCoder.defaultAbiCoder();
const SIGNATURE = /^\s*([a-zA-Z0-9_]+)?\s*\(([a-zA-Z0-9[\]_\s,]*)\)\s*$/;

/** A Chainlink ABI text: an optional name and a list of named arguments. */
export interface AbiSignature {
  name: string;
  arguments: ParamType[];
}

/**
 * Reads an ABI text such as `fulfil(bytes32 requestId, bytes answer)`.
 *
 * @throws Error saying what was expected
 */
export function parseSignature(text: string, isLog = false): AbiSignature {
  const match = SIGNATURE.exec(text);
  if (!match) throw new Error('abi: expected name(type name, …) or (type name, …)');
  return { name: match[1] ?? '', arguments: parseArguments(match[2] ?? '', isLog) };
}

/** Reads a list of arguments without brackets, such as `uint16 connector, bytes32 id`. */
export function parseArguments(text: string, isLog = false): ParamType[] {
  if (text.trim() === '') return [];
  return text.split(',').map((argument) => {
    const words = argument
      .trim()
      .split(/\s+/)
      .filter((word) => word !== 'calldata' && word !== 'memory' && word !== 'storage');
    const isIndexed = isLog && words.length === 3 && words[1] === 'indexed';
    if (words.length !== (isIndexed ? 3 : 2))
      throw new Error(`abi: expected a type and a name, found "${argument.trim()}"`);
    try {
      return Param.from(words.join(' '), isLog);
    } catch {
      throw new Error(`abi: no such type: "${argument.trim()}"`);
    }
  });
}

/** @throws Error if the bytes are not what the types ask for */
export function decodeArguments(params: readonly ParamType[], data: Uint8Array): ValueMap {
  let decoded: unknown[];
  try {
    decoded = coder.decode(params, data).toArray();
  } catch {
    throw new Error('the bytes do not decode as the abi says');
  }
  return makeMap(params.map((param, i) => [param.name, fromAbi(decoded[i], param)]));
}

/** @throws Error naming the argument that is missing or of another type */
export function encodeArguments(params: readonly ParamType[], values: ValueMap): string {
  const given = params.map((param) => {
    const value = values[param.name];
    if (value === undefined) throw new Error(`data: argument ${param.name} is missing`);
    try {
      return toAbi(value, param);
    } catch (error) {
      throw new Error(`data: argument ${param.name}: ${(error as Error).message}`);
    }
  });
  try {
    return coder.encode(params, given);
  } catch {
    throw new Error('data: a value does not fit its type');
  }
}

function fromAbi(value: unknown, param: ParamType): Value {
  if (param.baseType === 'array') {
    return Array.from(value as unknown[], (entry) => fromAbi(entry, param.arrayChildren as ParamType));
  }
  if (typeof value === 'bigint') {
    return Number.isSafeInteger(Number(value)) && Number(param.type.replace(/\D/g, '')) <= 64 ? Number(value) : value;
  }
  if (param.type === 'bytes') return new Uint8Array(Buffer.from((value as string).slice(2), 'hex'));
  if (param.type.startsWith('bytes')) return new FixedBytes(Buffer.from((value as string).slice(2), 'hex'));
  return value as Value;
}

function toAbi(value: Value, param: ParamType): unknown {
  if (param.baseType === 'array') {
    if (!Array.isArray(value)) throw new Error('expected a list');
    return value.map((entry) => toAbi(entry, param.arrayChildren as ParamType));
  }
  if (/^u?int/.test(param.type)) return toInteger(value);
  if (param.type === 'string') return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : asText(value);
  if (param.type === 'bool') return toBool(value);
  if (param.type === 'address') return getAddress(hexOf(value, 20).toLowerCase());
  if (param.type === 'bytes') return anyHexOf(value);
  return hexOf(value, Number(param.type.slice('bytes'.length)));
}

function toInteger(value: Value): bigint {
  if (typeof value === 'bigint') return value;
  if (value instanceof Decimal) return value.truncate();
  if (typeof value === 'number' && Number.isFinite(value)) return Decimal.parse(String(value)).truncate();
  if (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value)) return BigInt(value.split('.')[0] as string);
  throw new Error('expected a whole number');
}

function toBool(value: Value): boolean {
  if (typeof value === 'boolean') return value;
  if (value === 'true' || value === 'false') return value === 'true';
  throw new Error('expected true or false');
}

function asText(value: Value): string {
  if (typeof value !== 'string') throw new Error('expected text');
  return value;
}

function anyHexOf(value: Value): string {
  if (value instanceof Uint8Array) return `0x${Buffer.from(value).toString('hex')}`;
  const text = asText(value);
  if (!text.startsWith('0x')) return `0x${Buffer.from(text, 'utf8').toString('hex')}`;
  if (!/^0x([0-9a-fA-F]{2})*$/.test(text)) throw new Error('expected bytes as 0x and hex digits');
  return text;
}

function hexOf(value: Value, length: number): string {
  const hex = anyHexOf(value);
  if (hex.length !== 2 + length * 2) throw new Error(`expected ${length} bytes, found ${(hex.length - 2) / 2}`);
  return hex;
}
