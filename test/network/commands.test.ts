import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readState, removeState, writeState } from '../../network/local-state.ts';

const NETWORK = join(import.meta.dirname, '..', '..', 'network');
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'devsen-commands-'));
});
afterAll(() => rm(dir, { recursive: true }));

/** Runs one of the network's commands where no network runs. */
async function run(script: string, ...args: string[]) {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', join(NETWORK, script), ...args], {
    cwd: dir,
  });
  const [out, err, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise((done) => child.once('close', done)),
  ]);
  return { code, out, err: err.trim() };
}

describe('the commands of the network', () => {
  it.each([
    ['ask.ts', ['CP-1'], 'Failed: no network is running here: start one with npm start'],
    ['ask.ts', ['CP-1', 'one'], 'Failed: a connector is a whole number from 0 to 65535'],
    ['add-charger.ts', ['a b'], 'Failed: an OCPP identity is 1 to 48 of A-Z a-z 0-9 _ = : | @ . -'],
    ['add-charger.ts', ['CP-1', '--connectors', '65'], 'Failed: --connectors expects a whole number from 1 to 64'],
    ['command-main.ts', ['CP-1', 'Reset'], 'Failed: no network is running here: start one with npm start'],
    ['command-main.ts', ['CP-1', 'Reset', '--valid', '0'], 'Failed: --valid expects whole seconds from 1 to 3600'],
    ['command-main.ts', ['CP-1', 'Reset', '--network', '1'], 'Failed: --gateway expects a URL'],
    [
      'command-main.ts',
      ['CP-1', 'Reset', '--gateway', 'https://x.test', '--network', `1:0x${'12'.repeat(20)}`],
      'Failed: no key: give --key-file, or set MANAGER_KEY',
    ],
    [
      'command-main.ts',
      ['CP-1', 'Reset', '--gateway', 'https://x.test', '--network', `1:0x${'12'.repeat(20)}`, '--gateway-ca', 'no.pem'],
      'Failed: no.pem cannot be read: ENOENT',
    ],
    ['start.ts', ['--ask-every', 'often'], 'Failed: --ask-every expects whole seconds'],
  ])('say in a line what is wrong: %s %j', async (script, args, reason) => {
    expect(await run(script, ...args)).toEqual({ code: 1, out: '', err: reason });
  });

  it('show how they are used', async () => {
    expect((await run('start.ts', '--help')).out).toContain('npm start -- --once');
    expect((await run('ask.ts')).err).toContain('which charger?');
  });
});

describe('the state of a local network', () => {
  it('is there as long as its process is', async () => {
    const state = { pid: process.pid } as never;
    await writeState(dir, state, {} as never);
    expect(await readState(dir)).toEqual({ pid: process.pid });
    await removeState(dir);
    expect(await readState(dir)).toBeUndefined();
    const gone = spawn(process.execPath, ['-e', '']);
    await new Promise((done) => gone.once('close', done));
    await writeState(dir, { pid: gone.pid } as never, {} as never);
    expect(await readState(dir)).toBeUndefined();
  });
});
