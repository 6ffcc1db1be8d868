import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { JsonRpcProvider } from 'ethers';
import { openProvider } from '../runtime/chain.ts';
import type { Entry } from './account.ts';
import { type Fleet, type Member, makeFleet } from './fleet.ts';
import { CHAIN_READY_BLOCK, hasReachedBlock, isHealthy } from './health.ts';
import {
  chainPlan,
  chargersPlan,
  gatewayPlan,
  type LocalPlaces,
  type LocalPorts,
  nodePlan,
  operatorName,
  operatorPlan,
} from './local-plan.ts';
import { localRedis } from './local-redis.ts';
import {
  accountOf,
  type ChargerPlan,
  deployLocal,
  type LocalChain,
  makeKeys,
  provisionLocal,
  writeChargersFile,
  writeJobSpecs,
} from './local-setup.ts';
import { type NetworkKeys, type NetworkState, removeState, writeState } from './local-state.ts';
import { readLogLine } from './service-log.ts';
import { describeExit, type Exit, type ProcessPlan, startProcess } from './supervisor.ts';
import type { Terminal } from './terminal.ts';
import type { Watchdog } from './watchdog.ts';

export interface LocalNetworkOptions {
  /** Where it keeps all it writes, an absolute path; emptied first. */
  dir: string;
  ports: LocalPorts;
  /** Guards every process of the network. */
  watchdog: Watchdog;
  chargers: readonly ChargerPlan[];
  /** Whether to compile the contracts first; else they must be compiled already. */
  withBuild: boolean;
  /** Whether virtual chargers run, with cars that come and go. */
  withTraffic: boolean;
  step: Terminal['step'];
  tell: (entry: Entry) => void;
  /** Told of each process that ended though nobody asked it to. */
  onDeath: (exit: Exit) => void;
  /** The gateway's settings that are not to be as usual. */
  gatewaySettings?: Readonly<Record<string, string>>;
  /** The operators' settings that are not to be as usual. */
  operatorSettings?: Readonly<Record<string, string>>;
  /** Each line that a process writes, for whoever wants to read it. */
  onLine?: (name: string, line: string) => void;
}

/** A network on this machine: its processes, its contracts and its people. */
export interface LocalNetwork {
  state: NetworkState;
  keys: NetworkKeys;
  provider: JsonRpcProvider;
  chain: LocalChain;
  fleet: Fleet;
  /**
   * Starts the n-th operator, 0 …, which has ended, and waits until it is at work.
   *
   * @param script - what runs as it from now on instead of the network's own; for tests
   */
  startOperator: (n: number, script?: string) => Promise<void>;
  /** Ends everything; the files stay. */
  stop: () => Promise<void>;
}

/** Sets a network up and starts it: chain, Redis, contracts, gateway, operators, chargers. */
export async function startLocalNetwork(options: LocalNetworkOptions): Promise<LocalNetwork> {
  const { dir, ports, chargers, step } = options;
  const { watchdog } = options;
  const fleet = makeFleet(watchdog, options.onDeath);
  let provider: JsonRpcProvider | undefined;
  const stop = async () => {
    provider?.destroy();
    await fleet.stop();
    await removeState(dir);
  };
  try {
    await rm(dir, { recursive: true, force: true });
    await mkdir(dir, { recursive: true });
    const rpcUrl = `http://127.0.0.1:${ports.chain}`;
    await Promise.all([
      options.withBuild && step('contracts compiled', () => compile(watchdog)),
      step('Redis is at work', async () =>
        fleet.start(listening(await localRedis(join(dir, 'redis'), ports.redis), options)),
      ),
      step('chain is at work', () =>
        fleet.start(member('ground', chainPlan(ports), () => hasReachedBlock(rpcUrl, CHAIN_READY_BLOCK), options)),
      ),
    ]);
    // The chain runs on this machine too, which may have much else to do.
    provider = await openProvider({ rpcUrl, pollingIntervalMs: 50, timeoutMs: 60_000 });
    const at = provider;
    const keys = makeKeys(ports.operators.length, chargers);
    const chain = await step('contracts deployed', () => deployLocal(at, dir, keys));
    const { addresses } = chain;
    const oracles = await step('operators, gateway, drivers and chargers registered', () =>
      provisionLocal(chain, keys, chargers),
    );
    await writeJobSpecs(
      dir,
      oracles,
      keys.operators.map(({ node }) => accountOf(node)),
      addresses.oracle,
      (await provider.getNetwork()).chainId,
    );

    const places: LocalPlaces = {
      dir,
      rpcUrl,
      redisUrl: `redis://127.0.0.1:${ports.redis}`,
      addresses,
      keys,
      ports,
      gatewayAccount: accountOf(keys.gateway),
      operatorAccounts: keys.operators.map(({ account }) => accountOf(account)),
      ...(options.gatewaySettings ? { gatewaySettings: options.gatewaySettings } : {}),
      ...(options.operatorSettings ? { operatorSettings: options.operatorSettings } : {}),
    };
    const gatewayAdminUrl = `http://127.0.0.1:${ports.gatewayAdmin}`;
    const state: NetworkState = {
      pid: process.pid,
      startedAt: new Date().toISOString(),
      rpcUrl,
      gatewayUrl: `ws://127.0.0.1:${ports.gateway}`,
      gatewayAdminUrl,
      addresses,
      operators: ports.operators.map(({ adapter, jobs }, n) => ({
        name: operatorName(n),
        account: places.operatorAccounts[n] ?? '',
        oracle: oracles[n] ?? '',
        adapterUrl: `http://127.0.0.1:${adapter}`,
        jobsUrl: `http://127.0.0.1:${jobs}`,
      })),
      chargers: chargers.map(({ identity, connectors }) => ({ identity, connectors })),
    };
    const startOperator = (n: number, script?: string) => {
      const { adapterUrl, jobsUrl } = state.operators[n] ?? {};
      const isReady = async () => (await isHealthy(`${adapterUrl}/health`)) && (await isHealthy(`${jobsUrl}/health`));
      return fleet.start(member('services', operatorPlan(places, n, script), isReady, options));
    };
    await Promise.all([
      step('gateway is at work', () =>
        fleet.start(member('services', gatewayPlan(places), () => isHealthy(`${gatewayAdminUrl}/health`), options)),
      ),
      step(`${ports.operators.length} operators are at work`, () =>
        Promise.all(state.operators.map((_, n) => startOperator(n))),
      ),
    ]);
    await writeState(dir, state, keys);
    if (options.withTraffic) {
      const file = join(dir, 'chargers.json');
      await writeChargersFile(file, state.gatewayUrl, chargers, keys);
      await fleet.start(member('chargers', chargersPlan(file), async () => true, options));
    }
    return { state, keys, provider, chain, fleet, startOperator, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Where what a process writes is kept. */
export function logFile(dir: string, name: string): string {
  return join(dir, `${name}.log`);
}

/** Who builds on whom. */
const STAGES = { ground: 0, services: 1, chargers: 2 } as const;
const READY_LIMIT_MS = 120_000;

function member(
  stage: keyof typeof STAGES,
  plan: ProcessPlan,
  isReady: Member['isReady'],
  options: LocalNetworkOptions,
): Member {
  return listening({ plan, stage: STAGES[stage], isReady, readyLimitMs: READY_LIMIT_MS }, options);
}

/** Reads along what the process writes, and keeps it in a file. */
function listening(found: Member, { dir, onLine, tell }: LocalNetworkOptions): Member {
  const { name } = found.plan;
  const file = createWriteStream(logFile(dir, name), { flags: 'a' });
  const read = (line: string) => {
    file.write(`${line}\n`);
    onLine?.(name, line);
    const entry = readLogLine(line);
    if (entry) tell(entry);
  };
  return { ...found, plan: { ...found.plan, onLine: read } };
}

/** Compiles what has changed since it was compiled last. */
async function compile(watchdog: Watchdog): Promise<void> {
  const plan = nodePlan('compiler', 'node_modules/hardhat/dist/src/cli.js', ['build', '--no-tests'], {});
  const exit = await (await startProcess(plan, watchdog)).exited;
  if (exit.code !== 0) throw new Error(describeExit(exit));
}
