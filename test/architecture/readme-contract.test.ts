import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const ROOT = join(import.meta.dirname, '..', '..');

describe('the contract in the README', () => {
  it('is, in under 30 lines, the one that the Solidity tests deploy and ask', () => {
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
    const [, shown = ''] = /```solidity\n([\s\S]*?)```/.exec(readme) ?? [];
    const tested = readFileSync(join(ROOT, 'test/contracts/support/FreeChargers.sol'), 'utf8');
    expect(shown.split('\n').length).toBeLessThan(30);
    expect(shown).toBe(tested.slice(tested.indexOf('contract FreeChargers')));
  });
});
