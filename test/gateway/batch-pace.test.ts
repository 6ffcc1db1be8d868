import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { makeBatchPace, nextIntervalMs } from '../../ocpp-gateway/batch-pace.ts';

const BOUNDS = { minIntervalMs: 2.5, maxIntervalMs: 40 };

describe('the time between batches', () => {
  it('grows while the process is busy, shrinks while it has time to spare, and stays in between', () => {
    expect(nextIntervalMs(10, 0.81, BOUNDS)).toBe(15);
    expect(nextIntervalMs(10, 0.71, BOUNDS)).toBe(8);
    expect(nextIntervalMs(10, 0.76, BOUNDS)).toBe(10);
  });

  it('stays within its bounds', () => {
    expect(nextIntervalMs(30, 1, BOUNDS)).toBe(40);
    expect(nextIntervalMs(3, 0, BOUNDS)).toBe(2.5);
  });
});

describe('the pace of batches', () => {
  it('lets three batches go at once after a pause, and then one for each interval', () => {
    const pace = makeBatchPace(BOUNDS, () => 0);
    const begunAtMs: number[] = [];
    for (let atMs = 1000; begunAtMs.length < 6; atMs = Math.max(atMs, pace.dueMs())) {
      pace.begun(atMs);
      begunAtMs.push(atMs);
    }
    expect(begunAtMs).toEqual([1000, 1000, 1000, 1002.5, 1005, 1007.5]);
  });

  it('is as quick as it may be at any load that leaves time to spare, and as slow where there is none', () => {
    // A process that each event and each batch takes a time; batches are made as soon as the pace lets them.
    const run = (eventsPerMs: number, eventMs: number, batchMs: number) => {
      let workedMs = 0;
      let askedAtMs = 0;
      let atMs = 0;
      const pace = makeBatchPace(BOUNDS, () => {
        const share = Math.min(1, workedMs / (atMs - askedAtMs));
        [workedMs, askedAtMs] = [0, atMs];
        return share;
      });
      let lastMs = -1;
      let meanMs = 0;
      while (atMs < 10_000) {
        atMs = Math.max(pace.dueMs(), atMs + 0.1);
        workedMs += eventsPerMs * eventMs * (atMs - lastMs) + batchMs;
        pace.begun(atMs);
        meanMs += (atMs - lastMs - meanMs) * 0.1;
        lastMs = atMs;
      }
      return meanMs;
    };
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 0.9, noNaN: true }),
        fc.double({ min: 0.05, max: 1, noNaN: true }),
        (share, batchMs) => {
          const intervalMs = run(10, share / 10, batchMs);
          expect(intervalMs).toBeGreaterThan(2.4);
          expect(intervalMs).toBeLessThan(41);
          if (share + batchMs / 2.5 < 0.7) expect(intervalMs).toBeCloseTo(2.5, 1);
          if (share > 0.81) expect(intervalMs).toBeCloseTo(40, 0);
          // Where it has settled in between, batches take of the spare time no more than is to be spared.
          if (intervalMs < 38) expect(share + batchMs / intervalMs).toBeLessThan(0.88);
        },
      ),
      { numRuns: 30 },
    );
  });
});
