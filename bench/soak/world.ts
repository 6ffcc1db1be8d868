import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureCards } from '../../network/cards.ts';
import { type LocalNetwork, startLocalNetwork } from '../../network/local-network.ts';
import { operatorDir } from '../../network/local-plan.ts';
import { accountOf } from '../../network/local-setup.ts';
import { anyPorts } from '../../network/ports.ts';
import { describeExit } from '../../network/supervisor.ts';
import { startWatchdog } from '../../network/watchdog.ts';
import { makeCardPool } from '../../simulator/card-pool.ts';
import { type Charger, startCharger } from '../../simulator/charger.ts';
import { wallClock } from '../../simulator/clock.ts';
import type { Dialect } from '../../simulator/dialect.ts';
import { type Pace, startTraffic } from '../../simulator/traffic.ts';
import { type ChargerAccount, makeAccount, note } from './charger-account.ts';
import type { Mishap } from './mishaps.ts';

export const OPERATORS = 4;

/** A network under load, to which things happen. */
export interface World {
  accounts: readonly ChargerAccount[];
  /** Processes that ended though nobody asked them to. */
  deaths: readonly string[];
  acknowledged: () => number;
  online: () => number;
  suffer: (mishap: Mishap) => Promise<void>;
  /** The process of each part now. */
  pids: () => Map<string, number>;
  /** Lets every car leave, and waits until the chargers have told all. @returns those that have not in time */
  calmDown: (limitMs: number) => Promise<string[]>;
  /** Each operator's database by its name. */
  records: () => { name: string; file: string }[];
  close: () => Promise<void>;
}

export interface WorldOptions {
  chargers: number;
  dialects: readonly Dialect[];
  random: () => number;
  withBuild: boolean;
  tell: (line: string) => void;
}

/** A car every minute or so at each connector. */
const PACE: Pace = {
  idleMs: [2_000, 20_000],
  cardMs: [1_000, 5_000],
  chargeMs: [10_000, 60_000],
  leaveMs: [1_000, 5_000],
  repairMs: [2_000, 10_000],
  faultShare: 0.05,
};

/** Chargers that never give a transaction message up. */
const TIMINGS = {
  connectTimeoutMs: 10_000,
  answerTimeoutMs: 15_000,
  unansweredLimit: 2,
  retryMs: 1_000,
  attempts: 1_000_000,
  backoff: { firstMs: 500, longestMs: 8_000 },
};

export async function startWorld({ chargers, dialects, random, withBuild, tell }: WorldOptions): Promise<World> {
  const dir = await mkdtemp(join(tmpdir(), 'devsen-soak-'));
  const watchdog = startWatchdog();
  const deaths: string[] = [];
  const identities = Array.from({ length: chargers }, (_, n) => `SOAK-${n + 1}`);
  let network: LocalNetwork | undefined;
  const running: { charger: Charger; traffic: { close: () => void } }[] = [];
  const close = async () => {
    for (const { traffic } of running) traffic.close();
    await Promise.all(running.map(({ charger }) => charger.close()));
    await network?.stop();
    await watchdog.close();
    await rm(dir, { recursive: true, force: true });
  };
  try {
    network = await startLocalNetwork({
      dir,
      watchdog,
      ports: await anyPorts(OPERATORS),
      chargers: identities.map((identity) => ({ identity, connectors: 1 })),
      withBuild,
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
    // a driver for each charger: nobody is at two of them at once
    const cards = chunksOf(identities.map(idTagOf), 25);
    await Promise.all(cards.map((each) => ensureCards(chain.contracts, accountOf(keys.asker), each, pepper)));
    tell(`${chargers} cards given out`);
    const accounts = identities.map(makeAccount);
    for (const [n, account] of accounts.entries()) {
      const { identity } = account;
      const charger = startCharger({
        url: state.gatewayUrl,
        identity,
        key: Buffer.from(keys.chargers[identity] ?? '', 'hex'),
        connectors: 1,
        random,
        dialect: dialects[n % dialects.length] as Dialect,
        timings: TIMINGS,
        meterIntervalMs: 10_000,
        watch: (happening) => note(account, happening),
      });
      running.push({
        charger,
        traffic: startTraffic(charger, 1, makeCardPool([idTagOf(identity)], random), PACE, wallClock, random),
      });
    }
    tell(`${chargers} chargers started`);

    return {
      accounts,
      deaths,
      acknowledged: () => accounts.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0),
      online: () => running.filter(({ charger }) => charger.isOnline()).length,
      suffer: async (mishap) => {
        if (mishap.kind === 'cut') {
          for (const { charger } of running) if (random() < mishap.share) charger.powerCut();
          return;
        }
        if (mishap.kind === 'kill') {
          await fleet.kill(mishap.victim, 'SIGKILL');
          await passing(mishap.awayMs);
          await fleet.startAgain(mishap.victim);
          return;
        }
        const pid = fleet.pidOf(mishap.victim);
        process.kill(pid, 'SIGSTOP');
        await passing(mishap.awayMs);
        process.kill(pid, 'SIGCONT');
      },
      pids: () => {
        const found = new Map<string, number>();
        for (const name of partNames()) {
          try {
            found.set(name, fleet.pidOf(name));
          } catch {
            // it is away
          }
        }
        return found;
      },
      calmDown: async (limitMs) => {
        for (const { traffic } of running) traffic.close();
        const late = new Set(identities);
        const all = running.map(async ({ charger }) => {
          // a card that was just presented may still begin a transaction
          do {
            charger.act(1, { kind: 'stop', reason: 'Local' });
            await charger.settled();
            await new Promise(setImmediate);
          } while (charger.connector(1).transaction || charger.waiting() > 0);
          late.delete(charger.identity);
        });
        await Promise.race([Promise.all(all), passing(limitMs)]);
        return [...late];
      },
      records: () =>
        state.operators.map(({ name }, n) => ({ name, file: join(operatorDir(dir, n), 'adapter.sqlite') })),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function chunksOf<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, n) => all.slice(n * size, (n + 1) * size));
}

function partNames(): string[] {
  return ['gateway', 'redis', ...Array.from({ length: OPERATORS }, (_, n) => `operator-${n + 1}`)];
}

function passing(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
