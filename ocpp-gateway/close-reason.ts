/** A close frame has room for so much beside its code (RFC 6455 §5.5). */
const MOST_BYTES = 123;

/** The reason of a close frame as UTF-8, cut where a character ends: a longer one, or half of one, breaks the protocol. */
export function closeReason(reason: string): Buffer {
  const bytes = Buffer.from(reason);
  let end = Math.min(bytes.length, MOST_BYTES);
  // A byte 10xxxxxx goes on with the character before it.
  while (end < bytes.length && end > 0 && ((bytes[end] as number) & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end);
}
