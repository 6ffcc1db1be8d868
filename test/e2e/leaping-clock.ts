import { type Clock, wallClock } from '../../simulator/clock.ts';

/** A charger's clock that runs as the machine's does, so far from it, and can leap ahead. */
export interface LeapingClock extends Clock {
  /** Lets a span pass at once: what becomes due in it happens in order, each thing at its own time. */
  leap: (spanMs: number) => void;
}

interface Due {
  atMs: number;
  act: () => void;
  cancel: () => void;
}

/** @param offsetMs - how far ahead of the machine's clock it is at first; negative for behind */
export function makeLeapingClock(offsetMs: number): LeapingClock {
  let aheadMs = offsetMs;
  const waiting = new Set<Due>();
  const nowMs = () => wallClock.nowMs() + aheadMs;

  const arm = (due: Due) => {
    due.cancel = wallClock.after(Math.max(due.atMs - nowMs(), 0), () => {
      waiting.delete(due);
      due.act();
    });
  };
  return {
    nowMs,
    after: (delayMs, act) => {
      const due: Due = { atMs: nowMs() + delayMs, act, cancel: () => {} };
      waiting.add(due);
      arm(due);
      return () => {
        waiting.delete(due);
        due.cancel();
      };
    },
    leap: (spanMs) => {
      const endMs = nowMs() + spanMs;
      for (;;) {
        const [next] = [...waiting].filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs);
        if (next === undefined) break;
        waiting.delete(next);
        next.cancel();
        aheadMs += Math.max(next.atMs - nowMs(), 0);
        next.act();
      }
      aheadMs += Math.max(endMs - nowMs(), 0);
      for (const due of waiting) {
        due.cancel();
        arm(due);
      }
    },
  };
}
