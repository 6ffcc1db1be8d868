import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { makeFleet } from '../../network/fleet.ts';
import { makeRestarts } from '../../network/restarts.ts';
import { type Exit, type ProcessPlan, startProcess } from '../../network/supervisor.ts';
import { startWatchdog, type Watchdog } from '../../network/watchdog.ts';
import { waitFor } from '../support/wait.ts';

const NETWORK = join(import.meta.dirname, '..', '..', 'network');

/** A process that runs a shell script. */
const shell = (name: string, script: string, more: Partial<ProcessPlan> = {}): ProcessPlan => ({
  name,
  command: 'sh',
  args: ['-c', script],
  ...more,
});
const LASTS = 'echo here; exec sleep 600';

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

let watchdog: Watchdog;
beforeEach(() => {
  watchdog = startWatchdog();
});
afterEach(() => watchdog.close());

describe('a supervised process', () => {
  it('is reported with how it ended and its last words, those on standard error too', async () => {
    const process_ = await startProcess(
      shell('part', 'for i in 1 2 3 4 5 6 7 8 9; do echo $i; done; echo why >&2; exit 3'),
      watchdog,
    );
    const exit = await process_.exited;
    expect(exit).toMatchObject({ name: 'part', code: 3, signal: null, wasAsked: false });
    expect(exit.lastWords).toHaveLength(8);
    expect(exit.lastWords).toContain('9');
    expect(exit.lastWords).toContain('why');
  });

  it('inherits nothing of the environment but where programs, home and cache are', async () => {
    const cache = process.env.NODE_COMPILE_CACHE;
    Object.assign(process.env, { SECRET_OF_THE_PARENT: 'x', NODE_COMPILE_CACHE: cache ?? '/nowhere' });
    const lines: string[] = [];
    const onLine = (line: string) => void lines.push(line);
    await (await startProcess(shell('part', 'env', { env: { OWN: '1' }, onLine }), watchdog)).exited;
    delete process.env.SECRET_OF_THE_PARENT;
    if (cache === undefined) delete process.env.NODE_COMPILE_CACHE;
    const names = lines
      .map((line) => line.split('=')[0])
      .filter((name) => !['PWD', 'OLDPWD', 'SHLVL', '_'].includes(name ?? ''));
    expect(names.toSorted()).toEqual(['HOME', 'NODE_COMPILE_CACHE', 'OWN', 'PATH']);
  });

  it('is made to end if it does not when asked', async () => {
    const lines: string[] = [];
    const stubborn = shell('part', "trap '' TERM; echo here; while :; do sleep 1; done", {
      onLine: (line) => void lines.push(line),
    });
    const process_ = await startProcess(stubborn, watchdog);
    await waitFor(() => lines.length > 0, { what: 'the process to ignore SIGTERM' });
    expect(await process_.stop(200)).toMatchObject({ signal: 'SIGKILL', wasAsked: true });
  });

  it('says by its name that it could not be started', async () => {
    await expect(startProcess({ name: 'part', command: '/nowhere', args: [] }, watchdog)).rejects.toThrow(
      /^part did not start: /,
    );
  });
});

describe('the watchdog', () => {
  it('ends what it guards when its process is killed, however suddenly', async () => {
    const script = `
      import { startWatchdog } from '${NETWORK}/watchdog.ts';
      import { startProcess } from '${NETWORK}/supervisor.ts';
      const watchdog = startWatchdog();
      const kept = await startProcess({ name: 'kept', command: 'sleep', args: ['600'] }, watchdog);
      const released = await startProcess({ name: 'released', command: 'sleep', args: ['0'] }, watchdog);
      await released.exited;
      console.log(kept.pid);
      setInterval(() => {}, 1000);
    `;
    const args = ['--disable-warning=ExperimentalWarning', '--input-type=module-typescript', '-e', script];
    const parent = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string];
    const pid = Number(line);
    expect(isAlive(pid)).toBe(true);
    parent.kill('SIGKILL');
    await waitFor(() => !isAlive(pid), { what: 'the guarded process to be gone' });
  });
});

describe('a fleet', () => {
  it('waits until a member is at work, tells of a death nobody asked for, and starts it again', async () => {
    const deaths: Exit[] = [];
    const fleet = makeFleet(watchdog, (exit) => void deaths.push(exit));
    let looks = 0;
    const isReady = async () => (++looks >= 2 ? true : undefined);
    await fleet.start({ plan: shell('part', LASTS), stage: 0, isReady, readyLimitMs: 5_000 });
    expect(looks).toBe(2);
    const pid = fleet.pidOf('part');
    process.kill(pid, 'SIGKILL');
    await waitFor(() => deaths.length > 0, { what: 'the death to be told' });
    expect(deaths[0]).toMatchObject({ name: 'part', signal: 'SIGKILL', lastWords: ['here'] });
    await fleet.startAgain('part');
    expect(fleet.pidOf('part')).not.toBe(pid);
    await fleet.kill('part', 'SIGKILL');
    await fleet.stop();
    expect(deaths).toHaveLength(1);
  });

  it('says with the last words that a member ended before it was at work', async () => {
    const fleet = makeFleet(watchdog, () => {});
    const isReady = async () => undefined;
    const member = { plan: shell('part', 'echo no port; exit 1'), stage: 0, isReady, readyLimitMs: 5_000 };
    await expect(fleet.start(member)).rejects.toThrow('part ended before it was at work:\n    no port');
  });

  it('says what it waited for when a member is not at work in time', async () => {
    const fleet = makeFleet(watchdog, () => {});
    const isReady = () => Promise.reject(new Error('connection refused'));
    const member = { plan: shell('part', LASTS), stage: 0, isReady, readyLimitMs: 150 };
    await expect(fleet.start(member)).rejects.toThrow('waited 0.15 s for part to be at work: connection refused');
    await fleet.stop();
  });

  it('stops those who build on others first', async () => {
    const fleet = makeFleet(watchdog, () => {});
    const ended: string[] = [];
    const ends = (name: string, stage: number) => {
      const script = `trap 'echo ended; exit 0' TERM; echo up; while :; do sleep 0.05; done`;
      const seen: string[] = [];
      const onLine = (line: string) => {
        seen.push(line);
        if (line === 'ended') ended.push(name);
      };
      const isReady = async () => (seen.includes('up') ? (true as const) : undefined);
      return fleet.start({ plan: shell(name, script, { onLine }), stage, isReady, readyLimitMs: 5_000 });
    };
    await ends('chargers', 2);
    await ends('redis', 0);
    await ends('gateway', 1);
    await fleet.stop();
    expect(ended).toEqual(['chargers', 'gateway', 'redis']);
  });
});

describe('restarts', () => {
  const exit = (name: string): Exit => ({ name, code: 1, signal: null, lastWords: [], wasAsked: false });

  it('start a dead process again, up to three times a minute', async () => {
    const again: string[] = [];
    const givenUp: string[] = [];
    const restarts = makeRestarts({
      startAgain: async (name) => void again.push(name),
      tell: () => {},
      giveUp: ({ name }) => void givenUp.push(name),
      pauseMs: 1,
    });
    for (const due of [1, 2, 3]) {
      restarts.onDeath(exit('gateway'));
      await waitFor(() => again.length === due, { what: `restart ${due}` });
    }
    restarts.onDeath(exit('gateway'));
    expect(givenUp).toEqual(['gateway']);
    restarts.close();
  });

  it('give the network up when the chain dies, which keeps nothing', () => {
    const givenUp: string[] = [];
    const restarts = makeRestarts({
      startAgain: async () => {},
      tell: () => {},
      giveUp: ({ name }) => void givenUp.push(name),
    });
    restarts.onDeath(exit('chain'));
    expect(givenUp).toEqual(['chain']);
  });
});
