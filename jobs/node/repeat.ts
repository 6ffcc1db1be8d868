import type { Logger } from '../../runtime/log.ts';

/** Work done again and again, one round after the other. */
export interface Repeated {
  /** Begins a round now, or right after the one that runs. */
  soon: () => void;
  /** When a round last went through, Unix ms; 0 if none did. */
  lastGoodAtMs: () => number;
  /** Settles when no round runs any more. */
  close: () => Promise<void>;
}

/** While rounds keep failing, this often one line says so. */
const SAY_AGAIN_MS = 30_000;

/** Repeats work every `everyMs`. A round that throws is logged, with the message given, and the next one tries again. */
export function repeat(everyMs: number, log: Logger, message: string, round: () => Promise<void>): Repeated {
  let isClosed = false;
  let isWanted = true;
  let lastGoodAtMs = 0;
  let saidAtMs = 0;
  let wake: (() => void) | undefined;
  const pause = () =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, everyMs);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
      if (isWanted) wake();
    });
  const running = (async () => {
    while (!isClosed) {
      isWanted = false;
      try {
        await round();
        lastGoodAtMs = Date.now();
        if (saidAtMs > 0) log.info(`no longer: ${message}`);
        saidAtMs = 0;
      } catch (error) {
        isWanted = false;
        if (!isClosed && Date.now() - saidAtMs >= SAY_AGAIN_MS) {
          log.warn({ err: error }, message);
          saidAtMs = Date.now();
        }
      }
      if (!isClosed) await pause();
    }
  })();
  return {
    soon: () => {
      isWanted = true;
      wake?.();
    },
    lastGoodAtMs: () => lastGoodAtMs,
    close: async () => {
      isClosed = true;
      wake?.();
      await running;
    },
  };
}
