import { isWhole } from './json.ts';
import { normaliseValue } from './units.ts';

/**
 * Values that chargers write in another type than their schema has, where it is certain which one is meant: a number in
 * quotes, or a text that consists of digits without them. All else is undefined, never a guess.
 */

const WHOLE = /^[+-]?\d{1,16}$/;
const DECIMAL = /^[+-]?\d{1,24}(\.\d{1,24})?$/;

/** A whole number, or text of one. */
export function wholeIn(value: unknown): number | undefined {
  const number = typeof value === 'string' && WHOLE.test(value.trim()) ? Number(value) : value;
  return isWhole(number) ? number : undefined;
}

/** A number, or decimal text of one. */
export function numberIn(value: unknown): number | undefined {
  if (typeof value === 'string') return DECIMAL.test(value.trim()) ? Number(value) : undefined;
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** A text, or a number as its shortest decimal, which for up to 15 digits is what the charger wrote. */
export function textIn(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value !== 'number' || (Number.isInteger(value) && !isWhole(value))) return undefined;
  const text = String(value);
  return DECIMAL.test(text) ? text : undefined;
}

/** A register in Wh, rounded down as all registers are. */
export function registerIn(value: unknown): number | undefined {
  const text = textIn(value);
  return text === undefined ? undefined : normaliseValue(text, 'Wh')?.value;
}

/** Whether a member is left out: some chargers write null for it. */
export function isAbsent(value: unknown): value is undefined | null {
  return value === undefined || value === null;
}
