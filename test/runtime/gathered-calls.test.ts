import { describe, expect, it } from '@jest/globals';
import { gatherCalls } from '../../runtime/gathered-calls.ts';

describe('gatherCalls', () => {
  it('makes one call of those of a turn of the event loop, and gives each its own result', async () => {
    const made: number[][] = [];
    const double = gatherCalls(async (numbers: readonly number[]) => {
      made.push([...numbers]);
      return numbers.map((number) => 2 * number);
    });
    expect(await Promise.all([double(1), double(2), double(3)])).toEqual([2, 4, 6]);
    expect(await double(4)).toBe(8);
    expect(made).toEqual([[1, 2, 3], [4]]);
  });

  it('fails all of a turn by what one call for all of them rejects with, and goes on', async () => {
    let isAway = true;
    const work = gatherCalls(async (names: readonly string[]) => {
      if (isAway) throw new Error('away');
      return names;
    });
    const ends = await Promise.allSettled([work('a'), work('b')]);
    expect(ends.map((end) => (end.status === 'rejected' ? end.reason.message : end.value))).toEqual(['away', 'away']);
    isAway = false;
    expect(await work('c')).toBe('c');
  });

  it('leaves Redis time in between where there are many', async () => {
    const sizes: number[] = [];
    const work = gatherCalls(async (numbers: readonly number[]) => {
      sizes.push(numbers.length);
      return numbers;
    });
    const all = Array.from({ length: 1_201 }, (_, n) => n);
    expect(await Promise.all(all.map(work))).toEqual(all);
    expect(sizes).toEqual([500, 500, 201]);
  });
});
