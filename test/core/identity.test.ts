import { createHmac } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { idTagCommitment } from '../../core/identity.ts';

describe('the commitment of an idTag', () => {
  it("is HMAC-SHA-256 as Node's crypto computes it, for a pepper of any length", () => {
    fc.assert(
      fc.property(fc.string(), fc.uint8Array({ maxLength: 100 }), (idTag, pepper) => {
        const hmac = createHmac('sha256', pepper).update(idTag.toLowerCase(), 'utf8').digest('hex');
        expect(idTagCommitment(idTag, pepper)).toBe(`0x${hmac}`);
      }),
    );
  });

  it('is the same for the same card in other case, under the same pepper', () => {
    const pepper = Buffer.alloc(16, 7);
    expect(idTagCommitment('Card-A1', pepper)).toBe(idTagCommitment('cARD-a1', pepper));
    expect(idTagCommitment('Card-A1', pepper)).not.toBe(idTagCommitment('Card-A2', pepper));
    expect(idTagCommitment('Card-A1', pepper)).not.toBe(idTagCommitment('Card-A1', Buffer.alloc(16, 8)));
  });
});
