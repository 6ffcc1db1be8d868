import { asString, operand, type TaskType } from '../task.ts';

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The bytes that a base64 text with its padding stands for. */
export const base64decode: TaskType = {
  required: [],
  optional: ['input'],
  run: (call) => {
    const text = asString(operand(call, 'input'), 'input').replace(/[\r\n]/g, '');
    if (!BASE64.test(text)) throw new Error('input: expected base64');
    return { value: new Uint8Array(Buffer.from(text, 'base64')) };
  },
};

/** Bytes, or the UTF-8 of a text, as base64. */
export const base64encode: TaskType = {
  required: [],
  optional: ['input'],
  run: (call) => {
    const input = operand(call, 'input');
    const bytes = input instanceof Uint8Array ? input : Buffer.from(asString(input, 'input'), 'utf8');
    return { value: Buffer.from(bytes).toString('base64') };
  },
};
