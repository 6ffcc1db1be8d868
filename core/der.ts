import { DevsenError } from './errors.ts';

/** As much of ASN.1's distinguished encoding (ITU-T X.690) as certificates need: one-byte tags, definite lengths. */

/** One value as it stands in its encoding. */
export interface Der {
  tag: number;
  /** Tag, length and content. */
  whole: Buffer;
  content: Buffer;
}

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectId: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Tag of a constructed value that only its place gives a meaning: `[n]`. */
export function contextTag(n: number): number {
  return 0xa0 + n;
}

/**
 * The one value that the bytes are.
 *
 * @throws DevsenError `INPUT_INVALID` if they are none, or if some are left over
 */
export function readDer(bytes: Uint8Array): Der {
  const [first, ...more] = readAll(Buffer.from(bytes));
  if (first === undefined || more.length > 0) throw malformed();
  return first;
}

/**
 * The values a constructed value holds.
 *
 * @throws DevsenError `INPUT_INVALID` if it is of another tag or holds anything else
 */
export function readParts(value: Der | undefined, tag: number): Der[] {
  return readAll(contentOf(value, tag));
}

/** @throws DevsenError `INPUT_INVALID` if the value is of another tag */
export function contentOf(value: Der | undefined, tag: number): Buffer {
  if (value?.tag !== tag) throw malformed();
  return value.content;
}

function readAll(bytes: Buffer): Der[] {
  const values: Der[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at] as number;
    const { length, head } = readLength(bytes, at + 1);
    const end = at + 1 + head + length;
    if ((tag & 0x1f) === 0x1f || end > bytes.length) throw malformed();
    values.push({ tag, whole: bytes.subarray(at, end), content: bytes.subarray(at + 1 + head, end) });
    at = end;
  }
  return values;
}

function readLength(bytes: Buffer, at: number): { length: number; head: number } {
  const first = bytes[at];
  if (first === undefined) throw malformed();
  if (first < 0x80) return { length: first, head: 1 };
  const count = first & 0x7f;
  if (count === 0 || count > 3 || at + count >= bytes.length) throw malformed();
  const length = bytes.readUIntBE(at + 1, count);
  // Distinguished: no longer than it must be.
  if (length < 0x80 || (count > 1 && length < 2 ** (8 * (count - 1)))) throw malformed();
  return { length, head: 1 + count };
}

function malformed(): DevsenError {
  return new DevsenError('INPUT_INVALID', 'malformed ASN.1');
}

/** A value of these contents, one after the other. */
export function writeDer(tag: number, ...contents: Uint8Array[]): Buffer {
  const length = contents.reduce((sum, content) => sum + content.length, 0);
  return Buffer.concat([Buffer.from([tag]), writeLength(length), ...contents]);
}

function writeLength(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.from([0x80 + bytes.length, ...bytes]);
}

export function writeSequence(...parts: Uint8Array[]): Buffer {
  return writeDer(TAG.sequence, ...parts);
}

/** @param text - as in `1.2.840.10045.2.1` */
export function writeObjectId(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap((arc) => {
    const digits = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128))
      digits.unshift((left & 0x7f) | 0x80);
    return digits;
  });
  return writeDer(TAG.objectId, Buffer.from(bytes));
}

/** @param magnitude - of a number that is not negative, big-endian */
export function writeInteger(magnitude: Uint8Array): Buffer {
  let bytes = Buffer.from(magnitude);
  while (bytes.length > 1 && bytes[0] === 0) bytes = bytes.subarray(1);
  const needsSign = bytes.length === 0 || (bytes[0] as number) >= 0x80;
  return writeDer(TAG.integer, needsSign ? Buffer.from([0]) : Buffer.alloc(0), bytes);
}

/** Of whole bytes. */
export function writeBitString(bytes: Uint8Array): Buffer {
  return writeDer(TAG.bitString, Buffer.from([0]), bytes);
}

/** To the second, as X.509 wants it: UTCTime until 2049, GeneralizedTime from then on. */
export function writeTime(atMs: number): Buffer {
  const digits = new Date(atMs).toISOString().replace(/[-:T]|\.\d+/g, '');
  return new Date(atMs).getUTCFullYear() < 2050
    ? writeDer(TAG.utcTime, Buffer.from(digits.slice(2)))
    : writeDer(TAG.generalizedTime, Buffer.from(digits));
}
