import { describe, expect, it } from '@jest/globals';
import { playSessions } from './play.ts';

describe('sessions played by hand', () => {
  it('end as they should, and every token is where it belongs', async () => {
    const lines: string[] = [];
    await playSessions((line) => lines.push(line));
    const ends = lines.flatMap((line) => /ends (\w+)/.exec(line)?.[1] ?? []);
    expect(ends).toEqual([
      'Settled',
      'Settled',
      'Rejected',
      'Expired',
      'Expired',
      'Settled',
      'Rejected',
      'Settled',
      'Settled',
    ]);
    // Four sessions of 5.00 in all, 1 % of it the fee.
    expect(lines.slice(-4)).toEqual([
      '  driver        985.0 →      980.0',
      '  manager       14.85 →       19.8',
      '  treasury       0.15 →        0.2',
      '  locked          0.0 →        0.0',
    ]);
  }, 300_000);
});
