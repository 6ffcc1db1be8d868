import { DevsenError } from '../core/errors.ts';

/** The pause between two attempts, ms: a twentieth of what has been waited, within bounds, for an endpoint counts its calls. */
const PAUSE_MS = { least: 100, most: 2_000 };

/**
 * Tries until something is there, more rarely the longer it takes.
 *
 * @param attempt - returns undefined, or throws, while it is not there yet
 * @param what - what is awaited, as it reads after 'waited 10 s for'
 * @param giveUp - settles (or rejects) to end the waiting before its time
 * @throws DevsenError `TIMEOUT`, with the last failure as its cause
 */
export async function until<T>(
  what: string,
  limitMs: number,
  attempt: () => Promise<T | undefined> | T | undefined,
  giveUp?: AbortSignal,
): Promise<T> {
  const beganMs = performance.now();
  let cause: unknown;
  for (;;) {
    giveUp?.throwIfAborted();
    try {
      const found = await attempt();
      if (found !== undefined) return found;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    const waitedMs = performance.now() - beganMs;
    if (waitedMs > limitMs) {
      const why = cause instanceof Error ? `: ${cause.message}` : '';
      throw new DevsenError('TIMEOUT', `waited ${limitMs / 1000} s for ${what}${why}`, { cause });
    }
    const pauseMs = Math.min(PAUSE_MS.most, Math.max(PAUSE_MS.least, waitedMs / 20));
    await new Promise((done) => setTimeout(done, pauseMs));
  }
}

/** @throws DevsenError `TIMEOUT` if the work takes longer than the limit */
export async function within<T>(what: string, limitMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new DevsenError('TIMEOUT', `${what} took longer than ${limitMs / 1000} s`)),
      limitMs,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
