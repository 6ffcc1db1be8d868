import { join } from 'node:path';
import type { NetworkAddresses, NetworkKeys } from './local-state.ts';
import type { ProcessPlan } from './supervisor.ts';

/** What the processes of a local network have in common. */
export interface LocalPlaces {
  dir: string;
  rpcUrl: string;
  redisUrl: string;
  addresses: NetworkAddresses;
  keys: NetworkKeys;
  ports: LocalPorts;
  gatewayAccount: string;
  operatorAccounts: string[];
  /** The gateway's settings that are not to be as usual. */
  gatewaySettings?: Readonly<Record<string, string>>;
  /** The operators' settings that are not to be as usual. */
  operatorSettings?: Readonly<Record<string, string>>;
}

export interface LocalPorts {
  chain: number;
  redis: number;
  gateway: number;
  gatewayAdmin: number;
  operators: { adapter: number; jobs: number }[];
}

const ROOT = join(import.meta.dirname, '..');
/** How often services look at the local chain, ms: its blocks come when there is a tx. */
const CHAIN_POLL_MS = '400';
/** So that an operator that is away is not waited for long, s. */
export const SETTLE_SLOT_SEC = 10;

/** Runs one of the network's own TypeScript files. */
export function nodePlan(name: string, script: string, args: string[], env: Record<string, string>): ProcessPlan {
  return {
    name,
    command: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', join(ROOT, script), ...args],
    env,
    // Where Hardhat finds its configuration.
    cwd: ROOT,
  };
}

/** The local chain on the loopback interface. */
export function chainPlan(ports: LocalPorts): ProcessPlan {
  return nodePlan('chain', 'network/local-chain.ts', [String(ports.chain)], {});
}

export function gatewayPlan(places: LocalPlaces): ProcessPlan {
  return nodePlan('gateway', 'ocpp-gateway/main.ts', [], gatewayEnv(places));
}

/** What the gateway is told. */
export function gatewayEnv(places: LocalPlaces): Record<string, string> {
  const { keys, ports } = places;
  return {
    GATEWAY_PORT: String(ports.gateway),
    // On this machine, or in the network of its containers, only.
    ALLOW_PLAIN_WS: 'true',
    GATEWAY_ADMIN_PORT: String(ports.gatewayAdmin),
    REDIS_URL: places.redisUrl,
    REDIS_DURABILITY: 'refuse',
    RPC_URL: places.rpcUrl,
    CHAIN_POLL_MS,
    ORACLE_ADDRESS: places.addresses.oracle,
    GATEWAY_ACCOUNT: places.gatewayAccount,
    GATEWAY_KEY: keys.gateway,
    IDTAG_PEPPER: keys.idTagPepper,
    HEARTBEAT_INTERVAL_SEC: '60',
    ...places.gatewaySettings,
  };
}

/** The name of the n-th operator, 0 … */
export function operatorName(n: number): string {
  return `operator-${n + 1}`;
}

/** Where the n-th operator keeps its databases and its filled-in job specs. */
export function operatorDir(dir: string, n: number): string {
  return join(dir, operatorName(n));
}

/** @param script - what runs as the operator: `network/operator.ts`, or a test's own */
export function operatorPlan(places: LocalPlaces, n: number, script = 'network/operator.ts'): ProcessPlan {
  return nodePlan(operatorName(n), script, [], operatorEnv(places, n));
}

/** What the n-th operator is told, 0 … */
export function operatorEnv(places: LocalPlaces, n: number): Record<string, string> {
  const dir = operatorDir(places.dir, n);
  const keys = places.keys.operators[n];
  const ports = places.ports.operators[n];
  const account = places.operatorAccounts[n];
  if (!keys || !ports || !account) throw new RangeError(`there is no operator ${n}`);
  return {
    OPERATOR_ACCOUNT: account,
    REDIS_URL: places.redisUrl,
    RPC_URL: places.rpcUrl,
    CHAIN_POLL_MS,
    ORACLE_ADDRESS: places.addresses.oracle,
    ADAPTER_PORT: String(ports.adapter),
    ADAPTER_DATABASE: join(dir, 'adapter.sqlite'),
    BRIDGE_URL: `http://127.0.0.1:${ports.adapter}/`,
    BRIDGE_TOKEN: keys.bridgeToken,
    IDTAG_PEPPER: places.keys.idTagPepper,
    SIGNING_KEY: keys.signing,
    SIGNING_KEY_ALLOWED: 'true',
    SETTLE_SLOT_SEC: String(SETTLE_SLOT_SEC),
    JOBS_DIR: join(dir, 'jobs'),
    JOBS_DATABASE: join(dir, 'jobs.sqlite'),
    JOBS_PORT: String(ports.jobs),
    JOBS_TOKEN: keys.jobsToken,
    NODE_KEY: keys.node,
    NODE_KEY_ALLOWED: 'true',
    ...places.operatorSettings,
  };
}

/** @param file - what `network/chargers.ts` reads */
export function chargersPlan(file: string): ProcessPlan {
  return nodePlan('chargers', 'network/chargers.ts', [file], {});
}
