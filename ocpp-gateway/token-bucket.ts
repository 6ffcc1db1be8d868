/** A rate limit that lets bursts pass. */
export interface TokenBucket {
  /** Whether there is one to take. */
  has: (nowMs: number) => boolean;
  /** Takes tokens, one if not said otherwise; false, and none is taken, if there are not so many. */
  take: (nowMs: number, count?: number) => boolean;
}

/**
 * @param perSec - tokens that come back per second
 * @param burst - most tokens it holds, and holds at first
 */
export function makeTokenBucket(perSec: number, burst: number, nowMs: number): TokenBucket {
  let tokens = burst;
  let filledAtMs = nowMs;
  const fill = (atMs: number) => {
    // A clock that was set back gives nothing, and fills the bucket from there on.
    if (atMs > filledAtMs) tokens = Math.min(burst, tokens + ((atMs - filledAtMs) * perSec) / 1000);
    filledAtMs = atMs;
  };
  return {
    has: (atMs) => {
      fill(atMs);
      return tokens >= 1;
    },
    take: (atMs, count = 1) => {
      fill(atMs);
      if (tokens < count) return false;
      tokens -= count;
      return true;
    },
  };
}
