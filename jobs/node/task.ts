import type { BridgeAnswers } from './bridge-answers.ts';
import type { Bridge } from './bridges.ts';
import type { Callbacks } from './callbacks.ts';
import type { Chain } from './chain.ts';
import { Decimal } from './decimal.ts';
import { interpolateJson, soleReference, valueAt } from './references.ts';
import type { Sender } from './sending.ts';
import { Fault, isMap, type Value, type ValueMap } from './values.ts';

/** What tasks reach the world through. */
export interface TaskServices {
  bridges: Record<string, Bridge>;
  sender: Sender;
  callbacks: Callbacks;
  bridgeAnswers: BridgeAnswers;
  chain: Pick<Chain, 'read' | 'estimateGas'>;
  /** How long an HTTP request may take where its task names no timeout. */
  httpTimeoutMs: number;
  /** How long a bridge that answers later may take. */
  asyncTimeoutMs: number;
  /** Longest answer taken from a bridge or an HTTP source. */
  httpMaxBytes: number;
  /** `AuthorizedForwarder` that the node's accounts send through, lower case; undefined for none. */
  forwarder: string | undefined;
  /** What one LINK is worth, wei; 0 where it is not said. */
  weiPerLink: bigint;
  /** A whole number from 0 to below the one given, each as likely. */
  randomBelow: (bound: number) => number;
}

/** One attempt at a task. */
export interface TaskCall {
  /** Attributes from the DOT source, names in lower case. */
  attributes: Readonly<Record<string, string>>;
  /** Results of the tasks with an arrow to this one, by their `index`. */
  inputs: readonly Value[];
  /** Results of all tasks before by name, and `jobRun` and `jobSpec`. */
  vars: ValueMap;
  /** The same for each attempt at the same task of the same run: what makes an effect happen once. */
  key: string;
  /** `<job>:<task>`, the same in every run. */
  place: string;
  /** The run, by its row in the database. */
  runId: number;
  /** Block that holds the request; 0 for a run that the clock began. */
  blockNumber: number;
  /** Aborted when the attempt's time is over or the run ends early. */
  signal: AbortSignal;
  /** Timeout the spec sets for this task, if it does. */
  timeoutMs: number | undefined;
  /** Gas limit the spec sets for all its txs, if it does. */
  gasLimit: number | undefined;
  /** Whether the spec allows its txs to go through a forwarder. */
  isForwarded: boolean;
  /** What the answer earns, wei; undefined where that is not known or nothing is paid. */
  worthWei: bigint | undefined;
  services: TaskServices;
}

/**
 * What came of an attempt. `pending` is for what takes long and survives a restart (a tx, an answer that comes later):
 * it settles when the thing is done and no timeout applies to it; asked again with the same key, it waits for the same.
 */
export type TaskResult = { value: Value } | { pending: (signal: AbortSignal) => Promise<Value> };

/** A failure that another attempt would not mend: none is made. */
export class FinalError extends Error {}

/** A task type: one row of the table in `tasks/table.ts`. Names of attributes are in lower case. */
export interface TaskType {
  required: readonly string[];
  optional: readonly string[];
  /** What is wrong with the attributes as written, if anything: asked once, when the spec is loaded. */
  check?: (attributes: Readonly<Record<string, string>>) => string | undefined;
  /** @throws Error whose message becomes the task's fault; `FinalError` where no further attempt is to be made */
  run: (call: TaskCall) => TaskResult | Promise<TaskResult>;
}

/**
 * Refuses a call whose inputs hold more faults than allowed.
 *
 * @returns the inputs that are no faults
 */
export function goodInputs(call: TaskCall, most: number, allowedFaults = 0): Value[] {
  const faults = call.inputs.filter((input) => input instanceof Fault);
  if (faults.length > allowedFaults) {
    throw new Error(`an input failed: ${faults.map((fault) => fault.message).join('; ')}`);
  }
  const good = call.inputs.filter((input) => !(input instanceof Fault));
  if (good.length > most) throw new Error(`${good.length} inputs, expected at most ${most}`);
  return good;
}

/**
 * An attribute's value: what it refers to if it is a sole `$(…)`, else its text; undefined if it is not set.
 *
 * @throws Error if it refers to a failed task or to nothing
 */
export function attribute(call: TaskCall, name: string): Value | undefined {
  const text = call.attributes[name];
  if (text === undefined || text.trim() === '') return undefined;
  const path = soleReference(text);
  if (path === undefined) return text.trim();
  const value = valueAt(call.vars, path);
  if (value instanceof Fault) throw new Error(`$(${path}) failed: ${value.message}`);
  return value;
}

/** A map given by reference, as JSON with references, or as a JSON text; undefined if it is not set. */
export function mapAttribute(call: TaskCall, name: string): ValueMap | undefined {
  const text = call.attributes[name];
  if (text === undefined || text.trim() === '') return undefined;
  let value: Value | undefined = soleReference(text) === undefined ? undefined : attribute(call, name);
  if (value === undefined) value = named(name, () => interpolateJson(text, call.vars, false));
  else if (typeof value === 'string') {
    const json = value;
    value = named(name, () => interpolateJson(json, {}, false));
  }
  if (!isMap(value)) throw new Error(`${name}: expected a map`);
  return value;
}

/** A task's operand: the attribute if it is set, else the first input. */
export function operand(call: TaskCall, name: string): Value {
  const [input] = goodInputs(call, 1);
  const given = attribute(call, name);
  const value = given === undefined ? input : given;
  if (value === undefined) throw new Error(`${name}: expected a value, or a task before this one`);
  return value;
}

/**
 * Lets a task name the chain, but no other than the node's own.
 *
 * @throws FinalError
 */
export function expectOwnChain(call: TaskCall): void {
  const named = attribute(call, 'evmchainid');
  if (named === undefined) return;
  const own = valueAt(call.vars, 'jobSpec.evmChainID');
  if (String(named) !== own) throw new FinalError(`evmChainID: the node's chain is ${own}`);
}

/** `headers` is a JSON list: name, value, name, value … */
export function headerPairs(call: TaskCall): [string, string][] {
  const text = call.attributes.headers;
  if (!text) return [];
  const list = named('headers', () => JSON.parse(text) as unknown);
  if (!Array.isArray(list) || list.length % 2 !== 0 || !list.every((entry) => typeof entry === 'string')) {
    throw new Error('headers: expected a JSON list of names and values');
  }
  return Array.from({ length: list.length / 2 }, (_, i) => [String(list[2 * i]), String(list[2 * i + 1])]);
}

/** A decimal number from any kind of number, or from its text. */
export function asDecimal(value: Value | undefined, name: string): Decimal {
  if (value instanceof Decimal) return value;
  const isNumber = typeof value === 'bigint' || (typeof value === 'number' && Number.isFinite(value));
  const text = isNumber ? String(value) : value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : value;
  if (typeof text !== 'string') throw new Error(`${name}: expected a number`);
  return named(name, () => Decimal.parse(text));
}

/** An address, lower case, from its hex text or its 20 bytes. */
export function asAddress(value: Value | undefined, name: string): string {
  const hex = value instanceof Uint8Array && value.length === 20 ? `0x${Buffer.from(value).toString('hex')}` : value;
  if (typeof hex !== 'string' || !/^0x[0-9a-fA-F]{40}$/.test(hex)) throw new Error(`${name}: expected an address`);
  return hex.toLowerCase();
}

/** Bytes from bytes, from 0x-hex, or from the UTF-8 of any other text. */
export function asBytes(value: Value | undefined, name: string): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value !== 'string') throw new Error(`${name}: expected bytes`);
  if (/^0x([0-9a-fA-F]{2})*$/.test(value)) return new Uint8Array(Buffer.from(value.slice(2), 'hex'));
  return new Uint8Array(Buffer.from(value, 'utf8'));
}

export function asString(value: Value | undefined, name: string): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  if (typeof value !== 'string') throw new Error(`${name}: expected text`);
  return value;
}

export function asFlag(value: Value | undefined, name: string, otherwise: boolean): boolean {
  if (value === undefined) return otherwise;
  if (typeof value === 'boolean') return value;
  if (value === 'true' || value === '1') return true;
  if (value === 'false' || value === '0') return false;
  throw new Error(`${name}: expected true or false`);
}

export function asCount(value: Value | undefined, name: string, otherwise: number): number {
  if (value === undefined) return otherwise;
  const count = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : Number(value as number | bigint);
  if (!Number.isSafeInteger(count) || count < 0) throw new Error(`${name}: expected a whole number`);
  return count;
}

function named<T>(name: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw new Error(`${name}: ${(error as Error).message}`);
  }
}
