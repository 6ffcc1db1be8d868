/**
 * As much of ASN.1's distinguished encoding as certificates need.
 *
 * @see ITU-T X.690
 */
export const TAG = {
  integer: 0x02,
  bitString: 0x03,
  objectId: 0x06,
  utf8: 0x0c,
  sequence: 0x30,
  set: 0x31,
  context0: 0xa0,
} as const;

export function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content]);
}

/** @param dotted - as `1.2.840.10045.4.3.2` */
export function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const base128 = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128))
      base128.unshift((left & 0x7f) | 0x80);
    bytes.push(...base128);
  }
  return der(TAG.objectId, Buffer.from(bytes));
}

/** One value: its tag, its content, and all of it. */
export interface DerValue {
  tag: number;
  content: Buffer;
  whole: Buffer;
}

/** @throws RangeError if the bytes end too early */
export function readDer(bytes: Uint8Array): DerValue[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const values: DerValue[] = [];
  for (let at = 0; at < buffer.length; ) {
    const tag = buffer.readUInt8(at);
    const short = buffer.readUInt8(at + 1);
    const width = short < 0x80 ? 0 : short & 0x7f;
    const length = width === 0 ? short : buffer.readUIntBE(at + 2, width);
    const from = at + 2 + width;
    const to = from + length;
    if (to > buffer.length) throw new RangeError('DER value ends too early');
    values.push({ tag, content: buffer.subarray(from, to), whole: buffer.subarray(at, to) });
    at = to;
  }
  return values;
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const bytes: number[] = [];
  for (let left = length; left > 0; left >>= 8) bytes.unshift(left & 0xff);
  return Buffer.from([0x80 | bytes.length, ...bytes]);
}
