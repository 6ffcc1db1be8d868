/** Work that is waited for before what it needs is closed. */
export interface RunningWork {
  add: (work: Promise<unknown>) => void;
  /** Settles when none of it runs any more, or after `timeoutMs`. */
  over: (timeoutMs: number) => Promise<void>;
}

export function keepRunningWork(): RunningWork {
  const running = new Set<Promise<unknown>>();
  let onOver = () => {};
  return {
    add: (work) => {
      const ended = () => {
        running.delete(work);
        if (running.size === 0) onOver();
      };
      running.add(work);
      work.then(ended, ended);
    },
    over: async (timeoutMs) => {
      if (running.size === 0) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, timeoutMs);
      onOver = resolve;
      await promise;
      clearTimeout(timer);
    },
  };
}
