import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DevsenError } from '../core/errors.ts';

/** Where a network is and who is in it; nothing secret. */
export interface NetworkState {
  /** The process that runs the network; 0 where no single one does, as with containers. */
  pid: number;
  startedAt: string;
  rpcUrl: string;
  /** Where chargers connect, without the identity. */
  gatewayUrl: string;
  gatewayAdminUrl: string;
  /** Chain of contracts, lower case. */
  addresses: NetworkAddresses;
  operators: OperatorPlace[];
  chargers: { identity: string; connectors: number }[];
}

export interface NetworkAddresses {
  link: string;
  users: string;
  factory: string;
  oracle: string;
  payment: string;
  token: string;
  rewards: string;
  /** The example consumer, through which `npm run ask` asks. */
  consumer: string;
}

export interface OperatorPlace {
  name: string;
  /** Its account in UserDEVSEN. */
  account: string;
  /** Its `Operator.sol`. */
  oracle: string;
  adapterUrl: string;
  jobsUrl: string;
}

/** The secrets of a local network, beside its state in a file that only its owner reads. */
export interface NetworkKeys {
  admin: string;
  manager: string;
  /** An occupant with tokens in the vault. */
  driver: string;
  asker: string;
  gateway: string;
  idTagPepper: string;
  operators: { account: string; signing: string; node: string; bridgeToken: string; jobsToken: string }[];
  /** AuthorizationKeys by identity, hex. */
  chargers: Record<string, string>;
}

/** Where `npm start` keeps its network. */
export const LOCAL_DIR = '.devsen/local';

const STATE_FILE = 'network.json';
const KEYS_FILE = 'keys.json';

export async function writeState(dir: string, state: NetworkState, keys: NetworkKeys): Promise<void> {
  await mkdir(dir, { recursive: true });
  await replace(join(dir, KEYS_FILE), keys);
  await replace(join(dir, STATE_FILE), state);
}

/** Forgets the network, so that nobody looks for it. */
export async function removeState(dir: string): Promise<void> {
  await rm(join(dir, STATE_FILE), { force: true });
}

/** The network that runs from this directory now; undefined if none does. */
export async function readState(dir: string): Promise<NetworkState | undefined> {
  const text = await readFile(join(dir, STATE_FILE), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const state = JSON.parse(text) as NetworkState;
  return state.pid === 0 || isAlive(state.pid) ? state : undefined;
}

/** @throws DevsenError `NOT_FOUND` if no network runs from this directory */
export async function readRunningNetwork(dir: string): Promise<{ state: NetworkState; keys: NetworkKeys }> {
  const state = await readState(dir);
  if (!state) throw new DevsenError('NOT_FOUND', 'no network is running here: start one with npm start');
  return { state, keys: JSON.parse(await readFile(join(dir, KEYS_FILE), 'utf8')) as NetworkKeys };
}

async function replace(path: string, value: unknown): Promise<void> {
  await writeFile(`${path}.new`, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
