import { asFlag, operand, type TaskType } from '../task.ts';

/** Lets a run go on if its operand is true, and fails if it is false; with `failEarly` that ends the run. */
export const conditional: TaskType = {
  required: [],
  optional: ['data'],
  run: (call) => {
    if (!asFlag(operand(call, 'data'), 'data', false)) throw new Error('the condition does not hold');
    return { value: true };
  },
};
