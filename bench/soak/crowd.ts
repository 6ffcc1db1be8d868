import { makeCardPool } from '../../simulator/card-pool.ts';
import { type Charger, startCharger } from '../../simulator/charger.ts';
import { wallClock } from '../../simulator/clock.ts';
import type { Dialect } from '../../simulator/dialect.ts';
import { type Pace, startTraffic } from '../../simulator/traffic.ts';
import { type ChargerAccount, makeAccount, note } from './charger-account.ts';

/** Chargers with cars that come and go, each with an account of what it was told. */
export interface Crowd {
  accounts: readonly ChargerAccount[];
  acknowledged: () => number;
  online: () => number;
  /** A share of the chargers, drawn at random. */
  some: (share: number) => Charger[];
  /** Takes a share of the chargers off the network for a time. Settles when they may come back. */
  absent: (share: number, awayMs: number) => Promise<void>;
  /** Lets every car leave; a charger that has told all goes. @returns those that have not told all in time */
  calmDown: (limitMs: number) => Promise<string[]>;
  close: () => Promise<void>;
}

export interface CrowdOptions {
  url: string;
  /** By identity, hex. */
  keys: Readonly<Record<string, string>>;
  identities: readonly string[];
  idTagOf: (identity: string) => string;
  dialects: readonly Dialect[];
  /** How much faster cars come and go than they do otherwise; 1 is usual. */
  haste: number;
  random: () => number;
}

const LEAST_ANSWER_MS = 5_000;

export function startCrowd(options: CrowdOptions): Crowd {
  const { identities, random, haste } = options;
  const accounts = identities.map(makeAccount);
  const running = accounts.map((account, n) => {
    const { identity } = account;
    const charger = startCharger({
      url: options.url,
      identity,
      key: Buffer.from(options.keys[identity] ?? '', 'hex'),
      connectors: 1,
      random,
      dialect: options.dialects[n % options.dialects.length] as Dialect,
      timings: timingsAt(haste),
      meterIntervalMs: Math.round(10_000 / haste),
      watch: (happening) => note(account, happening),
    });
    // a driver for each charger: nobody is at two of them at once
    const cards = makeCardPool([options.idTagOf(identity)], random);
    return { charger, traffic: startTraffic(charger, 1, cards, paceAt(haste), wallClock, random) };
  });
  const away = new Set<Charger>();
  const some = (share: number) => running.flatMap(({ charger }) => (random() < share ? charger : []));

  async function untilTold(charger: Charger): Promise<void> {
    // a card that was just presented may still begin a transaction
    do {
      charger.act(1, { kind: 'stop', reason: 'Local' });
      await charger.settled();
      await new Promise(setImmediate);
    } while (charger.connector(1).transaction || charger.waiting() > 0);
  }

  return {
    accounts,
    acknowledged: () => accounts.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0),
    online: () => running.filter(({ charger }) => charger.isOnline()).length,
    some,
    absent: async (share, awayMs) => {
      const gone = some(share).filter((charger) => !away.has(charger));
      for (const charger of gone) {
        away.add(charger);
        charger.setOffline(true);
      }
      await passing(awayMs);
      for (const charger of gone) {
        away.delete(charger);
        charger.setOffline(false);
      }
    },
    calmDown: async (limitMs) => {
      for (const { traffic } of running) traffic.close();
      const late = new Set(identities);
      const all = running.map(async ({ charger }) => {
        await untilTold(charger);
        late.delete(charger.identity);
        await charger.close();
      });
      const timer = new AbortController();
      await Promise.race([Promise.all(all), passing(limitMs, timer.signal)]);
      timer.abort();
      await Promise.all(
        running.filter(({ charger }) => late.has(charger.identity)).map(({ charger }) => charger.close()),
      );
      return [...late];
    },
    close: async () => {
      for (const { traffic } of running) traffic.close();
      await Promise.all(running.map(({ charger }) => charger.close()));
    },
  };
}

/** A car every minute or so at each connector. */
function paceAt(haste: number): Pace {
  const span = (leastMs: number, mostMs: number) => [leastMs / haste, mostMs / haste] as const;
  return {
    idleMs: span(2_000, 20_000),
    cardMs: span(1_000, 5_000),
    chargeMs: span(10_000, 60_000),
    leaveMs: span(1_000, 5_000),
    repairMs: span(2_000, 10_000),
    faultShare: 0.05,
  };
}

/** Chargers that never give a transaction message up. */
function timingsAt(haste: number) {
  return {
    connectTimeoutMs: 10_000,
    answerTimeoutMs: Math.max(LEAST_ANSWER_MS, 15_000 / haste),
    unansweredLimit: 2,
    retryMs: 1_000,
    attempts: 1_000_000,
    backoff: { firstMs: 500 / haste, longestMs: 8_000 / haste },
  };
}

/** Settles after a time, or at once when it is called off. */
export function passing(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
