import type { OcppVersion } from '../core/ocpp-version.ts';
import type { Command, CommandEnd } from './charger-calls.ts';
import type { ChargerLink } from './charger-link.ts';
import { makeConnectionChain } from './custody.ts';
import { makeStation, type Station, type StationFacts, type StationHouse } from './station.ts';
import { makeByteBudget } from './station-limits.ts';
import type { TokenBucket } from './token-bucket.ts';

/** What admission hands to the connection it lets in. */
export interface Admitted {
  identity: string;
  epoch: number;
  version: OcppVersion;
}

/** The chargers connected to this gateway: one socket each, the newer one wins. */
export interface Stations {
  add: (link: ChargerLink) => void;
  count: () => number;
  has: (identity: string) => boolean;
  identities: () => string[];
  /**
   * The chargers connected now, by identity.
   *
   * @param after - only those whose identity comes after it
   */
  list: (after: string, most: number) => StationFacts[];
  /** The version of OCPP a charger speaks; undefined if it is not connected. */
  versionOf: (identity: string) => OcppVersion | undefined;
  /** Has a charger carry out a command; undefined if it is not connected. */
  command: (identity: string, command: Command) => Promise<CommandEnd> | undefined;
  /** Closes a charger's connection, if it has one. */
  end: (identity: string, code: number, reason: string) => void;
  /** Closes a charger's connection if there is a newer one than it: that of `epoch`, at another gateway. */
  endOlder: (identity: string, epoch: number, code: number, reason: string) => void;
  /** Closes every connection; the chargers may come back at once. */
  endAll: (code: number, reason: string) => void;
  /** Answers what is in flight, no longer than `timeoutMs`, then closes every connection. */
  drain: (timeoutMs: number) => Promise<void>;
}

/** Of more chargers than that, who has sent how much is forgotten of the one that connected longest ago. */
const MOST_BUDGETS = 20_000;

export function openStations(house: StationHouse): Stations {
  const current = new Map<string, Station>();
  /** Also those that were replaced and whose sockets are not closed yet. */
  const all = new Set<Station>();
  /** Kept when a charger is gone: it must not have a new one by connecting anew. */
  const budgets = new Map<string, TokenBucket>();

  const budgetOf = (identity: string): TokenBucket => {
    const budget = budgets.get(identity) ?? makeByteBudget(house.limits, house.tools.now());
    budgets.delete(identity);
    budgets.set(identity, budget);
    if (budgets.size > MOST_BUDGETS) budgets.delete(budgets.keys().next().value as string);
    return budget;
  };

  const add = (link: ChargerLink) => {
    const { identity, epoch, version } = link.session as Admitted;
    const older = current.get(identity);
    if (older !== undefined && older.epoch > epoch) {
      house.log.info({ chargerId: identity, epoch }, 'overtaken by a newer connection');
      link.onText(() => false);
      link.onTransportError(() => undefined);
      link.close(1008, 'replaced by a newer connection');
      return;
    }
    // The older connection's last event comes before the newer one's first.
    older?.end(1008, 'replaced by a newer connection');
    const station = makeStation(link, makeConnectionChain(identity, epoch), version, budgetOf(identity), house);
    current.set(identity, station);
    all.add(station);
    house.onConnected(identity, epoch);
    void station.closed.then(() => {
      all.delete(station);
      house.onGone(identity, epoch);
      if (current.get(identity) === station) current.delete(identity);
    });
  };

  return {
    add,
    count: () => current.size,
    has: (identity) => current.has(identity),
    identities: () => [...current.keys()],
    list: (after, most) => {
      const names = [...current.keys()].filter((identity) => identity > after).sort();
      return names.slice(0, most).flatMap((identity) => current.get(identity)?.facts() ?? []);
    },
    versionOf: (identity) => current.get(identity)?.version,
    end: (identity, code, reason) => current.get(identity)?.end(code, reason),
    endOlder: (identity, epoch, code, reason) => {
      const station = current.get(identity);
      if (station !== undefined && station.epoch < epoch) station.end(code, reason);
    },
    endAll: (code, reason) => {
      for (const station of [...all]) station.end(code, reason);
    },
    command: (identity, command) => current.get(identity)?.command(command),
    drain: async (timeoutMs) => {
      const { promise: timeout, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, timeoutMs);
      await Promise.race([Promise.all([...all].map((station) => station.drain())), timeout]);
      clearTimeout(timer);
      // One that was being let in when the draining began may come in between.
      while (all.size > 0) {
        for (const station of all) station.end(1001, 'gateway is going away');
        await Promise.all([...all].map((station) => station.closed));
      }
    },
  };
}
