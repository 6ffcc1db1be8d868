import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import WebSocket from 'ws';
import { LOCAL_DIR, type NetworkState, readState } from '../../network/local-state.ts';
import { type Supervised, startProcess } from '../../network/supervisor.ts';
import { startWatchdog, type Watchdog } from '../../network/watchdog.ts';
import { waitFor } from '../support/wait.ts';

const NETWORK = join(import.meta.dirname, '..', '..', 'network');
const QUIET = '--disable-warning=ExperimentalWarning';
const MINUTES_MS = 60_000;

describe('a network that npm start runs', () => {
  let watchdog: Watchdog;
  let dir: string;
  let network: Supervised;
  let state: NetworkState;
  const lines: string[] = [];

  beforeAll(async () => {
    watchdog = startWatchdog();
    dir = await mkdtemp(join(tmpdir(), 'devsen-live-'));
    // `start.ts` works in the directory it is called in.
    const script = 'cd "$1" && exec "$2" "$3" "$4" --no-build --no-traffic --ask-every 0';
    const args = ['-c', script, 'sh', dir, process.execPath, QUIET, join(NETWORK, 'start.ts')];
    network = await startProcess(
      { name: 'network', command: 'sh', args, onLine: (line) => void lines.push(line) },
      watchdog,
    );
    await waitFor(() => network.hasExited() || lines.includes('Ctrl-C stops it all'), {
      what: 'the network to be set up',
      timeoutMs: 2 * MINUTES_MS,
    });
    if (network.hasExited()) throw new Error(lines.join('\n'));
    state = (await readState(join(dir, LOCAL_DIR))) as NetworkState;
  }, 3 * MINUTES_MS);
  afterAll(async () => {
    await watchdog.close();
    await rm(dir, { recursive: true, force: true });
  }, MINUTES_MS);

  async function run(script: string, ...args: string[]) {
    const child = spawn(process.execPath, [QUIET, join(NETWORK, script), ...args], { cwd: dir });
    const closed = once(child, 'close');
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return { code: (await closed)[0], out, err };
  }

  it(
    'takes in a charger that is not its own, and answers about it',
    async () => {
      const added = await run('add-charger.ts', 'CP-MINE', '--json');
      expect(added).toMatchObject({ code: 0, err: '' });
      const { url, password, subprotocol } = JSON.parse(added.out);
      expect(password).toMatch(/^[0-9a-f]{40}$/);

      // nothing of ours: a plain WebSocket client with HTTP Basic credentials
      const socket = new WebSocket(url, subprotocol, { auth: `CP-MINE:${password}` });
      await once(socket, 'open');
      const call = async (id: string, action: string, payload: object) => {
        socket.send(JSON.stringify([2, id, action, payload]));
        const [data] = (await once(socket, 'message')) as [Buffer];
        return JSON.parse(data.toString());
      };
      const boot = await call('1', 'BootNotification', { chargePointVendor: 'Mine', chargePointModel: 'One' });
      expect(boot).toEqual([3, '1', expect.objectContaining({ status: 'Accepted' })]);
      const status = { connectorId: 1, errorCode: 'NoError', status: 'SuspendedEV' };
      expect(await call('2', 'StatusNotification', status)).toEqual([3, '2', {}]);

      const asked = await run('ask.ts', 'CP-MINE', '1', '--json');
      expect(asked).toMatchObject({ code: 0, err: '' });
      const reply = JSON.parse(asked.out);
      expect(reply.agreed).toMatchObject({ status: 4, errorClass: 0, online: true });
      expect(reply.held).toMatchObject({ status: 4, errorClass: 0, online: true });
      expect(reply.operators.map(({ isAgreed }: { isAgreed: boolean }) => isAgreed)).toEqual([true, true, true, true]);
      await waitFor(() => lines.some((line) => line.includes('agreed: CP-MINE/1 is Suspended, since ')), {
        what: 'the agreement in the account',
      });
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    },
    3 * MINUTES_MS,
  );

  it(
    'says that a network runs from here already',
    async () => {
      const second = await run('start.ts', '--no-build');
      expect(second).toEqual({
        code: 1,
        out: '',
        err: `Failed: a network is running from here already, as process ${state.pid}\n`,
      });
    },
    MINUTES_MS,
  );

  it(
    'reports a process that dies, with its last words, and starts it again',
    async () => {
      const isGreen = async () => (await fetch(`${state.gatewayAdminUrl}/health`)).ok;
      const gateway = await pidOf('ocpp-gateway/main.ts', state.pid);
      process.kill(gateway, 'SIGKILL');
      await waitFor(() => lines.some((line) => line.includes('Died: gateway was ended by SIGKILL. Its last words:')), {
        what: 'the death to be told',
        timeoutMs: MINUTES_MS,
      });
      await waitFor(() => lines.some((line) => line.endsWith('gateway started again')), {
        what: 'the gateway to be started again',
        timeoutMs: MINUTES_MS,
      });
      expect(await isGreen()).toBe(true);
    },
    2 * MINUTES_MS,
  );

  it(
    'ends all its processes at Ctrl-C and exits 0',
    async () => {
      const children = await childrenOf(state.pid);
      // chain, Redis, gateway, four operators, the watchdog
      expect(children.length).toBe(8);
      process.kill(state.pid, 'SIGINT');
      expect(await network.exited).toMatchObject({ code: 0 });
      expect(lines.at(-1)).toBe('Stopped.');
      expect(await readState(join(dir, LOCAL_DIR))).toBeUndefined();
      for (const pid of children) expect(() => process.kill(pid, 0)).toThrow();
    },
    MINUTES_MS,
  );
});

/** Process ids of a process's children. */
async function childrenOf(parent: number): Promise<number[]> {
  return (await processes()).filter((each) => each.parent === parent).map(({ pid }) => pid);
}

async function pidOf(script: string, parent: number): Promise<number> {
  const found = (await processes()).find((each) => each.parent === parent && each.command.includes(script));
  if (!found) throw new Error(`no process runs ${script}`);
  return found.pid;
}

async function processes(): Promise<{ pid: number; parent: number; command: string }[]> {
  const ps = spawn('ps', ['-A', '-o', 'pid=,ppid=,args=']);
  const lines = (await text(ps.stdout)).trim().split('\n');
  return lines.flatMap((line) => {
    const [pid = '', parent = '', ...command] = line.trim().split(/\s+/);
    return Number(pid) === ps.pid ? [] : [{ pid: Number(pid), parent: Number(parent), command: command.join(' ') }];
  });
}
