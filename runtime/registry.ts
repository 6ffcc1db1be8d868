import { Contract, Interface, type Provider } from 'ethers';
import { ORACLE_ABI, USER_ABI } from '../core/abi.ts';
import { asChainError } from './chain.ts';
import type { Logger } from './log.ts';
import { followLogs, type LogFollower } from './log-follower.ts';

/** A node operator as UserDEVSEN knows it; addresses in lower case. */
export interface RegisteredOperator {
  account: string;
  /** The operator's own `Operator.sol`. */
  oracle: string;
  signingKey: string;
  active: boolean;
}

/** A gateway as UserDEVSEN knows it; addresses in lower case. */
export interface RegisteredGateway {
  account: string;
  /** Address of the key that signs its batches. */
  signingKey: string;
  active: boolean;
}

/** What the chain says about the network, as plain JSON: it can be kept, and handed in again at the next start. */
export interface RegistrySnapshot {
  /** `<chain id>:<OracleDEVSEN address, lower case>`. */
  network: string;
  users: string;
  factory: string;
  link: string;
  operators: RegisteredOperator[];
  gateways: RegisteredGateway[];
}

export interface Registry {
  network: string;
  snapshot: () => RegistrySnapshot;
  operators: () => RegisteredOperator[];
  gateways: () => RegisteredGateway[];
  /** Called after operators or gateways have changed. Returns the way to end it. */
  onChange: (listener: (snapshot: RegistrySnapshot) => void) => () => void;
  /** When the chain last confirmed the snapshot: Unix ms, 0 if it never did since the start. */
  lastReadAtMs: () => number;
  /** Whether the chain confirmed the snapshot within the last `maxAgeMs` (30 s if not given). */
  isFresh: (maxAgeMs?: number) => boolean;
  close: () => Promise<void>;
}

export interface WatchRegistryOptions {
  provider: Provider;
  /** OracleDEVSEN; the other contracts are read from it. */
  oracleAddress: string;
  log: Logger;
  /** Blocks that must stand on top before a change is taken in. */
  confirmations?: number;
  pollIntervalMs?: number;
  /** How often all is read anew whatever the logs say, ms: users expire without a log. */
  refreshIntervalMs?: number;
  /** Most rows asked for in one call. */
  pageRows?: number;
  /** What an earlier process read: with it a start succeeds while the chain is away. */
  restored?: RegistrySnapshot;
  /** Follows the logs of this process already; without it the registry starts its own. */
  follower?: LogFollower;
  /** Ends the wait for the first read. */
  signal?: AbortSignal;
  now?: () => number;
}

const USERS = new Interface(USER_ABI);
const REGISTRY_TOPICS = ['UserSet', 'OperatorSet', 'GatewaySet'].map((name) => USERS.getEvent(name)?.topicHash ?? name);
const RETRY_MS = 1_000;

/**
 * Watches who the chain says are the network's operators and gateways.
 *
 * Resolves after the first read, which it repeats until the chain answers, or at once from `restored`. From then on an
 * outage only makes the snapshot old, never empty.
 *
 * @throws DevsenError `CHAIN_UNAVAILABLE` if `signal` ends the wait
 */
export async function watchRegistry(options: WatchRegistryOptions): Promise<Registry> {
  const { provider, log, confirmations = 0, refreshIntervalMs = 60_000, pageRows = 100, now = Date.now } = options;
  const oracleAddress = options.oracleAddress.toLowerCase();
  const listeners = new Set<(snapshot: RegistrySnapshot) => void>();
  const follower =
    options.follower ??
    followLogs({
      provider,
      log,
      confirmations,
      ...(options.pollIntervalMs === undefined ? {} : { pollIntervalMs: options.pollIntervalMs }),
      now,
    });
  const network = `${(await provider.getNetwork()).chainId}:${oracleAddress}`;
  let readAtMs = 0;
  let isClosed = false;
  let current = options.restored?.network === network ? options.restored : undefined;

  let reading: Promise<void> | undefined;
  const readAgain = () => {
    reading ??= readRegistry(provider, oracleAddress, network, confirmations, pageRows)
      .then((next) => {
        readAtMs = now();
        const hasChanged = JSON.stringify(next) !== JSON.stringify(current);
        current = next;
        if (hasChanged) for (const listener of [...listeners]) listener(next);
      })
      .finally(() => {
        reading = undefined;
      });
    return reading;
  };

  if (current === undefined) {
    try {
      await untilRead(readAgain, log, options.signal);
    } catch (error) {
      if (options.follower === undefined) await follower.close();
      throw error;
    }
  }
  const known = (): RegistrySnapshot => current as RegistrySnapshot;
  follower.subscribe({ address: known().users, topics: [REGISTRY_TOPICS] }, async () => {
    // A read that is under way may have begun before these logs.
    await reading?.catch(() => undefined);
    await readAgain();
  });
  let retry: NodeJS.Timeout | undefined;
  const refresh = () => {
    clearTimeout(retry);
    readAgain().catch((error) => {
      log.debug({ err: asChainError(error) }, 'registry not read');
      if (!isClosed) retry = setTimeout(refresh, RETRY_MS);
    });
  };
  // Also closes the gap between the first read and the subscription.
  refresh();
  const timer = setInterval(refresh, refreshIntervalMs);

  const lastReadAtMs = () => (readAtMs === 0 ? 0 : Math.max(readAtMs, follower.lastReadAtMs()));
  return {
    network,
    snapshot: known,
    operators: () => known().operators,
    gateways: () => known().gateways,
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    lastReadAtMs,
    isFresh: (maxAgeMs = 30_000) => lastReadAtMs() > 0 && now() - lastReadAtMs() <= maxAgeMs,
    close: async () => {
      isClosed = true;
      clearInterval(timer);
      clearTimeout(retry);
      listeners.clear();
      if (options.follower === undefined) await follower.close();
      await reading?.catch(() => undefined);
    },
  };
}

async function untilRead(read: () => Promise<void>, log: Logger, signal?: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await read();
    } catch (error) {
      if (signal?.aborted) throw asChainError(error);
      if (attempt % 10 === 1) log.warn({ err: asChainError(error), attempt }, 'waiting for the network on chain');
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

/** Reads operators and gateways whole, page by page, all as of one block. */
async function readRegistry(
  provider: Provider,
  oracleAddress: string,
  network: string,
  confirmations: number,
  pageRows: number,
): Promise<RegistrySnapshot> {
  const at = { blockTag: Math.max(0, (await provider.getBlockNumber()) - confirmations) };
  const oracle = new Contract(oracleAddress, ORACLE_ABI, provider);
  const [users, factory, link] = await Promise.all(
    ['users', 'factory', 'link'].map(async (name) => lower(await oracle.getFunction(name)(at))),
  );
  const contract = new Contract(users as string, USERS, provider);
  const pages = async <Row>(name: string, rowOf: (row: Record<string, unknown>) => Row): Promise<Row[]> => {
    const total = Number(await contract.getFunction(`${name.slice(0, -1)}Count`)(at));
    const rows: Row[] = [];
    for (let offset = 0; offset < total; offset += pageRows) {
      const page: Record<string, unknown>[] = await contract.getFunction(name)(offset, pageRows, at);
      rows.push(...Array.from(page, rowOf));
    }
    return rows;
  };
  return {
    network,
    users: users as string,
    factory: factory as string,
    link: link as string,
    operators: await pages('operators', (row) => ({
      account: lower(row.account),
      oracle: lower(row.oracle),
      signingKey: lower(row.signingKey),
      active: Boolean(row.active),
    })),
    gateways: await pages('gateways', (row) => ({
      account: lower(row.account),
      signingKey: lower(row.signingKey),
      active: Boolean(row.active),
    })),
  };
}

function lower(address: unknown): string {
  return String(address).toLowerCase();
}
