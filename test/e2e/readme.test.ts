import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runCli } from '../../network/cli/cli.ts';
import { COMMANDS } from '../../setup/commands.mjs';
import { type Charger, startCharger } from '../../simulator/charger.ts';
import { countEnergy, registerOf } from '../../simulator/connector-state.ts';
import { waitFor } from '../support/wait.ts';
import { type ReadmeCommand, readmeCommands } from './readme-commands.ts';
import { startTestNetwork, type TestNetwork } from './test-network.ts';

const MINUTES_MS = 60_000;
const ROOT = join(import.meta.dirname, '..', '..');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
/** Scripts that need a network; what builds, checks or runs one has tests of its own, or is how this one was started. */
const IN_A_NETWORK = ['devsen', 'ask', 'add-charger', 'command'];
const CAR = { battery: { capacityWh: 77_000, levelWh: 10_000 }, maxPowerW: 300_000 };

describe('the README', () => {
  let network: TestNetwork;
  let charger: Charger | undefined;

  beforeAll(async () => {
    network = await startTestNetwork({ chargers: ['CP-ADA'] });
    await network.charger('CP-ADA');
  }, 4 * MINUTES_MS);
  afterAll(async () => {
    await charger?.close();
    await network?.close();
  }, MINUTES_MS);

  async function devsen(args: readonly string[]) {
    const texts = { out: '', err: '' };
    const into = (name: 'out' | 'err') =>
      new Writable({
        write: (chunk, _encoding, done) => {
          texts[name] += chunk;
          done();
        },
      });
    const streams = { out: into('out'), err: into('err'), env: {} };
    const code = await runCli([...args, '--dir', network.dir], streams);
    return { code, ...texts };
  }

  /** A script of package.json as a process of its own. */
  async function npmRun({ script, args }: ReadmeCommand) {
    const { file } = COMMANDS[script as keyof typeof COMMANDS];
    const quiet = '--disable-warning=ExperimentalWarning';
    const child = spawn(process.execPath, [quiet, join(ROOT, file), ...args, '--dir', network.dir]);
    const closed = once(child, 'close');
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return { code: (await closed)[0], out, err };
  }

  /** What people do at the charger between two commands. */
  const before: Record<string, () => Promise<unknown> | unknown> = {
    'charge start CP-HOME 1 --kwh 5': () => charger?.plug(1, CAR),
    'charge stop CP-HOME': () =>
      waitFor(
        () => {
          const at = charger?.connector(1);
          return at?.transaction && registerOf(countEnergy(at, Date.now())) - at.transaction.startWh > 120;
        },
        { what: 'energy to flow', timeoutMs: MINUTES_MS },
      ),
  };
  const after: Record<string, (out: string) => void> = {
    'chargers add CP-HOME': (out) => {
      const key = Buffer.from(/password +([0-9a-f]{40})/.exec(out)?.[1] ?? '', 'hex');
      charger = startCharger({ url: network.state.gatewayUrl, identity: 'CP-HOME', key, connectors: 1 });
    },
  };
  /** What some of them say. */
  const says: Record<string, RegExp> = {
    'ask CP-ADA 1': /^Agreed: CP-ADA\/1 is Available/m,
    'add-charger CP-MINE': /password +[0-9a-f]{40}/,
    'command CP-ADA Reset': /Accepted/,
    doctor: /✓ gateway/,
    'chargers wait': /CP-HOME is online: [2-4] of 4 operators/,
    'config get CP-HOME HeartbeatInterval': /HeartbeatInterval +\d+/,
    'status CP-HOME 1': /status +Available\n/,
    'find --near': /CP-HOME\/1 .* 350 kW .*0\.35 DEVSEN\/kWh .* [2-4] of 4/,
    'charge start CP-HOME 1 --kwh 5': /session is \w+; \d of 4 operators have answered[\s\S]*state +Active/,
    'charge show CP-HOME': /energy +[\d.]+ kWh so far, as [1-4] of 4 operators have it/,
    'charge stop CP-HOME': /state +Settled[\s\S]*\(Remote\)/,
    'charge withdraw all': /DEVSEN +0 +/,
  };

  it(
    'has commands that work, in its order, for each kind of user',
    async () => {
      const commands = readmeCommands(README).filter(({ script }) => IN_A_NETWORK.includes(script));
      const done: string[] = [];
      for (const command of commands) {
        const { script, args } = command;
        const line = [...(script === 'devsen' ? [] : [script]), ...args].join(' ');
        for (const [start, act] of Object.entries(before)) if (line.startsWith(start)) await act();
        const { code, out, err } = await (script === 'devsen' ? devsen(args) : npmRun(command));
        expect({ line, code, err: code === 0 ? '' : err }).toEqual({ line, code: 0, err: '' });
        for (const [start, act] of Object.entries(after)) if (line.startsWith(start)) act(out);
        done.push(`${line}\n${err}${out}`);
      }
      // The last time that it is said is when it must be so.
      for (const [start, pattern] of Object.entries(says)) {
        expect(done.findLast((each) => each.startsWith(start))).toMatch(pattern);
      }
      expect(network.deaths).toEqual([]);
    },
    6 * MINUTES_MS,
  );

  it(
    'need not be believed: what is not done is said, with its reason and exit code 1',
    async () => {
      await devsen(['charge', 'deposit', '10']);
      await devsen(['chargers', 'wait', 'CP-ADA']);
      // Nobody has plugged in.
      const refused = await devsen(['charge', 'start', 'CP-ADA', '1', '--kwh', '5']);
      expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('the session is Rejected (') });
      expect(refused.err).toContain('all tokens are given back');
      await devsen(['chargers', 'add', 'CP-GONE', '--at', '47.4,8.5', '--connector', 'IEC_62196_T2:22']);
      const gone = await devsen(['chargers', 'wait', 'CP-GONE', '--within', '1']);
      expect(gone).toMatchObject({ code: 1, err: expect.stringContaining('waited 1 s for CP-GONE to be online') });
    },
    3 * MINUTES_MS,
  );
});
