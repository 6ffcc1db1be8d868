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
  return new Bucket(perSec, burst, nowMs);
}

/** Every message takes from two of them: fields are written in place, where a closure's variables are made anew. */
class Bucket implements TokenBucket {
  private readonly perSec: number;
  private readonly burst: number;
  private tokens: number;
  private filledAtMs: number;

  constructor(perSec: number, burst: number, nowMs: number) {
    this.perSec = perSec;
    this.burst = burst;
    this.tokens = burst;
    this.filledAtMs = nowMs;
  }

  has(atMs: number): boolean {
    this.fill(atMs);
    return this.tokens >= 1;
  }

  take(atMs: number, count = 1): boolean {
    this.fill(atMs);
    if (this.tokens < count) return false;
    this.tokens -= count;
    return true;
  }

  private fill(atMs: number): void {
    // A clock that was set back gives nothing, and fills the bucket from there on.
    const sinceMs = atMs - this.filledAtMs;
    if (sinceMs > 0) this.tokens = Math.min(this.burst, this.tokens + (sinceMs * this.perSec) / 1000);
    this.filledAtMs = atMs;
  }
}
