/** How long a caller may save up requests that it did not make, s. */
const BURST_SEC = 10;

/** Counts requests against a rate. */
export interface RateLimit {
  /** Takes a request. @returns undefined if it is within the rate; else in how many seconds, rounded up, one will be */
  take: () => number | undefined;
}

/**
 * So many requests a second on average, ten seconds' worth of them at once at most.
 *
 * @param perSec - 0: no limit
 */
export function makeRateLimit(perSec: number, now: () => number): RateLimit {
  if (perSec === 0) return { take: () => undefined };
  const most = perSec * BURST_SEC;
  let left = most;
  let countedAtMs = now();
  return {
    take: () => {
      const nowMs = now();
      // A clock that is set back gives nothing, and takes nothing.
      left = Math.min(most, left + (Math.max(0, nowMs - countedAtMs) / 1000) * perSec);
      countedAtMs = nowMs;
      if (left < 1) return Math.ceil((1 - left) / perSec);
      left--;
      return undefined;
    },
  };
}
