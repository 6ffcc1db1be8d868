/** How often a condition is looked at, ms. */
const POLL_MS = 10;

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
  const deadline = performance.now() + timeoutMs;
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
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
