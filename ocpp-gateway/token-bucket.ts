/** A rate limit that lets bursts pass. */
export interface TokenBucket {
  /** Whether there is one to take. */
  has: (nowMs: number) => boolean;
  /** Takes one token; false if there is none. */
  take: (nowMs: number) => boolean;
}

/**
 * @param perSec - tokens that come back per second
 * @param burst - most tokens it holds, and holds at first
 */
export function makeTokenBucket(perSec: number, burst: number, nowMs: number): TokenBucket {
  let tokens = burst;
  let filledAtMs = nowMs;
  const has = (atMs: number): boolean => {
    if (atMs > filledAtMs) {
      tokens = Math.min(burst, tokens + ((atMs - filledAtMs) * perSec) / 1000);
      filledAtMs = atMs;
    }
    return tokens >= 1;
  };
  return {
    has,
    take: (atMs) => {
      if (!has(atMs)) return false;
      tokens -= 1;
      return true;
    },
  };
}
