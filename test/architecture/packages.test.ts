import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { missingEntries } from '../../setup/lock.mjs';

const ROOT = join(import.meta.dirname, '..', '..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');

describe('package-lock.json', () => {
  const lock = JSON.parse(read('package-lock.json'));

  it('names no registry host, so that each machine may use its own', () => {
    const resolved = Object.values<{ resolved?: string }>(lock.packages).flatMap(({ resolved = [] }) => resolved);
    expect(resolved).toEqual([]);
  });

  it('holds the packages of every platform (else: npm run lock)', () => {
    expect(Object.keys(missingEntries(lock))).toEqual([]);
  });

  it('holds what package.json asks for', () => {
    const wanted = JSON.parse(read('package.json'));
    for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies'] as const) {
      expect(lock.packages[''][kind]).toEqual(wanted[kind]);
    }
  });
});

describe('the files of the repository', () => {
  const files = spawnSync('git', ['ls-files'], { cwd: ROOT, encoding: 'utf8' }).stdout.split('\n').filter(Boolean);

  it('are none that is installed or built, nor a link to it: a pull would replace the real ones', () => {
    expect(files.filter((file) => /^(node_modules|artifacts|cache|coverage|\.devsen)(\/|$)/.test(file))).toEqual([]);
  });

  it('name no path of the machine they were written on', () => {
    const paths = /\/(?:home|Users|work|root)\/[a-z]/;
    const texts = files.filter((file) => file !== 'package-lock.json' && !/\.(png|ico|wasm)$/.test(file));
    const naming = texts.filter((file) => paths.test(read(file).replaceAll(/https?:\/\/\S+/g, '')));
    expect(naming.filter((file) => file !== 'test/architecture/packages.test.ts')).toEqual([]);
  });
});
