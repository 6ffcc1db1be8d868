const FINAL_TEXT = 0x81;

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
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  frame.write(text, headLength);
  return frame;
}
