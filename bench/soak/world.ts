import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureCards } from '../../network/cards.ts';
import { type LocalNetwork, startLocalNetwork } from '../../network/local-network.ts';
import { operatorDir, operatorName } from '../../network/local-plan.ts';
import { accountOf } from '../../network/local-setup.ts';
import { anyPorts } from '../../network/ports.ts';
import { describeExit } from '../../network/supervisor.ts';
import { startWatchdog } from '../../network/watchdog.ts';
import type { Dialect } from '../../simulator/dialect.ts';
import type { ChargerAccount } from './charger-account.ts';
import { type Crowd, passing, startCrowd } from './crowd.ts';
import { type LinkProxy, openLinkProxy } from './link-proxy.ts';
import { gatewayName, type Mishap } from './mishaps.ts';
import { startSecondGateway } from './second-gateway.ts';

export const OPERATORS = 4;
/** Chargers come to either by one address. */
export const GATEWAYS = 2;

/** A network under load, to which things happen. */
export interface World {
  accounts: readonly ChargerAccount[];
  /** Processes that ended though nobody asked them to. */
  deaths: readonly string[];
  acknowledged: () => number;
  online: () => number;
  /** Settles when it is mended. */
  suffer: (mishap: Mishap) => Promise<void>;
  /** The process of each part now. */
  pids: () => Map<string, number>;
  /** Lets every car leave, waits until the chargers have told all, and sends them away. @returns those that have not in time */
  calmDown: (limitMs: number) => Promise<string[]>;
  /** Each operator's database by its name. */
  files: () => { name: string; file: string }[];
  close: () => Promise<void>;
}

export interface WorldOptions {
  chargers: number;
  dialects: readonly Dialect[];
  /** How much faster cars come and go than they do otherwise; 1 is usual. */
  haste: number;
  random: () => number;
  withBuild: boolean;
  /** Whether what the network wrote stays. */
  isKept: boolean;
  tell: (line: string) => void;
}

const CARDS_PER_TX = 25;

export async function startWorld(options: WorldOptions): Promise<World> {
  const { chargers, random, tell } = options;
  const dir = await mkdtemp(join(tmpdir(), 'devsen-soak-'));
  const watchdog = startWatchdog();
  const deaths: string[] = [];
  const identities = Array.from({ length: chargers }, (_, n) => `SOAK-${n + 1}`);
  let network: LocalNetwork | undefined;
  let proxy: LinkProxy | undefined;
  let crowd: Crowd | undefined;
  const close = async () => {
    await crowd?.close();
    await proxy?.close();
    await network?.stop();
    await watchdog.close();
    if (options.isKept) tell(`what was written is in ${dir}`);
    else await rm(dir, { recursive: true, force: true });
  };
  try {
    // of one more operator, for the second gateway
    const { operators, ...others } = await anyPorts(OPERATORS + 1);
    const ports = { ...others, operators: operators.slice(0, OPERATORS) };
    const [spare] = operators.slice(OPERATORS);
    const second = { gateway: spare?.adapter ?? 0, gatewayAdmin: spare?.jobs ?? 0 };
    network = await startLocalNetwork({
      dir,
      watchdog,
      ports,
      chargers: identities.map((identity) => ({ identity, connectors: 1 })),
      withBuild: options.withBuild,
      withTraffic: false,
      step: async (what, work) => {
        const done = await work();
        tell(what);
        return done;
      },
      tell: () => {},
      onDeath: (exit) => {
        deaths.push(describeExit(exit));
        tell(describeExit(exit));
      },
    });
    const { keys, chain, state, fleet } = network;
    const idTagOf = (identity: string) => `T-${identity}`;
    const pepper = Buffer.from(keys.idTagPepper, 'hex');
    const cards = chunksOf(identities.map(idTagOf), CARDS_PER_TX);
    await Promise.all(cards.map((each) => ensureCards(chain.contracts, accountOf(keys.asker), each, pepper)));
    tell(`${chargers} cards given out`);
    await startSecondGateway(network, dir, ports, second);
    tell('second gateway is at work');
    const links = await openLinkProxy([ports.gateway, second.gateway]);
    proxy = links;
    const { dialects, haste } = options;
    const all = startCrowd({ url: links.url, keys: keys.chargers, identities, idTagOf, dialects, haste, random });
    crowd = all;
    tell(`${chargers} chargers started`);

    return {
      accounts: all.accounts,
      deaths,
      acknowledged: all.acknowledged,
      online: all.online,
      suffer: async (mishap) => {
        switch (mishap.kind) {
          case 'cut':
            for (const charger of all.some(mishap.share)) charger.powerCut();
            return;
          case 'silence':
            links.silence(mishap.share, mishap.swallowed, random);
            return;
          case 'powerFailure':
            for (const charger of all.some(mishap.share)) charger.powerFailure();
            return;
          case 'absence':
            return all.absent(mishap.share, mishap.awayMs);
          case 'kill':
            await fleet.kill(mishap.victim, 'SIGKILL');
            await passing(mishap.awayMs);
            return fleet.startAgain(mishap.victim);
          case 'freeze': {
            const pid = fleet.pidOf(mishap.victim);
            process.kill(pid, 'SIGSTOP');
            await passing(mishap.awayMs);
            process.kill(pid, 'SIGCONT');
          }
        }
      },
      pids: () => new Map(partNames().flatMap((name) => pidIn(fleet, name))),
      calmDown: async (limitMs) => {
        const late = await all.calmDown(limitMs);
        // what is silent would go on record minutes later
        links.cut();
        return late;
      },
      files: () => state.operators.map(({ name }, n) => ({ name, file: join(operatorDir(dir, n), 'adapter.sqlite') })),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Nothing while it is away. */
function pidIn({ pidOf }: LocalNetwork['fleet'], name: string): [string, number][] {
  try {
    return [[name, pidOf(name)]];
  } catch {
    return [];
  }
}

function chunksOf<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, n) => all.slice(n * size, (n + 1) * size));
}

function partNames(): string[] {
  const named = (count: number, nameOf: (n: number) => string) => Array.from({ length: count }, (_, n) => nameOf(n));
  return ['redis', ...named(GATEWAYS, gatewayName), ...named(OPERATORS, operatorName)];
}
