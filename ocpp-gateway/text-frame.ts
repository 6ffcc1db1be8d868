const FINAL_TEXT = 0x81;
/** Stands for a payload's length where that follows in two bytes. */
const LENGTH_16 = 126;

/** The mark of a frame whose payload is masked, as a client's is, beside the payload's length. */
const MASKED = 0x80;
const MASK_BYTES = 4;
/** What decoding puts where bytes are no UTF-8. */
const REPLACEMENT = '\ufffd';

/** Memory that bytes are received in: room for the longest frame that is read here. */
export class ReadMemory {
  readonly bytes = Buffer.alloc(0x10000 + 8);
  /** The same, four bytes at a time. */
  readonly words = new Int32Array(this.bytes.buffer);
}

/**
 * The text of what was received if that is one whole text frame of a client and nothing else, which is how messages come for
 * the most part: final, of opcode text, masked, shorter than 64 KiB, of UTF-8 without U+FFFD.
 *
 * @param memory - begins with it; unmasked in place if it is one, else left as it is
 * @param length - bytes that were received
 * @returns undefined if it is anything else, or more than `mostBytes` of text
 * @see RFC 6455 §5.2
 */
export function wholeText(
  memory: ReadMemory,
  length: number,
  mostBytes: number,
): { text: string; bytes: number } | undefined {
  const { bytes } = memory;
  if (length < 2 + MASK_BYTES || bytes[0] !== FINAL_TEXT) return undefined;
  const second = bytes[1] as number;
  const isLong = second === (MASKED | LENGTH_16);
  if (second < MASKED || second > (MASKED | LENGTH_16)) return undefined;
  const size = isLong ? bytes.readUInt16BE(2) : second - MASKED;
  const from = (isLong ? 4 : 2) + MASK_BYTES;
  if (length !== from + size || size > mostBytes || (isLong && size < LENGTH_16)) return undefined;
  toggleMask(memory, from, length);
  const text = bytes.toString('utf8', from, length);
  if (!text.includes(REPLACEMENT)) return { text, bytes: size };
  toggleMask(memory, from, length);
  return undefined;
}

/** A mask as it falls on a word. */
const keyBytes = new Uint8Array(MASK_BYTES);
const keyWord = new Int32Array(keyBytes.buffer);

/** Masks the payload from `from` to `to`, behind its mask, or takes the mask off. */
function toggleMask(memory: ReadMemory, from: number, to: number): void {
  const { bytes, words } = memory;
  const mask = from - MASK_BYTES;
  // Four bytes at a time take a third of the time.
  const firstWord = (from + 3) >> 2;
  const endWord = Math.max(firstWord, to >> 2);
  toggleBytes(bytes, from, Math.min(firstWord * 4, to), mask);
  for (let n = 0; n < MASK_BYTES; n++) keyBytes[n] = bytes[mask + ((firstWord * 4 + n - from) & 3)] as number;
  const key = keyWord[0] as number;
  for (let n = firstWord; n < endWord; n++) words[n] = (words[n] as number) ^ key;
  toggleBytes(bytes, Math.min(endWord * 4, to), to, mask);
}

/** @param mask - where the mask stands, right before the payload */
function toggleBytes(bytes: Uint8Array, first: number, end: number, mask: number): void {
  for (let at = first; at < end; at++) bytes[at] = (bytes[at] as number) ^ (bytes[mask + ((at - mask) & 3)] as number);
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
