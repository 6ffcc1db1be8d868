import { asDecimal, attribute, operand, type TaskType } from '../task.ts';
import { precisionOf } from './precision.ts';

/** `input ÷ divisor`, to `precision` decimal places (16 if not set), a half rounded away from zero. */
export const divide: TaskType = {
  required: ['divisor'],
  optional: ['input', 'precision'],
  run: (call) => {
    const input = asDecimal(operand(call, 'input'), 'input');
    const divisor = asDecimal(attribute(call, 'divisor'), 'divisor');
    return { value: input.dividedBy(divisor, precisionOf(call)) };
  },
};
