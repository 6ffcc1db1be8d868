import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { encryptKeystoreJson, Wallet } from 'ethers';
import { parse } from 'smol-toml';
import { DevsenError } from '../../core/errors.ts';
import { failWith } from '../failing.ts';
import { readState } from '../local-state.ts';
import { apiFile, configToml, readApiFile, secretsToml } from './config-files.ts';
import { loadChainlink } from './load.ts';
import { openChainlinkApi } from './node-api.ts';

const USAGE = `Has a Chainlink node (up to 2.47) run an operator's jobs in place of the built-in job node.

  node network/chainlink/main.ts load --url <url> --api <file> --jobs <folder> --bridge <url>
  node network/chainlink/main.ts config --dir <path> --network <path> --rpc-url <url> --ws-url <url>
      --database <host> --node-url <url>

load: signs in, makes the bridge "devsen", puts every job spec of the folder in, and says by which token the node shows
itself to the adapter, and which accounts it sends from. Done again, it does nothing twice.

  --url <url>             the node's API
  --api <file>            e-mail and password on a line each, as the node's own -a has it
  --jobs <folder>         specs that "npm run jobs -- fill" has written
  --bridge <url>          the adapter, as the node reaches it
  --keystore <file>       an account for the node to send from; its password in --keystore-password-file
  --settings <file>       where to write what the adapter is to be told then
  --replace               puts jobs in anew that are there
  --wait-sec <n>          how long to wait until the node is there (120)

config: for the local network of docker-compose.yml. Writes what the node and its PostgreSQL are told into the folder, with
new passwords, and the sender of an operator as a keystore. NODE_KEY is that sender's key.
`;

const PAUSE_MS = 1_000;
/** A keystore that is read once, on this machine: no need to make guessing its random password dear. */
const SCRYPT = { scrypt: { N: 1 << 12, r: 8, p: 1 } };
const FILES = { keystore: 'sender.json', password: 'sender-password', database: 'database-password' };

function readArguments() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      url: { type: 'string' },
      api: { type: 'string' },
      jobs: { type: 'string' },
      bridge: { type: 'string' },
      keystore: { type: 'string' },
      'keystore-password-file': { type: 'string' },
      settings: { type: 'string' },
      replace: { type: 'boolean', default: false },
      'wait-sec': { type: 'string', default: '120' },
      dir: { type: 'string' },
      network: { type: 'string' },
      'rpc-url': { type: 'string' },
      'ws-url': { type: 'string' },
      database: { type: 'string' },
      'node-url': { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  return { values, command: positionals[0] };
}

type Values = ReturnType<typeof readArguments>['values'];

function required(
  values: Values,
  name: 'url' | 'api' | 'jobs' | 'bridge' | 'dir' | 'network' | 'rpc-url' | 'ws-url' | 'database' | 'node-url',
): string {
  const value = values[name];
  if (value === undefined) throw new DevsenError('INPUT_INVALID', `--${name} is missing\n\n${USAGE}`);
  return value;
}

async function load(values: Values): Promise<void> {
  const [url, jobs, bridge] = [required(values, 'url'), required(values, 'jobs'), required(values, 'bridge')];
  const credentials = readApiFile(await readFile(required(values, 'api'), 'utf8'));
  if (credentials === undefined)
    throw new DevsenError('INPUT_INVALID', '--api: expected an e-mail and a password on a line each');
  if (!/^\d{1,6}$/.test(values['wait-sec']))
    throw new DevsenError('INPUT_INVALID', '--wait-sec expects a whole number');
  const files = (await readdir(jobs)).filter((name) => name.endsWith('.toml')).sort();
  const specs = await Promise.all(files.map((name) => readFile(join(jobs, name), 'utf8')));
  const [first] = specs;
  if (first === undefined) throw new DevsenError('INPUT_INVALID', `${jobs} holds no job spec`);
  const api = await openChainlinkApi(url, credentials, {
    waitMs: Number(values['wait-sec']) * 1_000,
    pauseMs: PAUSE_MS,
  });
  const loaded = await loadChainlink(api, {
    bridge: { name: 'devsen', url: bridge },
    specs,
    key: await readKey(values),
    chainId: String(parse(first).evmChainID),
    isReplacing: values.replace,
  });
  const adapterSettings = `JOB_NODE=chainlink\nBRIDGE_TOKEN=${loaded.bridgeToken}\nADAPTER_HOST=0.0.0.0\n`;
  if (values.settings !== undefined) await writeFile(values.settings, adapterSettings, { mode: 0o600 });
  const said = [
    ...loaded.added.map((name) => `put in: ${name}`),
    ...loaded.kept.map((name) => `there already: ${name}`),
    `sends from: ${loaded.senders.join(', ')}`,
    values.settings === undefined
      ? `BRIDGE_TOKEN of the adapter: ${loaded.bridgeToken}`
      : `told the adapter: ${values.settings}`,
  ];
  process.stdout.write(`${said.join('\n')}\n`);
}

async function readKey(values: Values) {
  if (values.keystore === undefined) return undefined;
  const keystore = await readFile(values.keystore, 'utf8');
  const passwordFile = values['keystore-password-file'];
  if (passwordFile === undefined) throw new DevsenError('INPUT_INVALID', '--keystore-password-file is missing');
  const [password = ''] = (await readFile(passwordFile, 'utf8')).split('\n');
  const { address } = JSON.parse(keystore) as { address?: string };
  return { keystore, password, address: `0x${String(address).replace(/^0x/i, '')}` };
}

async function config(values: Values): Promise<void> {
  const [dir, network] = [required(values, 'dir'), required(values, 'network')];
  const state = await readState(network);
  const nodeKey = process.env.NODE_KEY ?? '';
  if (state === undefined) throw new DevsenError('INPUT_INVALID', `${network} holds no network that is set up`);
  if (!/^(0x)?[0-9a-f]{64}$/i.test(nodeKey))
    throw new DevsenError('INPUT_INVALID', 'NODE_KEY: expected 32 bytes as hex digits');
  const random = () => randomBytes(24).toString('hex');
  const secrets = { databasePassword: random(), keystorePassword: random(), apiPassword: random() };
  const places = {
    chainId: '31337',
    rpcUrl: required(values, 'rpc-url'),
    wsUrl: required(values, 'ws-url'),
    linkAddress: state.addresses.link,
    databaseHost: required(values, 'database'),
    nodeUrl: required(values, 'node-url'),
  };
  const password = random();
  const { address, privateKey } = new Wallet(nodeKey);
  const keystore = await encryptKeystoreJson({ address, privateKey }, password, SCRYPT);
  await mkdir(dir, { recursive: true });
  const texts = {
    'config.toml': configToml(places),
    'secrets.toml': secretsToml(places, secrets),
    api: apiFile(secrets),
    [FILES.database]: secrets.databasePassword,
    [FILES.keystore]: keystore,
    [FILES.password]: password,
  };
  // Its readers run as users of their own images; only their containers see the folder.
  for (const [name, text] of Object.entries(texts)) await writeFile(join(dir, name), text, { mode: 0o644 });
  process.stdout.write(`written: ${Object.keys(texts).join(', ')}\n`);
}

async function main(): Promise<void> {
  const { values, command } = readArguments();
  if (values.help) return void process.stdout.write(USAGE);
  if (command === 'load') return load(values);
  if (command === 'config') return config(values);
  throw new DevsenError('INPUT_INVALID', `expected load or config\n\n${USAGE}`);
}

await main().catch(failWith);
