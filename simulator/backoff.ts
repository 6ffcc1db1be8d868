import type { Random } from './clock.ts';

export interface Backoff {
  firstMs: number;
  longestMs: number;
}

/**
 * How long to wait before the next attempt: doubled each time up to the longest, then spread over its upper half, so
 * that a thousand chargers do not come back at once (OCPP 2.0.1 `RetryBackOffWaitMinimum`, `…RandomRange`).
 *
 * @param attempt - 0 for the wait after the first failure
 * @returns milliseconds
 */
export function backoffMs(backoff: Backoff, attempt: number, random: Random): number {
  const fullMs = Math.min(backoff.longestMs, backoff.firstMs * 2 ** Math.min(attempt, 30));
  return Math.round(fullMs / 2 + (random() * fullMs) / 2);
}
