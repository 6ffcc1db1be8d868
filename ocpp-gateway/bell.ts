/** Wakes one waiter; a ring while nobody waits is kept for the next one. */
export interface Bell {
  ring: () => void;
  /** Settles at the ring, or after `timeoutMs` (`Infinity`: at the ring only). */
  wait: (timeoutMs: number) => Promise<void>;
}

export function makeBell(): Bell {
  let hasRung = false;
  let wake = () => {};
  return {
    ring: () => {
      hasRung = true;
      wake();
    },
    wait: async (timeoutMs) => {
      if (!hasRung) {
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        const timer = timeoutMs === Infinity ? undefined : setTimeout(resolve, timeoutMs);
        await promise;
        clearTimeout(timer);
        wake = () => {};
      }
      hasRung = false;
    },
  };
}
