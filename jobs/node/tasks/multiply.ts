import { asDecimal, attribute, operand, type TaskType } from '../task.ts';

/** `input × times`, exactly. */
export const multiply: TaskType = {
  required: ['times'],
  optional: ['input'],
  run: (call) => {
    const input = asDecimal(operand(call, 'input'), 'input');
    return { value: input.times(asDecimal(attribute(call, 'times'), 'times')) };
  },
};
