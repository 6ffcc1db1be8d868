import { energyLimitWh, type Tariff } from '../core/tariff.ts';
import type { Logger } from '../runtime/log.ts';
import { isLately } from './lately.ts';

/** What the chain would have the user of a card pay with at a charger. */
export interface CardBudget {
  tariff: Tariff;
  /** Most that one session would lock, base units of the tariff's token. */
  amount: bigint;
  /** Greatest power of each connector, W. */
  powersW: readonly number[];
}

/**
 * How much energy the user of a card can pay for.
 *
 * - `unlimited`: as much as there is: energy costs nothing there, or the charger has no tariff
 * - `nothing`: none at all
 * - `unknown`: the chain cannot be asked
 */
export type CardLimit = { limitWh: number } | 'unlimited' | 'nothing' | 'unknown';

export interface CardBudgets {
  /**
   * Asked before a session it answers the session after at once. Never rejects.
   *
   * @param card - its commitment
   * @param connector - undefined if it is not known yet: what time costs is then left out
   */
  limitOf: (charger: string, card: string, connector: number | undefined) => Promise<CardLimit>;
}

export interface CardBudgetsOptions {
  /** Asks the chain; `unlimited` if the charger has no tariff. Rejects if the chain is away. */
  read: (charger: string, card: string) => Promise<CardBudget | 'unlimited' | 'nothing'>;
  log: Logger;
  now: () => number;
}

/** What a session costs is on chain only when it is over: what was read a moment ago is as good as what would be read now. */
const MAX_AGE_MS = 60_000;
/** A driver who could pay for nothing may be at the charger, and pay in. */
const NOTHING_MAX_AGE_MS = 5_000;
const MOST_REMEMBERED = 10_000;
const PAUSE_AFTER_FAILURE_MS = 2_000;

type Read = CardBudget | 'unlimited' | 'nothing' | 'unknown';

export function makeCardBudgets({ read, log, now }: CardBudgetsOptions): CardBudgets {
  /** By charger and card; the oldest first. */
  const known = new Map<string, { budget: Promise<Read>; readAtMs: number; maxAgeMs: number }>();
  let failedAtMs = 0;

  const ask = (key: string, charger: string, card: string): Promise<Read> => {
    const entry = { budget: read(charger, card) as Promise<Read>, readAtMs: now(), maxAgeMs: MAX_AGE_MS };
    entry.budget = entry.budget.then(
      (budget) => {
        if (budget === 'nothing') entry.maxAgeMs = NOTHING_MAX_AGE_MS;
        return budget;
      },
      (error) => {
        failedAtMs = now();
        if (known.get(key) === entry) known.delete(key);
        log.warn({ err: error, chargerId: charger }, 'budget of a card not looked up, chain is away');
        return 'unknown';
      },
    );
    known.delete(key);
    if (known.size >= MOST_REMEMBERED) known.delete(known.keys().next().value as string);
    known.set(key, entry);
    return entry.budget;
  };

  return {
    limitOf: async (charger, card, connector) => {
      const key = JSON.stringify([charger, card]);
      const last = known.get(key);
      if (last !== undefined && isLately(last.readAtMs, last.maxAgeMs, now()))
        return limitIn(await last.budget, connector);
      const isPaused = isLately(failedAtMs, PAUSE_AFTER_FAILURE_MS, now());
      return isPaused ? 'unknown' : limitIn(await ask(key, charger, card), connector);
    },
  };
}

/** Without the power of its connector the contract leaves time out, too. */
function limitIn(budget: Read, connector: number | undefined): CardLimit {
  if (typeof budget === 'string') return budget;
  const { tariff, amount, powersW } = budget;
  const powerW = connector === undefined ? 0 : (powersW[connector - 1] ?? 0);
  const limitWh = energyLimitWh(tariff, amount, powerW);
  if (limitWh === undefined) return 'unlimited';
  return limitWh === 0n ? 'nothing' : { limitWh: Number(limitWh) };
}
