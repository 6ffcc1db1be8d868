const MASKED = 0x80;

/**
 * A WebSocket frame as a client sends it, of less than 64 KiB.
 *
 * @param mask - 4 bytes
 * @param first - its first byte: whether it is final, and its opcode; a final text if not given
 * @see RFC 6455 §5.2
 */
export function clientFrame(payload: Buffer, mask: Buffer, first = 0x81): Buffer {
  const length = payload.length < 126 ? [payload.length] : [126, payload.length >> 8, payload.length & 0xff];
  const head = Buffer.from([first, MASKED | (length[0] as number), ...length.slice(1)]);
  return Buffer.concat([head, mask, payload.map((byte, n) => byte ^ (mask[n % 4] as number))]);
}
