import { DevsenError } from '../core/errors.ts';
import type { TransactionState } from './transaction-record.ts';

const MOST_LIMIT = 200;
const DEFAULT_LIMIT = 50;

/** The parameters of the read API; each throws DevsenError `INPUT_INVALID`, which says what was expected. */

/** @param most - rows of a page */
export function limitOf(value: unknown, most = MOST_LIMIT): number {
  if (value === undefined) return Math.min(DEFAULT_LIMIT, most);
  if (typeof value !== 'string' || !/^\d{1,3}$/.test(value) || Number(value) < 1 || Number(value) > most) {
    throw new DevsenError('INPUT_INVALID', `limit must be a whole number from 1 to ${most}`);
  }
  return Number(value);
}

export function textOf(value: unknown, name: string): string {
  if (value === undefined) return '';
  if (typeof value !== 'string') throw new DevsenError('INPUT_INVALID', `${name} must be given once`);
  return value;
}

/** A place in a charger's record: epoch, time or connection, seq. */
export function cursorOf(value: unknown, preset: readonly [number, number, number]): readonly [number, number, number] {
  if (value === undefined) return preset;
  const match = typeof value === 'string' ? /^(\d{1,15})-(\d{1,15})-(\d{1,15})$/.exec(value) : null;
  if (match === null) throw new DevsenError('INPUT_INVALID', 'before must be the next of a page');
  return [Number(match[1]), Number(match[2]), Number(match[3])];
}

export function stateOf(value: unknown): TransactionState {
  if (value === undefined) return 'any';
  if (value !== 'any' && value !== 'open' && value !== 'ended') {
    throw new DevsenError('INPUT_INVALID', 'state must be any, open or ended');
  }
  return value;
}

/** The variable after which a page begins, as `<attribute>:<key>`; the result has the key first. */
export function variableAfter(value: unknown): readonly [key: string, attribute: string] {
  const text = textOf(value, 'after');
  const colon = text.indexOf(':');
  if (value !== undefined && colon < 1) throw new DevsenError('INPUT_INVALID', 'after must be the next of a page');
  return [text.slice(colon + 1), text.slice(0, Math.max(colon, 0))];
}

export function commitmentOf(value: unknown): string {
  return bytes32Of(value, 'commitment');
}

export function sessionIdOf(value: unknown): string {
  return bytes32Of(value, 'session');
}

function bytes32Of(value: unknown, name: string): string {
  if (typeof value !== 'string' || !/^0x[0-9a-fA-F]{64}$/.test(value)) {
    throw new DevsenError('INPUT_INVALID', `${name} must be 32 bytes as 0x-hex`);
  }
  return value.toLowerCase();
}
