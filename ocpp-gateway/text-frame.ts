const FINAL_TEXT = 0x81;
/** Stands for a payload's length where that follows in two bytes. */
const LENGTH_16 = 126;

/** The mark of a frame whose payload is masked, as a client's is, beside the payload's length. */
const MASKED = 0x80;
const MASK_BYTES = 4;
/** What decoding puts where bytes are no UTF-8. */
const REPLACEMENT = '\ufffd';

/**
 * The text of a chunk that is one whole text frame of a client and nothing else, which is how messages come for the most part:
 * final, of opcode text, masked, shorter than 64 KiB, of UTF-8 without U+FFFD.
 *
 * @param chunk - unmasked in place if it is one, else left as it is
 * @returns undefined if it is anything else, or more than `mostBytes` of text
 * @see RFC 6455 §5.2
 */
export function wholeText(chunk: Buffer, mostBytes: number): { text: string; bytes: number } | undefined {
  if (chunk.length < 2 + MASK_BYTES || chunk[0] !== FINAL_TEXT) return undefined;
  const second = chunk[1] as number;
  const isLong = second === (MASKED | LENGTH_16);
  if (second < MASKED || second > (MASKED | LENGTH_16)) return undefined;
  const bytes = isLong ? chunk.readUInt16BE(2) : second - MASKED;
  const from = (isLong ? 4 : 2) + MASK_BYTES;
  if (chunk.length !== from + bytes || bytes > mostBytes || (isLong && bytes < LENGTH_16)) return undefined;
  toggleMask(chunk, from);
  const text = chunk.toString('utf8', from);
  if (!text.includes(REPLACEMENT)) return { text, bytes };
  toggleMask(chunk, from);
  return undefined;
}

/** Masks the payload that begins at `from`, or takes its mask off. */
function toggleMask(chunk: Buffer, from: number): void {
  const mask = from - MASK_BYTES;
  let at = from;
  if ((chunk.byteOffset + mask) % MASK_BYTES === 0) {
    // The first word is the mask: four bytes at a time it takes a third of the time.
    const words = new Int32Array(chunk.buffer, chunk.byteOffset + mask, (chunk.length - mask) >> 2);
    const key = words[0] as number;
    for (let n = 1; n < words.length; n++) words[n] = (words[n] as number) ^ key;
    at = mask + words.byteLength;
  }
  for (; at < chunk.length; at++) chunk[at] = (chunk[at] as number) ^ (chunk[mask + ((at - from) & 3)] as number);
}

/**
 * A text as one WebSocket frame of a server: final, of opcode text, unmasked.
 *
 * ws would write the frame's head and its text as two chunks; in one piece it costs a third less, and answers are most
 * of what a gateway sends.
 *
 * @see RFC 6455 §5.2
 */
export function textFrame(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const headLength = length < 126 ? 2 : length < 0x10000 ? 4 : 10;
  const frame = Buffer.allocUnsafe(headLength + length);
  frame[0] = FINAL_TEXT;
  if (headLength === 2) frame[1] = length;
  else if (headLength === 4) {
    frame[1] = LENGTH_16;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  frame.write(text, headLength);
  return frame;
}
