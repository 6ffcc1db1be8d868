/** A time a charger put into a message, judged by the clock of the gateway that received it. */
export interface ChargerTime {
  /** Unix seconds, rounded down; undefined where the text is no time. */
  atSec?: number;
  /**
   * - `sound`: close to when it was received
   * - `late`: from before, as messages are that a charger kept while it was offline
   * - `skewed`: before 2020, in the future, or over 90 days old: the charger's clock is wrong
   * - `missing`: no time was given, or none with a zone
   */
  clock: 'sound' | 'late' | 'skewed' | 'missing';
}

/** How far a charger's clock may run ahead or, for what it reports at once, behind. */
export const CLOCK_TOLERANCE_MS = 300_000;
/** How long a charger may have kept a message. */
const KEPT_AT_MOST_MS = 90 * 86_400_000;
/** A clock that was never set shows 1970, 2000 or its firmware's day. */
const EARLIEST_MS = Date.UTC(2020, 0, 1);

/** RFC 3339 with a zone: a time without one could be any of 24. */
const TIMESTAMP = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$/;

/** Judges a timestamp from a charger's message; never throws. */
export function readChargerTime(text: unknown, receivedAtMs: number): ChargerTime {
  if (typeof text !== 'string' || !TIMESTAMP.test(text)) return { clock: 'missing' };
  const atMs = Date.parse(text.replace(' ', 'T').toUpperCase());
  if (Number.isNaN(atMs)) return { clock: 'missing' };
  const atSec = Math.floor(atMs / 1000);
  const ageMs = receivedAtMs - atMs;
  if (atMs < EARLIEST_MS || ageMs < -CLOCK_TOLERANCE_MS || ageMs > KEPT_AT_MOST_MS) return { atSec, clock: 'skewed' };
  return { atSec, clock: ageMs > CLOCK_TOLERANCE_MS ? 'late' : 'sound' };
}
