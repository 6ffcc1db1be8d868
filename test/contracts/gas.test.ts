import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { compareGas, GOALS, measureGas, readSnapshot } from '../../bench/gas-table.ts';

describe('gas', () => {
  it('is what the snapshot says', async () => {
    expect(compareGas(await measureGas(), readSnapshot())).toEqual([]);
  }, 300_000);

  it('is in the document as in the snapshot, beside the goal', () => {
    const document = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'gas.md'), 'utf8');
    const snapshot = readSnapshot();
    for (const [name, goal] of Object.entries(GOALS)) {
      expect(document).toContain(`| ${goal.toLocaleString('en')} | ${snapshot[name]?.toLocaleString('en')} |`);
    }
  });
});
