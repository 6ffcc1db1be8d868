import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { settlingPeriods, settlingSlotAt, settlingTurn } from '../../core/settling-turn.ts';

const END = 1_000_000;
const SLOT = 300_000;

describe('the turn to settle a session', () => {
  it('is one operator’s from the end on, then the next one’s, each twice, then at ever longer distances', () => {
    const turns: [number, number][] = [];
    for (let place = 0; place < 70; place++) {
      const slot = settlingSlotAt(END, END + place * SLOT, SLOT, 4);
      if (slot !== undefined) turns.push([place, settlingTurn('0x06', slot.attempt, 4)]);
    }
    expect(turns).toEqual([
      [0, 2],
      [1, 3],
      [2, 0],
      [3, 1],
      [4, 2],
      [5, 3],
      [6, 0],
      [7, 1],
      [8, 2],
      [16, 3],
      [32, 0],
      [64, 1],
    ]);
  });

  it('is nobody’s before the end and when the last slot is past', () => {
    expect(settlingSlotAt(END, END - 1, SLOT, 4)).toBeUndefined();
    expect(settlingSlotAt(END, END, SLOT, 4)).toEqual({ attempt: 0, beganAtMs: END });
    expect(settlingSlotAt(END, END + SLOT - 1, SLOT, 4)).toEqual({ attempt: 0, beganAtMs: END });
    const last = 8 * 2 ** 10 * SLOT;
    expect(settlingSlotAt(END, END + last, SLOT, 4)).toEqual({ attempt: 18, beganAtMs: END + last });
    expect(settlingSlotAt(END, END + last + SLOT, SLOT, 4)).toBeUndefined();
  });

  it('is found by the periods in which a session ended, whenever that was', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 9_000 * SLOT }), fc.integer({ min: 1, max: 22 }), (agoMs, operators) => {
        const nowMs = 10_000 * SLOT;
        const endedAtMs = nowMs - agoMs;
        const periods = settlingPeriods(nowMs, SLOT, operators);
        const isIn = periods.some(({ afterMs, toMs }) => endedAtMs > afterMs && endedAtMs <= toMs);
        expect(isIn).toBe(settlingSlotAt(endedAtMs, nowMs, SLOT, operators) !== undefined);
      }),
      { numRuns: 500 },
    );
  });
});
