/** What a tx offers for a unit of gas. */
export interface Fees {
  /** Most paid in all, wei. */
  maxFeeWei: bigint;
  /** Most of it that goes to whoever mines it, wei. Equal to `maxFeeWei` on chains without EIP-1559. */
  tipWei: bigint;
}

/** What the chain asks for now. */
export interface FeeMarket {
  /** Undefined on chains without EIP-1559. */
  baseFeeWei: bigint | undefined;
  /** Suggested tip; without EIP-1559 the gas price. */
  tipWei: bigint;
}

/** Room for the base fee to double before the tx is too cheap. */
const BASE_FEE_ROOM = 2n;

/** Fees of a first attempt: twice the base fee and the tip, never above the cap. */
export function firstFees(market: FeeMarket, capWei: bigint): Fees {
  const base = market.baseFeeWei === undefined ? 0n : market.baseFeeWei * BASE_FEE_ROOM;
  const maxFeeWei = least(base + market.tipWei, capWei);
  return { maxFeeWei, tipWei: least(market.tipWei, maxFeeWei) };
}

/** Nodes replace a pending tx only by one that offers at least a tenth more, of both. */
const LEAST_BUMP_PERCENT = 10n;

/**
 * Fees of a further attempt with the same nonce: raised by `bumpPercent`, rounded up, and no less than a first attempt
 * would offer now; never above the cap.
 *
 * @returns undefined if the cap leaves no room for a replacement that nodes take
 */
export function bumpedFees(before: Fees, market: FeeMarket, bumpPercent: bigint, capWei: bigint): Fees | undefined {
  const fresh = firstFees(market, capWei);
  const maxFeeWei = least(most(raised(before.maxFeeWei, bumpPercent), fresh.maxFeeWei), capWei);
  const tipWei = least(most(raised(before.tipWei, bumpPercent), fresh.tipWei), maxFeeWei);
  const isEnough =
    maxFeeWei >= raised(before.maxFeeWei, LEAST_BUMP_PERCENT) && tipWei >= raised(before.tipWei, LEAST_BUMP_PERCENT);
  return isEnough ? { maxFeeWei, tipWei } : undefined;
}

/** Raised by a share, rounded up, by 1 wei at least. */
function raised(feeWei: bigint, percent: bigint): bigint {
  return most((feeWei * (100n + percent) + 99n) / 100n, feeWei + 1n);
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function most(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
