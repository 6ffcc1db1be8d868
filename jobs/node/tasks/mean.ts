import { Decimal } from '../decimal.ts';
import type { TaskType } from '../task.ts';
import { decimalsOf, MANY } from './many.ts';
import { precisionOf } from './precision.ts';
import { sumOf } from './sum.ts';

/** The average of its values, to `precision` decimal places (16 if not set). */
export const mean: TaskType = {
  ...MANY,
  optional: [...MANY.optional, 'precision'],
  run: (call) => {
    const values = decimalsOf(call);
    return { value: sumOf(values).dividedBy(new Decimal(BigInt(values.length)), precisionOf(call)) };
  },
};
