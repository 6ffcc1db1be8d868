import { describe, expect, it } from '@jest/globals';
import { type MemorySample, trendOf } from '../../bench/soak/memory.ts';
import { seeded } from '../../bench/soak/random.ts';

describe('memory over a soak', () => {
  const MINUTE_MS = 60_000;
  /** A sample every five seconds. @param mibAt - by the minute */
  const lived = (minutes: number, mibAt: (minute: number) => number, pid = 1): MemorySample[] =>
    Array.from({ length: minutes * 12 + 1 }, (_, n) => ({ atMs: n * 5_000, mib: mibAt(n / 12), pid }));
  const verdictOf = (samples: MemorySample[]) => trendOf('gateway', samples).verdict;
  const noise = seeded(3);

  it('is flat where it stays, jumps, or goes up and down as garbage comes and is collected', () => {
    expect(
      trendOf(
        'gateway',
        lived(30, () => 150),
      ),
    ).toMatchObject({ slope: 0, noise: 0, minutes: 30, mib: 150 });
    expect(verdictOf(lived(30, () => 150))).toBe('flat');
    expect(verdictOf(lived(30, () => 150 + 10 * noise()))).toBe('flat');
    // 40 MiB of garbage a minute and a half
    expect(verdictOf(lived(30, (minute) => 150 + 40 * ((minute / 1.5) % 1)))).toBe('flat');
    expect(verdictOf(lived(30, (minute) => (minute % 7 < 0.2 ? 400 : 150)))).toBe('flat');
  });

  it('grows where a process of 150 MiB takes 60 or 400 MiB more in an hour', () => {
    expect(verdictOf(lived(30, (minute) => 150 + (400 / 60) * minute + 10 * noise()))).toBe('grows');
    expect(verdictOf(lived(30, (minute) => 150 + minute + 5 * noise()))).toBe('grows');
    const leak = trendOf(
      'gateway',
      lived(60, (minute) => 150 + (60 / 60) * minute + 20 * ((minute / 1.5) % 1)),
    );
    expect(leak.verdict).toBe('grows');
    expect(leak.lows).toHaveLength(12);
    expect(leak.lows?.toSorted((a, b) => a - b)).toEqual(leak.lows);
    expect(leak.slope).toBeGreaterThan(50);
    expect(leak.slope).toBeLessThan(70);
  });

  it('is not held against a process while it warms up', () => {
    const warming = (minute: number) => 300 - 200 * Math.exp(-minute / 2);
    expect(verdictOf(lived(30, warming))).toBe('flat');
    expect(verdictOf(lived(240, (minute) => 150 + Math.min(minute, 75)))).toBe('flat');
  });

  it('is not told of a life that is too short or too unsteady', () => {
    expect(
      trendOf(
        'gateway',
        lived(19, () => 150),
      ),
    ).toEqual({
      name: 'gateway',
      minutes: 19,
      mib: 150,
      verdict: 'too short',
    });
    expect(verdictOf(lived(20, () => 150))).toBe('flat');
    expect(verdictOf([])).toBe('too short');
    // samples from the begin and the end only
    expect(verdictOf(lived(30, () => 150).filter(({ atMs }) => atMs < 9 * MINUTE_MS || atMs > 28 * MINUTE_MS))).toBe(
      'too short',
    );
    expect(verdictOf(lived(20, (minute) => (Math.floor(minute / 2.5) % 2 === 0 ? 150 : 400)))).toBe('too noisy');
  });

  it('is that of the process that lived longest, not of those that came after one another', () => {
    // Killed twice; growing by 10 MiB a minute while it lives.
    const growing = lived(60, (minute) => 100 + 10 * (minute < 10 ? minute : minute < 40 ? minute - 10 : minute - 40));
    const lives = growing.map((sample) => {
      const minute = sample.atMs / MINUTE_MS;
      return { ...sample, pid: minute < 10 ? 1 : minute < 40 ? 2 : 3 };
    });
    const trend = trendOf('gateway', lives);
    expect(trend.minutes).toBeCloseTo(29.9, 1);
    expect(trend.verdict).toBe('grows');
    expect(trend.slope).toBeCloseTo(600, -1);
  });
});
