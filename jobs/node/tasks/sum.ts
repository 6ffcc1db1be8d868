import { Decimal } from '../decimal.ts';
import type { TaskType } from '../task.ts';
import { decimalsOf, MANY } from './many.ts';

/** The sum of its values, exactly. */
export const sum: TaskType = {
  ...MANY,
  run: (call) => ({ value: sumOf(decimalsOf(call)) }),
};

export function sumOf(values: readonly Decimal[]): Decimal {
  return values.reduce((total, value) => total.plus(value), new Decimal(0n));
}
