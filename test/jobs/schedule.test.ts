import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseSchedule } from '../../jobs/node/schedule.ts';

const utc = (text: string) => Date.parse(`${text}Z`);
/** The next times of a schedule, as UTC. */
function times(schedule: string, after: string, count: number): string[] {
  const { next } = parseSchedule(schedule);
  const found: string[] = [];
  let at: number | undefined = utc(after);
  while (found.length < count) {
    at = next(at);
    if (at === undefined) break;
    found.push(new Date(at).toISOString().slice(0, 19));
  }
  return found;
}

describe('a schedule', () => {
  it('has five fields, or six with the seconds first', () => {
    expect(times('CRON_TZ=UTC 5 * * * *', '2026-03-01T10:05:00', 2)).toEqual([
      '2026-03-01T11:05:00',
      '2026-03-01T12:05:00',
    ]);
    expect(times('CRON_TZ=UTC */20 30 4 * * *', '2026-03-01T04:30:19.500', 3)).toEqual([
      '2026-03-01T04:30:20',
      '2026-03-01T04:30:40',
      '2026-03-02T04:30:00',
    ]);
  });

  it('takes lists, ranges, steps and names', () => {
    expect(times('CRON_TZ=UTC 0 8-18/5,23 * jan,Mar MON-tue', '2026-01-31T00:00:00', 5)).toEqual([
      '2026-03-02T08:00:00',
      '2026-03-02T13:00:00',
      '2026-03-02T18:00:00',
      '2026-03-02T23:00:00',
      '2026-03-03T08:00:00',
    ]);
    expect(times('CRON_TZ=UTC 0 50/5 * * * ?', '2026-01-01T00:00:00', 3)).toEqual([
      '2026-01-01T00:50:00',
      '2026-01-01T00:55:00',
      '2026-01-01T01:50:00',
    ]);
  });

  it('runs on either day where both are given, as cron does, and knows leap years', () => {
    expect(times('CRON_TZ=UTC 0 0 13 * 5', '2026-02-01T00:00:00', 4)).toEqual([
      '2026-02-06T00:00:00',
      '2026-02-13T00:00:00',
      '2026-02-20T00:00:00',
      '2026-02-27T00:00:00',
    ]);
    expect(times('CRON_TZ=UTC 0 0 29 2 *', '2026-01-01T00:00:00', 1)).toEqual(['2028-02-29T00:00:00']);
    expect(times('CRON_TZ=UTC 0 0 30 2 *', '2026-01-01T00:00:00', 1)).toEqual([]);
  });

  it('goes by the clock of its zone: leaves out a time that is leapt over, counts one that comes twice twice', () => {
    // Berlin: 29 March 2026, 2:00 becomes 3:00; 25 October 2026, 3:00 becomes 2:00.
    expect(times('CRON_TZ=Europe/Berlin 30 2 * * *', '2026-03-28T00:00:00', 2)).toEqual([
      '2026-03-28T01:30:00',
      '2026-03-30T00:30:00',
    ]);
    expect(times('CRON_TZ=Europe/Berlin 30 2 * * *', '2026-10-24T12:00:00', 3)).toEqual([
      '2026-10-25T00:30:00',
      '2026-10-25T01:30:00',
      '2026-10-26T01:30:00',
    ]);
    expect(times('CRON_TZ=Asia/Kathmandu 0 12 * * *', '2026-01-01T00:00:00', 1)).toEqual(['2026-01-01T06:15:00']);
  });

  it('knows the shorthands, and @every counts from when it is asked', () => {
    expect(times('CRON_TZ=UTC @monthly', '2026-01-31T00:00:00', 2)).toEqual([
      '2026-02-01T00:00:00',
      '2026-03-01T00:00:00',
    ]);
    expect(times('@every 1h30m', '2026-01-01T00:00:10.700', 2)).toEqual(['2026-01-01T01:30:10', '2026-01-01T03:00:10']);
    expect(times('@every 10ms', '2026-01-01T00:00:00', 1)).toEqual(['2026-01-01T00:00:01']);
  });

  it('is refused with what was expected', () => {
    const wrong = (text: string) => {
      try {
        parseSchedule(text);
      } catch (error) {
        return (error as Error).message;
      }
      return 'taken';
    };
    expect(wrong('0 * * * *')).toMatch(/^CRON_TZ=<time zone> and 5 or 6 fields/);
    expect(wrong('CRON_TZ=Mars/Olympus 0 * * * *')).toMatch(/^CRON_TZ to be a time zone/);
    expect(wrong('CRON_TZ=UTC 0 * * *')).toBe('5 or 6 fields, not 4');
    expect(wrong('CRON_TZ=UTC 60 * * * *')).toBe('minute from 0 to 59, not "60"');
    expect(wrong('CRON_TZ=UTC 0 0 * * 7')).toBe('day of the week from 0 to 6, not "7"');
    expect(wrong('CRON_TZ=UTC 5-1 * * * *')).toBe('minute from 0 to 59, not "5-1"');
    expect(wrong('CRON_TZ=UTC 0 */0 * * *')).toBe('hour from 0 to 23, not "*/0"');
    expect(wrong('@every soon')).toMatch(/^a duration after @every/);
  });

  it('never gives a time that has passed, whatever it is asked from', () => {
    const { next } = parseSchedule('CRON_TZ=America/New_York 15 10 3,9 * * *');
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_102_444_800_000 }), (afterMs) => {
        const at = next(afterMs) as number;
        expect(at > afterMs && at - afterMs <= 25 * 3_600_000 && at % 1_000 === 0).toBe(true);
      }),
      { numRuns: 50 },
    );
  });
});
