import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { NEEDS_CONTRACTS } from '../../setup/needs-contracts.mjs';
import { LONGEST } from '../setup/longest-first.js';

const ROOT = join(import.meta.dirname, '..', '..');
/** What reads compiled contracts. */
const READERS = new Set(['network/artifacts.ts', 'network/local-network.ts', 'test/support/chain.ts']);

/** What a file imports from this repository, paths relative to it. */
function importsOf(file: string): string[] {
  const code = readFileSync(join(ROOT, file), 'utf8');
  const paths = [...code.matchAll(/(?:from|import)\s*\(?'(\.[^']+)'/g)].map(([, path]) => path as string);
  const files = paths.map((path) => relative(ROOT, join(ROOT, dirname(file), path)));
  return files.filter((path) => existsSync(join(ROOT, path)));
}

function readsContracts(file: string, seen = new Set<string>()): boolean {
  if (READERS.has(file)) return true;
  if (seen.has(file)) return false;
  seen.add(file);
  return importsOf(file).some((path) => readsContracts(path, seen));
}

describe('tests that run while contracts compile', () => {
  it('do not read them', () => {
    const all = globSync('test/**/*.test.ts', { cwd: ROOT });
    const early = all.filter((file) => !NEEDS_CONTRACTS.some((path) => file.startsWith(path)));
    expect(early.length).toBeGreaterThan(50);
    expect(early.filter((file) => readsContracts(file))).toEqual([]);
    // The rule sees what it should: this one starts a chain.
    expect(readsContracts('test/runtime/registry.test.ts')).toBe(true);
  });

  it('are all tests but those that are named, and each name is a test', () => {
    const all = globSync('test/**/*.test.ts', { cwd: ROOT });
    const isNamed = (path: string) => all.some((file) => file.startsWith(path));
    expect([...NEEDS_CONTRACTS, ...LONGEST].filter((path) => !isNamed(path))).toEqual([]);
  });
});
