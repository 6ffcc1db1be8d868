import { asString, operand, type TaskType } from '../task.ts';

/** Its input in lower case. */
export const lowercase = changing((text) => text.toLowerCase());

/** Its input in upper case. */
export const uppercase = changing((text) => text.toUpperCase());

function changing(change: (text: string) => string): TaskType {
  return {
    required: [],
    optional: ['input'],
    run: (call) => ({ value: change(asString(operand(call, 'input'), 'input')) }),
  };
}
