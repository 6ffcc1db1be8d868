/** Pauses between two looks at a condition, ms. */
const LEAST_PAUSE_MS = 10;
const MOST_PAUSE_MS = 200;
/** What may take long is looked at less often: a look may read a chain or a database, and takes their time from others. */
const PAUSE_PER_WAITED = 0.05;

export interface WaitOptions {
  /** What is awaited, for the error: 'the charger to be listed as online'. */
  what: string;
  timeoutMs?: number;
}

/**
 * Waits until `look` returns something other than false, null or undefined, and returns it.
 * A `look` that throws has not seen it yet; its last error is the cause if the time runs out.
 *
 * @throws Error naming what was awaited, after `timeoutMs` (10 s unless told)
 */
export async function waitFor<T>(
  look: () => T | Promise<T>,
  { what, timeoutMs = 10_000 }: WaitOptions,
): Promise<Exclude<Awaited<T>, false | null | undefined>> {
  const began = performance.now();
  const deadline = began + timeoutMs;
  let cause: unknown;
  for (;;) {
    try {
      const seen = await look();
      if (seen !== false && seen !== null && seen !== undefined) return seen as never;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() >= deadline) throw new Error(`waited ${timeoutMs} ms for ${what}, in vain`, { cause });
    const waitedMs = performance.now() - began;
    const pauseMs = Math.min(MOST_PAUSE_MS, Math.max(LEAST_PAUSE_MS, waitedMs * PAUSE_PER_WAITED));
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
