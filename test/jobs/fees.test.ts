import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bumpedFees, firstFees } from '../../jobs/node/fees.ts';

const wei = (most: bigint) => fc.bigInt({ min: 0n, max: most });
const market = fc.record({ baseFeeWei: fc.option(wei(10n ** 12n), { nil: undefined }), tipWei: wei(10n ** 11n) });

describe('fees', () => {
  it('begin at twice the base fee and the tip: 2 × 10 + 3 gwei', () => {
    expect(firstFees({ baseFeeWei: 10n, tipWei: 3n }, 100n)).toEqual({ maxFeeWei: 23n, tipWei: 3n });
    expect(firstFees({ baseFeeWei: 10n, tipWei: 3n }, 20n)).toEqual({ maxFeeWei: 20n, tipWei: 3n });
    expect(firstFees({ baseFeeWei: undefined, tipWei: 7n }, 100n)).toEqual({ maxFeeWei: 7n, tipWei: 7n });
  });

  it('are raised by the share, rounded up, or to what the market asks now', () => {
    const calm = { baseFeeWei: 1n, tipWei: 1n };
    expect(bumpedFees({ maxFeeWei: 101n, tipWei: 11n }, calm, 20n, 1_000n)).toEqual({ maxFeeWei: 122n, tipWei: 14n });
    const busy = { baseFeeWei: 200n, tipWei: 50n };
    expect(bumpedFees({ maxFeeWei: 101n, tipWei: 11n }, busy, 20n, 1_000n)).toEqual({ maxFeeWei: 450n, tipWei: 50n });
  });

  it('are not raised where the cap leaves no tenth', () => {
    expect(bumpedFees({ maxFeeWei: 100n, tipWei: 10n }, { baseFeeWei: 1n, tipWei: 1n }, 20n, 109n)).toBeUndefined();
  });

  it('never exceed the cap, never pay a tip beyond the whole, and grow by a tenth each time until they cannot', () => {
    fc.assert(
      fc.property(
        market,
        market,
        fc.bigInt({ min: 10n, max: 200n }),
        fc.bigInt({ min: 1n, max: 10n ** 13n }),
        (then, now, percent, cap) => {
          let fees = firstFees(then, cap);
          for (let i = 0; i < 100; i++) {
            expect(fees.maxFeeWei <= cap && fees.tipWei <= fees.maxFeeWei).toBe(true);
            const next = bumpedFees(fees, now, percent, cap);
            if (!next) return;
            expect(next.maxFeeWei * 10n >= fees.maxFeeWei * 11n && next.tipWei * 10n >= fees.tipWei * 11n).toBe(true);
            fees = next;
          }
        },
      ),
    );
  });
});
