import { describe, expect, it } from '@jest/globals';
import { compareGas, measureGas, readSnapshot } from '../../bench/gas-table.ts';

describe('gas', () => {
  it('is what the snapshot says', async () => {
    expect(compareGas(await measureGas(), readSnapshot())).toEqual([]);
  }, 300_000);
});
