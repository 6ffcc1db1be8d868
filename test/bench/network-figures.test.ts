import { describe, expect, it } from '@jest/globals';
import { gasTable, spreadOf, waitsOf, waitsTable } from '../../bench/network/figures.ts';

describe('the figures of sessions at once', () => {
  it('are the middle, and what 90 and 99 of a hundred are not above, whatever their order', () => {
    const hundred = Array.from({ length: 100 }, (_, n) => ((n * 37) % 100) + 1);
    expect(spreadOf(hundred)).toEqual({ median: 50, p90: 90, p99: 99 });
    expect(spreadOf([7])).toEqual({ median: 7, p90: 7, p99: 7 });
    expect(spreadOf([2, 1])).toEqual({ median: 1, p90: 2, p99: 2 });
  });

  it('count blocks and seconds from each request to its answer', () => {
    const pairs = [
      [
        { block: 10, atMs: 1_000 },
        { block: 14, atMs: 2_500 },
      ],
      [
        { block: 11, atMs: 1_000 },
        { block: 13, atMs: 4_000 },
      ],
    ] as const;
    expect(waitsOf(pairs)).toEqual({
      blocks: { median: 2, p90: 4, p99: 4 },
      seconds: { median: 1.5, p90: 3, p99: 3 },
    });
    expect(waitsTable({ start: waitsOf(pairs) }).split('\n')).toEqual([
      `${' '.repeat(39)}median  90 of 100  99 of 100`,
      `start, blocks${' '.repeat(31)}2${' '.repeat(10)}4${' '.repeat(10)}4`,
      `start, s${' '.repeat(34)}1.5${' '.repeat(8)}3.0${' '.repeat(8)}3.0`,
    ]);
  });

  it('add the gas of the steps up', () => {
    expect(gasTable({ start: 400_000, stop: 99_999.6 }).split('\n').at(-1)).toMatch(/^a whole session +500,000 gas$/);
  });
});
