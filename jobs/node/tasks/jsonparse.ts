import { asFlag, asString, attribute, goodInputs, type TaskType } from '../task.ts';
import { fromJson, isMap, type Value } from '../values.ts';

/** The value at a path in a JSON text: `path="data,0,price"`, a negative place counts from a list's end. */
export const jsonparse: TaskType = {
  required: [],
  optional: ['path', 'data', 'separator', 'lax'],
  run: (call) => {
    const inputs = goodInputs(call, 1);
    const isLax = asFlag(attribute(call, 'lax'), 'lax', false);
    const path = pathOf(attribute(call, 'path'), asString(attribute(call, 'separator') ?? ',', 'separator'));
    let value: Value;
    try {
      value = fromJson(asString(attribute(call, 'data') ?? inputs[0], 'data'));
    } catch (error) {
      throw new Error(`data: no JSON: ${(error as Error).message}`);
    }
    for (const part of path) {
      const next = step(value, part);
      if (next === undefined) {
        if (isLax) return { value: null };
        throw new Error(`data: nothing at ${path.join(',')}`);
      }
      value = next;
    }
    return { value };
  },
};

function pathOf(value: Value | undefined, separator: string): string[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value.map((part) => asString(part, 'path'));
  const text = asString(value, 'path');
  return text === '' ? [] : text.split(separator);
}

function step(value: Value, part: string): Value | undefined {
  if (isMap(value)) return Object.hasOwn(value, part) ? value[part] : undefined;
  if (!Array.isArray(value) || !/^-?\d+$/.test(part)) return undefined;
  return value.at(Number(part));
}
