/**
 * The constants and the arithmetic of 'as of': every operator must use the same, or honest answers differ.
 */

/** A connected charger that has not sent a message for this long is no longer taken to be there. */
export const STALE_AFTER_MS = 900_000;

/**
 * A gateway tells a watermark at least every second, busy or idle. If one watermark is more than this after the one
 * before, the gateway was away in between, whatever it says later about that time.
 */
export const SILENCE_BOUND_MS = 10_000;

/**
 * How long after a gateway must have spoken an operator goes on waiting before it takes the silence as fact: what may lie
 * between a gateway's clock and an operator's, and on the way through Redis.
 */
export const DELIVERY_GRACE_MS = 2_000;

/**
 * How long after that the gateway may hand a batch over at the latest. The rest of the grace is for clocks that differ: an
 * operator that took the silence as fact must never find a batch that says otherwise.
 */
export const DELIVERY_BOUND_MS = 1_000;

/** Epochs are drawn from a gateway's clock; one that is further ahead of the time asked about than this does not count. */
export const EPOCH_SKEW_MS = 60_000;

/** How far in the future a query's `asOf` may lie: the clocks of chains and of operators differ. */
export const AS_OF_AHEAD_SEC = 300;

/** The last millisecond that belongs to a query's `asOf`, which is a block's timestamp in seconds. */
export function asOfMs(asOfSec: number): number {
  return asOfSec * 1000 + 999;
}

/**
 * Until when a batch must be in Redis, Unix ms; after that it is signed anew with a later watermark. Operators wait
 * `DELIVERY_GRACE_MS` from the same moments before they answer without it (`readinessAt`).
 *
 * @param previousWatermarkMs - of the batch before; undefined for the first of a generation, which always counts as late
 */
export function deliverUntilMs(previousWatermarkMs: number | undefined, watermarkMs: number): number {
  const onTimeMs = previousWatermarkMs === undefined ? watermarkMs : previousWatermarkMs + SILENCE_BOUND_MS;
  return Math.max(onTimeMs, watermarkMs) + DELIVERY_BOUND_MS;
}
