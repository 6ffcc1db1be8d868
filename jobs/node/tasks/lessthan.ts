import { asDecimal, attribute, operand, type TaskType } from '../task.ts';

/** Whether `left < right`. Without `left` the first input is the left. */
export const lessthan: TaskType = {
  required: ['right'],
  optional: ['left'],
  run: (call) => {
    const left = asDecimal(operand(call, 'left'), 'left');
    return { value: left.compare(asDecimal(attribute(call, 'right'), 'right')) < 0 };
  },
};
