import { asDecimal, attribute, type TaskCall } from '../task.ts';

const DEFAULT_PRECISION = 16;
const MAX_PRECISION = 1_000;

/** Decimal places a division is carried to: the attribute `precision`, or 16. */
export function precisionOf(call: TaskCall): number {
  const value = attribute(call, 'precision');
  if (value === undefined) return DEFAULT_PRECISION;
  const precision = asDecimal(value, 'precision');
  const places = Number(precision.truncate());
  if (!precision.isWhole() || Math.abs(places) > MAX_PRECISION) {
    throw new Error(`precision: expected a whole number of at most ${MAX_PRECISION}`);
  }
  return places;
}
