import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JsonRpcProvider } from 'ethers';
import WebSocket from 'ws';
import { LOCAL_DIR, type NetworkState, readState } from '../../network/local-state.ts';
import { openProvider } from '../../runtime/chain.ts';
import { waitFor } from '../support/wait.ts';
import { npmStart, ROOT, type StartedNetwork } from './npm-start.ts';
import { readmeCommands } from './readme-commands.ts';
import { startWalk, type Walk } from './readme-walk.ts';

const MINUTES_MS = 60_000;

/** Lines of the README that these tests do not run, and why. */
const NOT_RUN: [RegExp, string][] = [
  [/^npm start$/, 'it is how this network was started'],
  [/^npm test\b/, 'it is what runs this'],
  [/^npm run (?:build|lint|docs)$/, '`npm test` does it, or checks that it was done'],
  [/^npm run format$/, 'it changes the files that are tested'],
  [/^npm run (?:coverage|fuzz|gas|sessions|bench|soak)\b/, 'it takes minutes, and is no part of a network'],
  [/^npm run lock$/, 'it needs a registry'],
  [/^docker /, 'it needs Docker: test/containers runs what the containers run'],
  [/^(?:LINK_ADDRESS|OPERATORS|TOKEN_CAP)=/, 'these are settings of the command before them'],
];

/** What some of them say, the last time that they do. */
const SAYS: Record<string, RegExp> = {
  'npm run ask -- CP-ADA 1': /^Agreed: CP-ADA\/1 is Available/m,
  'npm run add-charger -- CP-MINE': /password +[0-9a-f]{40}/,
  'npm run command -- CP-ADA Reset': /Accepted/,
  'npx wscat': /^\[3,"1",\{.*"Accepted".*\}\]\n\[3,"2",\{\}\]\n$/,
  'npm run ask -- CP-MINE 1': /^Agreed: CP-MINE\/1 is Faulted \(GroundFailure\)/m,
  'npm run simulate': /"StartTransaction"/,
  'npm run jobs -- validate': /is valid: DEVSEN charger-status/,
  'npm run jobs -- dry-run': /would send to 0x/,
  'npm run jobs -- runs': /completed/,
  'npm run jobs -- replay': /./,
  'npm run backup': /backup.*adapter\.sqlite\n.*backup.*jobs\.sqlite\n/,
  curl: /"statusCode":200/,
  'RPC_URL=': /"oracle":"0x/,
  'npx devsen doctor': /✓ gateway/,
  'npx devsen chargers wait': /CP-HOME is online: [2-4] of 4 operators/,
  'npx devsen config get CP-HOME HeartbeatInterval': /HeartbeatInterval +\d+/,
  'npx devsen status CP-HOME 1': /status +Available\n/,
  'npx devsen find --near': /CP-HOME\/1 .* 350 kW .*0\.35 DEVSEN\/kWh .* [2-4] of 4/,
  'npx devsen charge start CP-HOME 1 --kwh 5': /session is \w+; \d of 4 operators have answered[\s\S]*state +Active/,
  'npx devsen charge show CP-HOME': /energy +[\d.]+ kWh so far, as [1-4] of 4 operators have it/,
  'npx devsen charge stop CP-HOME': /state +Settled[\s\S]*\(Remote\)/,
  'npx devsen charge withdraw all': /DEVSEN +0 +/,
};

describe('a network that npm start runs', () => {
  let network: StartedNetwork;
  let provider: JsonRpcProvider;
  let walk: Walk;
  let state: NetworkState;
  let lines: string[];

  beforeAll(async () => {
    network = await npmStart();
    ({ state, lines } = network);
    provider = await openProvider({ rpcUrl: state.rpcUrl });
    walk = await startWalk(network, provider, await redisOf(state.pid));
  }, 5 * MINUTES_MS);
  afterAll(async () => {
    provider?.destroy();
    await walk?.close().finally(() => network.close());
  }, MINUTES_MS);

  it(
    'takes in a charger that is not its own, and answers about it',
    async () => {
      const added = await network.run('network/add-charger.ts', ['CP-OWN', '--json']);
      expect(added).toMatchObject({ code: 0, err: '' });
      const { url, password, subprotocol } = JSON.parse(added.out);
      expect(password).toMatch(/^[0-9a-f]{40}$/);

      // nothing of ours: a plain WebSocket client with HTTP Basic credentials
      const socket = new WebSocket(url, subprotocol, { auth: `CP-OWN:${password}` });
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

      const asked = await network.run('network/ask.ts', ['CP-OWN', '1', '--json']);
      expect(asked).toMatchObject({ code: 0, err: '' });
      const reply = JSON.parse(asked.out);
      expect(reply.agreed).toMatchObject({ status: 4, errorClass: 0, online: true });
      expect(reply.held).toMatchObject({ status: 4, errorClass: 0, online: true });
      expect(reply.operators.map(({ isAgreed }: { isAgreed: boolean }) => isAgreed)).toEqual([true, true, true, true]);
      await waitFor(() => lines.some((line) => line.includes('agreed: CP-OWN/1 is Suspended, since ')), {
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
      const second = await network.run('network/start.ts', ['--no-build']);
      expect(second).toEqual({
        code: 1,
        out: '',
        err: `Failed: a network is running from here already, as process ${state.pid}\n`,
      });
    },
    MINUTES_MS,
  );

  it(
    'does what the README says, line by line, for each kind of user',
    async () => {
      const commands = readmeCommands(readFileSync(join(ROOT, 'README.md'), 'utf8'));
      const reasonOf = (line: string) => NOT_RUN.find(([pattern]) => pattern.test(line))?.[1];
      const done: string[] = [];
      for (const command of commands) {
        if (reasonOf(command.line) !== undefined) continue;
        const { code, out, err } = await walk.take(command);
        expect({ line: command.line, code, err: code === 0 ? '' : err }).toEqual({
          line: command.line,
          code: 0,
          err: '',
        });
        done.push(`${command.line}\n${err}${out}`);
      }
      const saidBy = (start: string) => done.findLast((said) => said.startsWith(start))?.replace(/^.*\n/, '');
      for (const [start, pattern] of Object.entries(SAYS)) {
        expect({ start, said: saidBy(start) }).toEqual({ start, said: expect.stringMatching(pattern) });
      }
      // Nothing stands in the list that no longer stands in the README.
      for (const [pattern] of NOT_RUN) {
        expect([pattern, commands.some(({ line }) => pattern.test(line))]).toEqual([pattern, true]);
      }
      expect(lines.filter((line) => line.includes('Died:'))).toEqual([]);
    },
    10 * MINUTES_MS,
  );

  it(
    'says what the README’s commands did not do, with its reason and exit code 1',
    async () => {
      const { devsen } = walk;
      await devsen(['charge', 'deposit', '10']);
      await devsen(['chargers', 'wait', 'CP-ADA']);
      // Nobody plugs in, for which the charger does not wait long.
      const patience = await devsen([
        'command',
        'CP-ADA',
        'ChangeConfiguration',
        '{"key":"ConnectionTimeOut","value":"1"}',
      ]);
      expect(patience).toMatchObject({ code: 0, out: expect.stringContaining('Accepted') });
      const refused = await devsen(['charge', 'start', 'CP-ADA', '1', '--kwh', '5']);
      expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('the session is Rejected (') });
      expect(refused.err).toContain('all tokens are given back');
      await devsen(['chargers', 'add', 'CP-GONE', '--at', '47.4,8.5', '--connector', 'IEC_62196_T2:22']);
      const gone = await devsen(['chargers', 'wait', 'CP-GONE', '--within', '1']);
      expect(gone).toMatchObject({ code: 1, err: expect.stringContaining('waited 1 s for CP-GONE to be online') });
    },
    3 * MINUTES_MS,
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
      expect(await network.process.exited).toMatchObject({ code: 0 });
      expect(lines.at(-1)).toBe('Stopped.');
      expect(await readState(join(network.dir, LOCAL_DIR))).toBeUndefined();
      for (const pid of children) expect(() => process.kill(pid, 0)).toThrow();
    },
    MINUTES_MS,
  );
});

/** Process ids of a process's children. */
async function childrenOf(parent: number): Promise<number[]> {
  return (await processes()).filter((each) => each.parent === parent).map(({ pid }) => pid);
}

/** Where a network's Redis is, as its process's title says it. */
async function redisOf(parent: number): Promise<string> {
  const found = (await processes()).find((each) => each.parent === parent && each.command.includes('redis-server'));
  const [address] = /127\.0\.0\.1:\d+/.exec(found?.command ?? '') ?? [];
  if (address === undefined) throw new Error('no Redis runs');
  return `redis://${address}`;
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
