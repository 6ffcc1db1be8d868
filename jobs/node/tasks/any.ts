import type { TaskType } from '../task.ts';
import { Fault, type Value } from '../values.ts';

/** One of its inputs that did not fail, at random. */
export const any: TaskType = {
  required: [],
  optional: [],
  run: (call) => {
    if (call.inputs.length === 0) throw new Error('expected at least one task before this one');
    const good = call.inputs.filter((input) => !(input instanceof Fault));
    if (good.length === 0) throw new Error('every input failed');
    return { value: good[call.services.randomBelow(good.length)] as Value };
  },
};
