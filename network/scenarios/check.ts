import { isDeepStrictEqual } from 'node:util';
import { DevsenError } from '../../core/errors.ts';

/** @throws DevsenError `CONFLICT` that says what was expected and what was there */
export function mustEqual(what: string, actual: unknown, expected: unknown): void {
  if (isDeepStrictEqual(actual, expected)) return;
  throw new DevsenError('CONFLICT', `${what}: expected ${textOf(expected)}, found ${textOf(actual)}`);
}

/** @throws DevsenError `CONFLICT` if it is not so */
export function must(what: string, isSo: boolean): void {
  if (!isSo) throw new DevsenError('CONFLICT', `it is not so that ${what}`);
}

/** What a virtual charger refused to do. @throws DevsenError `CONFLICT` with its reason */
export function mustDo(refused: string | undefined): void {
  if (refused !== undefined) throw new DevsenError('CONFLICT', `the charger did nothing: ${refused}`);
}

function textOf(value: unknown): string {
  return JSON.stringify(value, (_key, each) => (typeof each === 'bigint' ? each.toString() : each)) ?? 'nothing';
}
