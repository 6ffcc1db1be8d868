/**
 * When batches are made. A batch costs about the same to sign, send and store whether it holds one event or hundreds: while
 * there is time to spare it goes to small batches and so to soon answers, and the busier the process is, the larger
 * batches become. A slow Redis makes them larger by itself, since one batch is under way at a time.
 */
export interface BatchPace {
  /** From when on the next batch may be made, ms on the clock of `begun`. */
  dueMs: () => number;
  /** A batch is being made. */
  begun: (atMs: number) => void;
}

export interface PaceBounds {
  /** Mean time from one batch to the next, ms: the least, and the most that a busy process takes. */
  minIntervalMs: number;
  maxIntervalMs: number;
}

/** The share of its time that the process works, from which it counts as busy; and up to which it has time to spare. */
const BUSY = 0.8;
const SPARE = 0.72;
const GROW = 1.5;
const SHRINK = 0.8;

/** How long the process is watched before the interval is set anew, ms. */
const WATCH_MS = 100;

/**
 * Batches that may follow one another at once after a pause: chargers' messages come in bursts, and the rest of a burst
 * is not to wait for a whole interval behind its first message.
 */
const BURST_BATCHES = 3;

/**
 * The mean time between batches after so long a time in which the process was so busy.
 *
 * @param busyShare - of its time, 0 to 1; what making batches takes is in it
 */
export function nextIntervalMs(intervalMs: number, busyShare: number, bounds: PaceBounds): number {
  const wantedMs = busyShare > BUSY ? intervalMs * GROW : busyShare < SPARE ? intervalMs * SHRINK : intervalMs;
  return Math.min(Math.max(wantedMs, bounds.minIntervalMs), bounds.maxIntervalMs);
}

/** @param busyShare - the share of its time that the process has worked since it was last asked, 0 to 1 */
export function makeBatchPace(bounds: PaceBounds, busyShare: () => number): BatchPace {
  let intervalMs = bounds.minIntervalMs;
  let watchedSinceMs = -Infinity;
  /** Up to when batches have used up the time that they may take. */
  let takenUntilMs = -Infinity;

  return {
    dueMs: () => takenUntilMs - (BURST_BATCHES - 1) * intervalMs,
    begun: (atMs) => {
      if (atMs - watchedSinceMs >= WATCH_MS) {
        intervalMs = nextIntervalMs(intervalMs, busyShare(), bounds);
        watchedSinceMs = atMs;
      }
      takenUntilMs = Math.max(takenUntilMs, atMs) + intervalMs;
    },
  };
}

/** The share of its time that this thread's event loop has worked since it was last asked. */
export function makeLoopMeter(): () => number {
  let before = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    return utilization;
  };
}
