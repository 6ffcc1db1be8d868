import { asFlag, operand, type TaskType } from '../task.ts';

/** Why the task fails where its operand is false. */
export const CONDITION_FAILS = 'the condition does not hold';

/** Lets a run go on if its operand is true, and fails if it is false; with `failEarly` that ends the run. */
export const conditional: TaskType = {
  required: [],
  optional: ['data'],
  run: (call) => {
    if (!asFlag(operand(call, 'data'), 'data', false)) throw new Error(CONDITION_FAILS);
    return { value: true };
  },
};
