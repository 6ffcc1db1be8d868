import { Decimal } from '../decimal.ts';
import { asBytes, operand, type TaskType } from '../task.ts';

/** How many bytes its input has; of 0x-hex the bytes it stands for, of any other text its UTF-8. */
export const length: TaskType = {
  required: [],
  optional: ['input'],
  run: (call) => ({ value: new Decimal(BigInt(asBytes(operand(call, 'input'), 'input').length)) }),
};
