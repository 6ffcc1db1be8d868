import { readFields, type WallFields } from './cron-fields.ts';
import { parseDurationMs } from './spec-error.ts';
import { isTimeZone, wallClock } from './wall-clock.ts';

/** When a cron job runs. */
export interface Schedule {
  /**
   * The first time after another at which the job runs, Unix ms, a whole second; undefined if there is none within
   * five years (30 February).
   */
  next: (afterMs: number) => number | undefined;
}

const HORIZON_MS = 5 * 366 * 86_400_000;
const SEC_MS = 1_000;
const MIN_MS = 60_000;
const HOUR_MS = 3_600_000;

const SHORTHANDS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 0 1 1 *',
  '@annually': '0 0 0 1 1 *',
  '@monthly': '0 0 0 1 * *',
  '@weekly': '0 0 0 * * 0',
  '@daily': '0 0 0 * * *',
  '@midnight': '0 0 0 * * *',
  '@hourly': '0 0 * * * *',
};

/**
 * Reads a cron job's schedule: `CRON_TZ=<time zone>` and five fields, or six with the seconds first, or a shorthand
 * (`@daily`) in their place; or `@every 1h30m`, which counts from when the job is loaded.
 *
 * @throws Error saying what was expected
 * @see Chainlink cron jobs; robfig/cron v3, whose rules these are
 */
export function parseSchedule(text: string): Schedule {
  const every = /^@every\s+(\S+)$/.exec(text.trim());
  if (every) return everySoOften(every[1] as string);
  const [first = '', ...rest] = text.trim().split(/\s+/);
  const zone = /^(?:CRON_TZ|TZ)=(.+)$/.exec(first)?.[1];
  if (zone === undefined) throw new Error('CRON_TZ=<time zone> and 5 or 6 fields, or @every and a duration');
  if (!isTimeZone(zone)) throw new Error(`CRON_TZ to be a time zone such as UTC or Europe/Berlin, not "${zone}"`);
  const fields = readFields((SHORTHANDS[rest.join(' ')] ?? rest.join(' ')).split(' '));
  return { next: (afterMs) => nextAt(fields, wallClock(zone), afterMs) };
}

function everySoOften(text: string): Schedule {
  const ms = parseDurationMs(text);
  if (ms === undefined || ms <= 0) throw new Error('a duration after @every, such as 1h30m');
  const wholeMs = Math.max(SEC_MS, Math.floor(ms / SEC_MS) * SEC_MS);
  return { next: (afterMs) => Math.floor(afterMs / SEC_MS) * SEC_MS + wholeMs };
}

/**
 * Goes from instant to instant until the clock on the wall shows what the fields ask for. A time that the clock leaps
 * over is left out; one that it shows twice counts twice.
 */
function nextAt(
  fields: WallFields,
  wallOf: (ms: number) => ReturnType<ReturnType<typeof wallClock>>,
  afterMs: number,
): number | undefined {
  let at = (Math.floor(afterMs / SEC_MS) + 1) * SEC_MS;
  const end = at + HORIZON_MS;
  while (at < end) {
    const wall = wallOf(at);
    const intoHourMs = wall.minute * MIN_MS + wall.second * SEC_MS;
    if (!fields.isDay(wall)) {
      // Short of midnight, for a day may have 23 hours; the rest goes by the hour.
      at += Math.max(1, 22 - wall.hour) * HOUR_MS - intoHourMs;
    } else if (!fields.hours.has(wall.hour)) at += HOUR_MS - intoHourMs;
    else if (!fields.minutes.has(wall.minute)) at += MIN_MS - wall.second * SEC_MS;
    else if (!fields.seconds.has(wall.second)) at += SEC_MS;
    else return at;
  }
  return undefined;
}
