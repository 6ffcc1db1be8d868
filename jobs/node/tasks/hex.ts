import { asDecimal, asString, operand, type TaskType } from '../task.ts';

/** The bytes that 0x and hex digits stand for. */
export const hexdecode: TaskType = {
  required: [],
  optional: ['input'],
  run: (call) => {
    const text = asString(operand(call, 'input'), 'input');
    if (!/^0x([0-9a-fA-F]{2})*$/.test(text)) throw new Error('input: expected 0x and pairs of hex digits');
    return { value: new Uint8Array(Buffer.from(text.slice(2), 'hex')) };
  },
};

/** Bytes, the UTF-8 of a text, or a whole number as 0x and hex digits; nothing at all as an empty text. */
export const hexencode: TaskType = {
  required: [],
  optional: ['input'],
  run: (call) => {
    const input = operand(call, 'input');
    const isBytes = input instanceof Uint8Array || typeof input === 'string';
    const digits = isBytes ? Buffer.from(input).toString('hex') : wholeNumber(input).toString(16);
    return { value: digits === '' ? '' : `0x${digits}` };
  },
};

function wholeNumber(input: Parameters<typeof asDecimal>[0]): bigint {
  const number = asDecimal(input, 'input');
  if (!number.isWhole() || number.unscaled < 0n) throw new Error('input: expected a whole number, not negative');
  return number.unscaled;
}
