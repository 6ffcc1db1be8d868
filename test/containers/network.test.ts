import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Wallet } from 'ethers';
import { Redis } from 'ioredis';
import { STATUS } from '../../core/status.ts';
import { partFolders } from '../../network/container-files.ts';
import type { LocalPorts } from '../../network/local-plan.ts';
import { anyPorts } from '../../network/ports.ts';
import { type Exit, type Supervised, startProcess } from '../../network/supervisor.ts';
import { startWatchdog, type Watchdog } from '../../network/watchdog.ts';
import { openProvider } from '../../runtime/chain.ts';
import { startCharger } from '../../simulator/charger.ts';
import { waitFor } from '../support/wait.ts';
import { execForm, ROOT, readCompose, readDockerfile } from './files.ts';

/** Somebody without rights: the user `nobody`, if this process may become it and it can read the repository. */
const NOBODY = 65_534;
const AS_NOBODY = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--no-new-privs'];
const [program = '', ...rights] = AS_NOBODY;
const isNobodyAble =
  spawnSync(program, [...rights, process.execPath, join(ROOT, 'network', 'set-up.ts'), '--help']).status === 0;
const START_LIMIT_MS = 120_000;

const { services } = readCompose();
let dir: string;
let ports: LocalPorts;
let watchdog: Watchdog;
const said = new Map<string, string[]>();

/** What a container is told, as it is on this machine, where all of them share one loopback interface. */
function here(word: string, n = 0): string {
  const operator = ports.operators[n];
  return word
    .replace(/^node$/, process.execPath)
    .replace('/network/shared', dir)
    .replace('/network/', `${dir}/`)
    .replace(/\/network$/, dir)
    .replace(/(?<=^|127\.0\.0\.1:)8545$/, `${ports.chain}`)
    .replace('chain:8545', `127.0.0.1:${ports.chain}`)
    .replace('redis:6379', `127.0.0.1:${ports.redis}`)
    .replace('gateway:9220', `127.0.0.1:${ports.gateway}`)
    .replace('127.0.0.1:9221', `127.0.0.1:${ports.gatewayAdmin}`)
    .replace('127.0.0.1:8080', `127.0.0.1:${operator?.adapter}`)
    .replace('127.0.0.1:6688', `127.0.0.1:${operator?.jobs}`);
}

/** The ports that a part may have to itself in a container, but not here. */
function ownPorts(name: string): Record<string, string> {
  if (name === 'gateway') return { GATEWAY_PORT: `${ports.gateway}`, GATEWAY_ADMIN_PORT: `${ports.gatewayAdmin}` };
  const own = ports.operators[placeOf(name)];
  if (!own) return {};
  const bridge = `http://127.0.0.1:${own.adapter}/`;
  return { ADAPTER_PORT: `${own.adapter}`, JOBS_PORT: `${own.jobs}`, BRIDGE_URL: bridge };
}

const placeOf = (name: string): number => Number(/^operator-(\d+)/.exec(name)?.[1] ?? 0) - 1;

/** Runs a service's command, or another in its place, as its container would. */
function start(name: string, words = [...(services[name]?.entrypoint ?? []), ...(services[name]?.command ?? [])]) {
  const [command = '', ...args] = [
    ...(isNobodyAble ? AS_NOBODY : []),
    ...words.map((word) => here(word, placeOf(name))),
  ];
  const lines: string[] = [];
  said.set(name, lines);
  const onLine = (line: string) => void lines.push(line);
  const env = { HOME: '/nonexistent', NODE_OPTIONS: '--disable-warning=ExperimentalWarning' };
  const plan = { name, command, args, cwd: ROOT, onLine };
  return startProcess({ ...plan, env: { ...env, ...services[name]?.environment, ...ownPorts(name) } }, watchdog);
}

const run = async (name: string, words?: string[]): Promise<Exit> => (await start(name, words)).exited;

/** Starts a service that stays, and waits until its own health check is content. */
async function startWell(name: string): Promise<Supervised> {
  const running = await start(name);
  const inImage =
    readDockerfile()
      .at(-1)
      ?.find((line) => line.name === 'HEALTHCHECK')?.rest ?? '[]';
  const check = services[name]?.healthcheck?.test?.slice(1) ?? execForm(inImage);
  const urls = check.flatMap((word) => here(word, placeOf(name)).match(/http:\S+/) ?? []);
  const isUp = () => running.hasExited() || Promise.all(urls.map((url) => fetch(url))).then(() => true);
  // A check is a process of its own: it takes the time from what is starting.
  await waitFor(isUp, { what: `${name} to listen`, timeoutMs: START_LIMIT_MS });
  await waitFor(() => running.hasExited() || run(`${name}-check`, check).then(({ code }) => code === 0), {
    what: `${name} to be well`,
    timeoutMs: START_LIMIT_MS,
  });
  if (running.hasExited()) throw new Error(`${name} has ended:\n${said.get(name)?.join('\n')}`);
  return running;
}

const settingsOf = (part: string) => readFileSync(join(dir, part, 'settings.env'), 'utf8');

/** Runs one of the tools and returns what it prints as JSON. */
async function tell(tool: string, ...args: string[]): Promise<Record<string, unknown>> {
  const exit = await run(tool, [...(services[tool]?.entrypoint ?? []), ...args, '--json']);
  expect({ code: exit.code, said: exit.code === 0 ? [] : said.get(tool) }).toEqual({ code: 0, said: [] });
  return JSON.parse(said.get(tool)?.at(-1) ?? '');
}

describe('a network of containers', () => {
  const operators = ['operator-1', 'operator-2', 'operator-3', 'operator-4'];

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'devsen-containers-'));
    ports = await anyPorts(operators.length);
    watchdog = startWatchdog();
    if (isNobodyAble) chownSync(dir, NOBODY, NOBODY);
    chmodSync(dir, 0o755);
    await startWell('chain');
  }, START_LIMIT_MS);

  afterAll(async () => {
    await watchdog.close();
    await rm(dir, { recursive: true, force: true });
  }, START_LIMIT_MS);

  it('is run by somebody without rights, who can write nothing but the volumes', async () => {
    if (!isNobodyAble) return;
    const probe = `const { accessSync, constants, readdirSync } = require('node:fs');
      const canWrite = (path) => { try { accessSync(path, constants.W_OK); return true; } catch { return false; } };
      const [root, volumes] = process.argv.slice(1);
      const inRoot = readdirSync(root).map((name) => root + '/' + name);
      console.log(JSON.stringify([process.getuid(), [root, ...inRoot].filter(canWrite), canWrite(volumes)]));`;
    await run('probe', ['node', '-e', probe, ROOT, dir]);
    expect(said.get('probe')).toEqual([JSON.stringify([NOBODY, [], true])]);
  });

  it('is set up once on a chain, and anew on a new one', async () => {
    const provider = await openProvider({ rpcUrl: `http://127.0.0.1:${ports.chain}` });
    // To go back to: another chain, as far as the parts can tell.
    const empty = await provider.send('evm_snapshot', []);
    expect(await run('setup')).toMatchObject({ code: 0 });
    const first = operators.map(settingsOf);
    for (const part of operators) expect(statSync(join(dir, part, 'settings.env')).mode & 0o777).toBe(0o600);

    expect(await run('setup')).toMatchObject({ code: 0 });
    expect(said.get('setup')).toEqual(['The network is there already']);
    expect(operators.map(settingsOf)).toEqual(first);

    writeFileSync(join(dir, 'operator-1', 'adapter.sqlite'), 'a record of the first network');
    expect(await provider.send('evm_revert', [empty])).toBe(true);
    provider.destroy();
    expect(await run('setup')).toMatchObject({ code: 0 });
    expect(operators.map(settingsOf)).not.toEqual(first);
    expect(readdirSync(join(dir, 'operator-1')).sort()).toEqual(['jobs', 'settings.env']);
  });

  it('has a Chainlink node told the sender of the operator for which it stands in', async () => {
    const { code } = await run('chainlink-config');
    expect({ code, said: code === 0 ? [] : said.get('chainlink-config') }).toEqual({ code: 0, said: [] });
    const fileOf = (name: string) => readFileSync(join(dir, 'chainlink', name), 'utf8');
    const sender = await Wallet.fromEncryptedJson(fileOf('sender.json'), fileOf('sender-password'));
    const [, key = ''] = /^NODE_KEY=(.+)$/m.exec(settingsOf('operator-1')) ?? [];
    expect(sender.address).toBe(new Wallet(key).address);
    expect(fileOf('secrets.toml')).toContain(fileOf('database-password'));
  });

  it('keeps what belongs to one operator out of what the others see', () => {
    const secretsOf = (part: string) =>
      [...settingsOf(part).matchAll(/^(?:NODE_KEY|BRIDGE_TOKEN|JOBS_TOKEN|GATEWAY_KEY)=(.+)$/gm)].map(
        ([, secret]) => secret,
      );
    const secrets = ['gateway', ...operators].flatMap(secretsOf);
    expect(secrets).toHaveLength(1 + 3 * operators.length);
    expect(new Set(secrets).size).toBe(secrets.length);
    expect(partFolders('/network', 4)).toEqual(
      Object.values(services.setup?.volumes ?? {})
        .map((mount) => mount.split(':')[1])
        .slice(1),
    );
  });

  it('answers a question on chain, agreed by its operators', async () => {
    const [server = '', ...settings] = services.redis?.command ?? [];
    const place = ['--port', `${ports.redis}`, '--bind', '127.0.0.1', '--dir', dir];
    await start('redis', [server, ...settings, ...place]);
    await waitFor(() => isRedisThere(ports.redis), { what: 'Redis to answer', timeoutMs: START_LIMIT_MS });
    await Promise.all(['gateway', ...operators].map(startWell));
    await start('chargers');
    const isHeard = () => said.get('chargers')?.some((line) => line.includes('"chargerId":"CP-ADA","connector":1'));
    await waitFor(isHeard, { what: 'CP-ADA to report a status', timeoutMs: START_LIMIT_MS });

    const added = await tell('add-charger', 'CP-MINE');
    expect(added).toMatchObject({ identity: 'CP-MINE', url: 'ws://127.0.0.1:9220/CP-MINE', subprotocol: 'ocpp1.6' });
    const url = `ws://127.0.0.1:${ports.gateway}`;
    const key = Buffer.from(String(added.password), 'hex');
    const charger = startCharger({ url, identity: 'CP-MINE', key, connectors: 1 });
    try {
      await waitFor(() => charger.isOnline(), { what: 'CP-MINE to be online', timeoutMs: START_LIMIT_MS });
      await charger.settled();
      const { outcome, agreed, operators: each } = await tell('ask', 'CP-MINE', '1');
      expect({ outcome, agreed }).toMatchObject({
        outcome: 'answered',
        agreed: { status: STATUS.Available, errorClass: 0, online: true },
      });
      const agreeing = (each as { name: string; isAgreed: boolean }[]).filter(({ isAgreed }) => isAgreed);
      expect(agreeing.length).toBeGreaterThanOrEqual(2);
      expect(operators).toEqual(expect.arrayContaining(agreeing.map(({ name }) => name)));
    } finally {
      await charger.close();
    }
  });
});

async function isRedisThere(port: number): Promise<boolean> {
  const client = new Redis(port, '127.0.0.1', {
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    return (await client.ping()) === 'PONG';
  } finally {
    client.disconnect();
  }
}
