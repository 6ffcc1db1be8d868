import { Decimal } from '../decimal.ts';
import type { TaskType } from '../task.ts';
import { decimalsOf, MANY } from './many.ts';

const HALF = new Decimal(5n, 1);

/** The middle one of its values; of an even number, the mean of the two in the middle, exactly. */
export const median: TaskType = {
  ...MANY,
  run: (call) => {
    const sorted = decimalsOf(call).sort((a, b) => a.compare(b));
    const upper = sorted[Math.floor(sorted.length / 2)] as Decimal;
    const lower = sorted[Math.floor((sorted.length - 1) / 2)] as Decimal;
    return { value: upper.plus(lower).times(HALF) };
  },
};
