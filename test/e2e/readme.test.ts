import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runCli } from '../../network/cli/cli.ts';
import { type Charger, startCharger } from '../../simulator/charger.ts';
import { countEnergy, registerOf } from '../../simulator/connector-state.ts';
import { waitFor } from '../support/wait.ts';
import { devsenCommands } from './readme-commands.ts';
import { startTestNetwork, type TestNetwork } from './test-network.ts';

const MINUTES_MS = 60_000;
const README = readFileSync(join(import.meta.dirname, '..', '..', 'README.md'), 'utf8');
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

  /** What people do at the charger between two commands. */
  const before: Record<string, () => Promise<unknown> | unknown> = {
    'charge start CP-MINE 1 --kwh 5': () => charger?.plug(1, CAR),
    'charge stop CP-MINE': () =>
      waitFor(
        () => {
          const at = charger?.connector(1);
          return at?.transaction && registerOf(countEnergy(at, Date.now())) - at.transaction.startWh > 120;
        },
        { what: 'energy to flow', timeoutMs: MINUTES_MS },
      ),
  };
  const after: Record<string, (out: string) => void> = {
    'chargers add CP-MINE': (out) => {
      const key = Buffer.from(/password +([0-9a-f]{40})/.exec(out)?.[1] ?? '', 'hex');
      charger = startCharger({ url: network.state.gatewayUrl, identity: 'CP-MINE', key, connectors: 1 });
    },
  };
  /** What some of them say. */
  const says: Record<string, RegExp> = {
    doctor: /✓ gateway/,
    'chargers wait': /CP-MINE is online: [2-4] of 4 operators/,
    'config get CP-MINE HeartbeatInterval': /HeartbeatInterval +\d+/,
    'status CP-MINE 1': /status +Available\n/,
    'find --near': /CP-MINE\/1 .* 350 kW .*0\.35 DEVSEN\/kWh .* [2-4] of 4/,
    'charge start CP-MINE 1 --kwh 5': /state +Active/,
    'charge stop CP-MINE': /state +Settled[\s\S]*\(Remote\)/,
    'charge withdraw all': /DEVSEN +0 +/,
  };

  it(
    'has commands that work, in its order, for each kind of user',
    async () => {
      const commands = devsenCommands(README);
      const done: string[] = [];
      for (const words of commands) {
        const text = words.join(' ');
        for (const [start, act] of Object.entries(before)) if (text.startsWith(start)) await act();
        const { code, out, err } = await devsen(words);
        expect({ text, code, err: code === 0 ? '' : err }).toEqual({ text, code: 0, err: '' });
        for (const [start, act] of Object.entries(after)) if (text.startsWith(start)) act(out);
        done.push(`${text}\n${out}`);
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
