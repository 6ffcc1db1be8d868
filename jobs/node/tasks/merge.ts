import { goodInputs, mapAttribute, type TaskType } from '../task.ts';
import { fromJson, isMap, makeMap, type Value } from '../values.ts';

/** Two maps in one; what both have is taken from `right`, null included. Without `left` the first input is the left. */
export const merge: TaskType = {
  required: ['right'],
  optional: ['left'],
  run: (call) => {
    const [input] = goodInputs(call, 1);
    const left = mapAttribute(call, 'left') ?? readMap(input);
    const right = mapAttribute(call, 'right') ?? {};
    return { value: makeMap([...Object.entries(left), ...Object.entries(right)]) };
  },
};

function readMap(input: Value | undefined) {
  const value = typeof input === 'string' ? fromJson(input) : input;
  if (!isMap(value)) throw new Error('left: expected a map');
  return value;
}
