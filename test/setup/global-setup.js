import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import needRedis from './need-redis.js';

const ROOT = join(import.meta.dirname, '..', '..');
const STAMP = join(ROOT, 'cache', 'built-for-jest');
const SOURCES = ['contracts/**/*.sol', 'bench/contracts/**/*.sol', 'hardhat.config.ts', 'package-lock.json'];

/** Before any test file: a Redis to start, and contracts as they are now. */
export default function globalSetup() {
  needRedis();
  const state = stateOfSources();
  if (existsSync(STAMP) && existsSync(join(ROOT, 'artifacts')) && readFileSync(STAMP, 'utf8') === state) return;
  const build = spawnSync('hardhat', ['build', '--no-tests'], { cwd: ROOT, encoding: 'utf8' });
  if (build.status !== 0) throw new Error(`the contracts do not build:\n${build.stdout}${build.stderr}`);
  mkdirSync(join(ROOT, 'cache'), { recursive: true });
  writeFileSync(STAMP, state);
}

/** Changes whenever a contract, or what it is compiled with, does. */
function stateOfSources() {
  const files = SOURCES.flatMap((pattern) => globSync(pattern, { cwd: ROOT })).sort();
  const hash = createHash('sha256');
  for (const file of files) hash.update(`${file}\n`).update(readFileSync(join(ROOT, file)));
  return hash.digest('hex');
}
