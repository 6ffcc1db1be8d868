import { Decimal } from '../decimal.ts';
import type { TaskType } from '../task.ts';
import { isMap, makeMap, toJson, type Value } from '../values.ts';
import { MANY, valuesOf } from './many.ts';

/**
 * The most frequent of its values and how often it occurs: `{results, occurrences}`. All that occur equally often are
 * given, in the order in which they reached that number. A number and its text count as the same.
 */
export const mode: TaskType = {
  ...MANY,
  run: (call) => {
    const counts = new Map<string, number>();
    let occurrences = 0;
    let results: Value[] = [];
    for (const value of valuesOf(call)) {
      const key = keyOf(value);
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      if (count > occurrences) {
        occurrences = count;
        results = [value];
      } else if (count === occurrences) results.push(value);
    }
    return {
      value: makeMap([
        ['results', results],
        ['occurrences', occurrences],
      ]),
    };
  },
};

/** What values that count as the same have in common. */
function keyOf(value: Value): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1');
  if (typeof value === 'number' && Number.isFinite(value)) return Decimal.parse(String(value)).toString();
  return typeof value === 'object' && !(value instanceof Decimal) ? toJson(inOrder(value)) : String(value);
}

/** The same with the keys of all maps sorted. */
function inOrder(value: Value): Value {
  if (Array.isArray(value)) return value.map(inOrder);
  if (!isMap(value)) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return makeMap(entries.map(([key, entry]) => [key, inOrder(entry)]));
}
