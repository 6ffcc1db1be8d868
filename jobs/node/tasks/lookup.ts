import { asString, attribute, goodInputs, type TaskType } from '../task.ts';
import { isMap } from '../values.ts';

/** The value under `key` in its input, a map; nothing if there is none. */
export const lookup: TaskType = {
  required: ['key'],
  optional: [],
  run: (call) => {
    const [map] = goodInputs(call, 1);
    const key = asString(attribute(call, 'key'), 'key');
    if (!isMap(map)) throw new Error('expected a map as the input');
    return { value: Object.hasOwn(map, key) ? (map[key] ?? null) : null };
  },
};
