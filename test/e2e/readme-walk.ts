import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { computeAddress, type JsonRpcProvider } from 'ethers';
import WebSocket from 'ws';
import { deviceIdOf } from '../../core/identity.ts';
import { encodeChargerStatusParams } from '../../core/queries.ts';
import { runCli as runJobs } from '../../jobs/cli.ts';
import { runCli } from '../../network/cli/cli.ts';
import { giveEther } from '../../network/local-setup.ts';
import { LOCAL_DIR } from '../../network/local-state.ts';
import { COMMANDS } from '../../setup/commands.mjs';
import { type Charger, startCharger } from '../../simulator/charger.ts';
import { countEnergy, registerOf } from '../../simulator/connector-state.ts';
import { waitFor } from '../support/wait.ts';
import { QUIET, ROOT, type Said, type StartedNetwork } from './npm-start.ts';
import type { ReadmeCommand } from './readme-commands.ts';
import { makeReadmeOperators } from './readme-operators.ts';

const LIMIT_MS = 180_000;
const CAR = { battery: { capacityWh: 77_000, levelWh: 10_000 }, maxPowerW: 300_000 };
/** Of an account that nobody else has, hex without 0x. */
const DEPLOYER_KEY = '5b'.repeat(32);

/** Somebody whom the README leads: runs its commands, fills in what they leave open, and is at the chargers meanwhile. */
export interface Walk {
  /** Runs one command; one that stays is at work when this settles, and ends with the walk. */
  take: (command: ReadmeCommand) => Promise<Said>;
  /** The CLI, on this network. */
  devsen: (args: readonly string[]) => Promise<Said>;
  /** @throws Error if something that stayed does not end well */
  close: () => Promise<void>;
}

/** @param redisUrl - where the network's queues are */
export async function startWalk(network: StartedNetwork, provider: JsonRpcProvider, redisUrl: string): Promise<Walk> {
  const { dir, state, keys } = network;
  const { first, beginner } = await makeReadmeOperators(network, provider, redisUrl);
  await giveEther(provider, [computeAddress(`0x${DEPLOYER_KEY}`)]);
  const passwords = new Map<string, string>();
  /** What stays, by its command line. */
  const running = new Map<string, () => Promise<void>>();
  const chargers: Charger[] = [];
  const plugIn = async (identity: string, password: string, connectors: number) => {
    const key = Buffer.from(password, 'hex');
    const charger = startCharger({ url: state.gatewayUrl, identity, key, connectors });
    chargers.push(charger);
    await waitFor(() => charger.isOnline(), { what: `${identity} to be online`, timeoutMs: LIMIT_MS });
    await charger.settled();
  };
  await plugIn('CP-ADA', keys.chargers['CP-ADA'] ?? '', 2);
  const home = () => chargers.find(({ identity }) => identity === 'CP-HOME');
  const aMomentAgoSec = async () => ((await provider.getBlock('latest'))?.timestamp ?? 0) - 1;

  /** What the README leaves open, and where this network is other than usual. */
  async function fill(words: readonly string[]): Promise<string[]> {
    const places = {
      '<password>': passwords.get('CP-MINE') ?? '',
      '<bridgeToken>': first.bridgeToken,
      '<keccak256 of the identity>': deviceIdOf('CP-ADA'),
      '<Unix seconds>': `${await aMomentAgoSec()}`,
      '<block>': `${await provider.getBlockNumber()}`,
      '<folder>': 'backup',
      '<32 bytes as hex digits>': DEPLOYER_KEY,
      'ws://127.0.0.1:9220': state.gatewayUrl,
      'http://127.0.0.1:8081': first.adapterUrl,
      'http://127.0.0.1:8545': state.rpcUrl,
      'my-spec.toml': join(dir, 'my-spec.toml'),
      'request.json': join(dir, 'request.json'),
    };
    const filled = words.map((word) =>
      Object.entries(places).reduce((text, [from, to]) => text.replaceAll(from, to), word),
    );
    const left = filled.find((word) => /<[^>]+>/.test(word));
    if (left !== undefined) throw new Error(`nobody says what to put into ${left}`);
    return filled;
  }

  async function devsen(args: readonly string[]): Promise<Said> {
    const texts = { out: '', err: '' };
    const into = (name: 'out' | 'err') =>
      new Writable({
        write: (chunk, _encoding, done) => {
          texts[name] += chunk;
          done();
        },
      });
    const streams = { out: into('out'), err: into('err'), env: {} };
    const code = await runCli([...args, '--dir', join(dir, LOCAL_DIR)], streams);
    return { code, ...texts };
  }

  /** Starts what stays, and waits until it is at work. */
  async function stay(line: string, args: string[], isReady: (out: string) => boolean | Promise<boolean>) {
    const child = spawn(process.execPath, [QUIET, ...args], { cwd: dir });
    const closed = once(child, 'close');
    const said = { out: '', err: '' };
    const describe = (code: number | null) => `${line} ended with ${code}:\n${said.out}${said.err}`;
    for (const [name, stream] of [['out', child.stdout] as const, ['err', child.stderr] as const]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        said[name] += chunk;
      });
    }
    running.set(line, async () => {
      child.kill('SIGTERM');
      const [code] = await closed;
      if (code !== 0) throw new Error(describe(code));
    });
    const isThere = async () => child.exitCode !== null || (await isReady(said.out));
    await waitFor(isThere, { what: `${line} to be at work`, timeoutMs: LIMIT_MS });
    if (child.exitCode !== null) throw new Error(describe(child.exitCode));
    return { code: 0, ...said };
  }

  /** A plain WebSocket client in the place of `wscat`: nothing of ours. */
  async function wscat({ line, words, typed }: ReadmeCommand): Promise<Said> {
    const after = (flag: string) => words[words.indexOf(flag) + 1] ?? '';
    const socket = new WebSocket(after('-c'), after('-s'), { auth: after('--auth') });
    await once(socket, 'open');
    running.set(line, async () => {
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    });
    const out: string[] = [];
    for (const frame of typed) {
      socket.send(frame);
      out.push(String((await once(socket, 'message'))[0]));
    }
    return { code: 0, out: `${out.join('\n')}\n`, err: '' };
  }

  /** What `curl` does with these flags. */
  async function curl({ words }: ReadmeCommand): Promise<Said> {
    const url = words.find((word) => word.startsWith('http')) ?? '';
    const after = (flag: string) => words.filter((_, i) => words[i - 1] === flag);
    const headers = Object.fromEntries(after('-H').map((header) => header.split(/: */, 2) as [string, string]));
    const response = await fetch(url, { method: 'POST', headers, body: after('-d').join('') });
    return { code: response.ok ? 0 : 1, out: await response.text(), err: '' };
  }

  async function npmRun({ line, env, words }: ReadmeCommand): Promise<Said> {
    const [, , script = '', , ...args] = words;
    const file = Object.entries(COMMANDS).find(([name]) => name === script)?.[1].file ?? `${script}?`;
    if (script === 'simulate')
      return stay(line, [join(ROOT, file), ...args], (out) => out.includes('StartTransaction'));
    if (script !== 'jobs') return network.run(file, args, script === 'backup' ? { ...env, ...first.env } : env);
    const { exitCode, out, errors } = await runJobs(args, first.env);
    return { code: exitCode, out, err: errors };
  }

  function run(command: ReadmeCommand): Promise<Said> {
    const { line, words } = command;
    const [program, name, third = ''] = words;
    if (program === 'npx' && name === 'devsen') return devsen(words.slice(2));
    if (program === 'npx' && name === 'wscat') return wscat(command);
    if (program === 'curl') return curl(command);
    if (program === 'npm' && name === 'run') return npmRun(command);
    if (program !== 'node' || name === undefined) throw new Error(`nobody says how to run ${line}`);
    const port = third.startsWith('jobs/') ? beginner.jobsPort : beginner.adapterPort;
    const isWell = async () => (await fetch(`http://127.0.0.1:${port}/health`)).ok;
    return stay(line, [name, join(ROOT, third)], isWell);
  }

  async function end(start: string): Promise<void> {
    for (const [line, ending] of running) {
      if (!line.startsWith(start)) continue;
      running.delete(line);
      await ending();
    }
  }

  /** What people do before some commands. */
  const before: Record<string, () => Promise<unknown> | unknown> = {
    'npm run simulate': () => end('npx wscat'),
    'npm run jobs -- dry-run': async () => {
      const data = {
        deviceId: deviceIdOf('CP-ADA'),
        asOf: await aMomentAgoSec(),
        params: encodeChargerStatusParams(1),
      };
      await writeFile(join(dir, 'request.json'), JSON.stringify({ data }));
    },
    'npx devsen charge start CP-HOME 1 --kwh 5': () => home()?.plug(1, CAR),
    'npx devsen charge stop CP-HOME': () =>
      waitFor(
        () => {
          const at = home()?.connector(1);
          return at?.transaction && registerOf(countEnergy(at, Date.now())) - at.transaction.startWh > 120;
        },
        { what: 'energy to flow', timeoutMs: LIMIT_MS },
      ),
  };
  /** And after some. */
  const after: Record<string, (password: string) => Promise<unknown> | unknown> = {
    'npm run add-charger -- CP-MINE': (password) => passwords.set('CP-MINE', password),
    'npm run simulate': () => end('npm run simulate'),
    'npx devsen chargers add CP-HOME': (password) => plugIn('CP-HOME', password, 1),
  };

  return {
    devsen,
    take: async (command) => {
      for (const [start, act] of Object.entries(before)) if (command.line.startsWith(start)) await act();
      const [words, values] = [await fill(command.words), await fill(Object.values(command.env))];
      const env = Object.fromEntries(Object.keys(command.env).map((name, i) => [name, values[i] ?? '']));
      const said = await run({ ...command, words, env });
      const password = /password +([0-9a-f]{40})/.exec(said.out)?.[1] ?? '';
      for (const [start, act] of Object.entries(after)) if (command.line.startsWith(start)) await act(password);
      return said;
    },
    close: async () => {
      await Promise.all(chargers.map((charger) => charger.close()));
      await end('');
    },
  };
}
