import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isPrivate, pointFromScalar } from 'tiny-secp256k1';
import { nativeSecp256k1, type Secp256k1, wasmSecp256k1 } from '../../runtime/secp256k1.ts';

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
const keys = bytes.filter((key) => isPrivate(key));
const publicKey = (key: Uint8Array) => pointFromScalar(key, false) as Uint8Array;

function withHighS(signature: Uint8Array): Uint8Array {
  const s = BigInt(`0x${Buffer.from(signature.subarray(32)).toString('hex')}`);
  return Buffer.concat([signature.subarray(0, 32), Buffer.from((ORDER - s).toString(16).padStart(64, '0'), 'hex')]);
}

/** What is not built for a platform cannot be tested there; where the suite runs in CI it is. */
const built: [string, Secp256k1][] = [['as WebAssembly', wasmSecp256k1]];
if (nativeSecp256k1 !== undefined) built.push(['as machine code', nativeSecp256k1]);

describe.each(built)('secp256k1 %s', (_name, curve) => {
  it('verifies what it signed and nothing else', () => {
    const anyOther = fc.record({ key: keys, digest: bytes, at: fc.nat(63), flip: fc.integer({ min: 1, max: 255 }) });
    fc.assert(
      fc.property(anyOther, bytes, ({ key, digest, at, flip }, otherDigest) => {
        const signature = curve.sign(digest, key);
        const point = publicKey(key);
        expect(curve.verify(digest, point, signature)).toBe(true);
        expect(curve.verify(digest, point, withHighS(signature))).toBe(false);
        expect(curve.verify(otherDigest, point, signature)).toBe(Buffer.compare(digest, otherDigest) === 0);
        const altered = Buffer.from(signature);
        altered[at] = (altered[at] ?? 0) ^ flip;
        expect(curve.verify(digest, point, altered)).toBe(false);
      }),
      { numRuns: 40 },
    );
  });

  it.each([
    ['nothing', 0x00],
    ['out of range', 0xff],
  ])('takes no signature of which r and s are %s', (_what, byte) => {
    const point = publicKey(Buffer.alloc(32, 1));
    expect(curve.verify(Buffer.alloc(32, 2), point, Buffer.alloc(64, byte))).toBe(false);
  });
});

it('secp256k1 signs the same whichever way it was built', () => {
  fc.assert(
    fc.property(keys, bytes, (key, digest) => {
      for (const [, curve] of built) {
        expect(Buffer.from(curve.sign(digest, key))).toEqual(Buffer.from(wasmSecp256k1.sign(digest, key)));
      }
    }),
    { numRuns: 40 },
  );
});
