import { interpolateJson } from '../references.ts';
import { goodInputs, type TaskType } from '../task.ts';

/** Its `value`, as JSON that may hold references; without one its input. */
export const memo: TaskType = {
  required: [],
  optional: ['value'],
  run: (call) => {
    const [input] = goodInputs(call, 1);
    const text = call.attributes.value;
    if (text?.trim()) return { value: interpolateJson(text, call.vars, false) };
    if (input === undefined) throw new Error('value: expected JSON, or a task before this one');
    return { value: input };
  },
};
