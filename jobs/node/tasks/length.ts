import { Decimal } from '../decimal.ts';
import { asBytes, operand, type TaskType } from '../task.ts';

/** How many bytes its input has: none of nothing; of 0x-hex the bytes it stands for, of any other text its UTF-8. */
export const length: TaskType = {
  required: [],
  optional: ['input'],
  run: (call) => {
    const input = operand(call, 'input');
    return { value: new Decimal(BigInt(input === null ? 0 : asBytes(input, 'input').length)) };
  },
};
