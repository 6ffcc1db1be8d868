import type { AgreedUptime, EpochHistory, PerPot, RewardTerms, SettledSession } from './epoch-history.ts';

const ALL_BPS = 10_000n;

/** Fees of one account: an occupant's, or an owner's. Token base units. */
export interface AccountSums {
  account: string;
  fees: bigint;
  /** Of an occupant those of its dearest session, of an owner those of its busiest charger. */
  largest: bigint;
  weight: bigint;
  earned: bigint;
}

/** A charger for one of its owners. Token base units. */
export interface ChargerSums {
  device: string;
  owner: string;
  fees: bigint;
  /** Undefined until the oracles agreed on it. */
  uptime: { usableSec: bigint; excludedSec: bigint } | undefined;
  /** Its share of the pot, had it been up all the time. */
  whole: bigint;
  /** The part for the time in which it was up; 0 until that is known. */
  earned: bigint;
}

/** An epoch as it follows from its history. */
export interface EpochSums {
  counted: SettledSession[];
  /** Sessions that may count and that nobody has brought in. */
  uncounted: SettledSession[];
  budgets: PerPot;
  weights: PerPot;
  /** What the pots pay: as they were fixed if that follows, else as it would follow now. */
  granted: PerPot;
  occupants: AccountSums[];
  owners: AccountSums[];
  chargers: ChargerSums[];
}

/** Works an epoch out anew. What the contract says about it is used only for which sessions were brought in in time. */
export function sumEpoch(history: EpochHistory, terms: RewardTerms): EpochSums {
  const mayCount = history.settled.filter(({ token, fee }) => token === terms.token && fee > 0n);
  const broughtIn = new Set(history.counted.flatMap(({ key, isInTime }) => (isInTime ? [key] : [])));
  const counted = mayCount.filter(({ key }) => broughtIn.has(key));
  const budgets = perPot((pot) => budgetOf(history, pot));

  const chargers = totals(counted, ({ device, payee }) => pairOf(device, payee));
  const dearest = largestOf(counted.map(({ occupant, fee }) => [occupant, fee]));
  const busiest = largestOf([...chargers].map(([pair, fee]) => [ownerIn(pair), fee]));
  const occupants = accounts(
    totals(counted, ({ occupant }) => occupant),
    dearest,
  );
  const owners = accounts(
    totals(counted, ({ payee }) => payee),
    busiest,
  );
  const weights: PerPot = [
    sum(counted.map(({ fee }) => fee)),
    sum(occupants.map(({ weight }) => weight)),
    sum(owners.map(({ weight }) => weight)),
  ];
  const due = perPot((pot) => least((weights[pot] * terms.capBps) / ALL_BPS, budgets[pot]));
  const granted = grantedBy(due, history.closed, terms.tokenCap);
  const shareOf = (pot: 0 | 1 | 2, weight: bigint) => (weight === 0n ? 0n : (granted[pot] * weight) / weights[pot]);
  const paid = (pot: 1 | 2) => (one: Omit<AccountSums, 'earned'>) => ({ ...one, earned: shareOf(pot, one.weight) });
  return {
    counted,
    uncounted: mayCount.filter(({ key }) => !broughtIn.has(key)),
    budgets,
    weights,
    granted,
    occupants: occupants.map(paid(1)),
    owners: owners.map(paid(2)),
    chargers: [...chargers].map(([pair, fees]) => {
      const device = deviceIn(pair);
      const uptime = history.uptimes.find((each) => each.device === device);
      const whole = shareOf(0, fees);
      return { device, owner: ownerIn(pair), fees, uptime, whole, earned: upPart(whole, uptime, terms.epochSec) };
    }),
  };
}

/**
 * What the pots pay. Where the token's cap left too little, all of them shrink by the same part: to what was there, which
 * nobody logs. So what the contract fixed stands if there is an amount that gives it, to the last unit, and if all that could be
 * minted then was minted.
 */
function grantedBy(due: PerPot, closed: EpochHistory['closed'], tokenCap: bigint): PerPot {
  if (closed === undefined) return due;
  const { granted, supplyAfter } = closed;
  const total = sum(due);
  const paid = sum(granted);
  // Each pot is rounded down: what is paid can be two units less than what was there.
  if (paid >= total || tokenCap - supplyAfter > 2n) return due;
  const follows = [paid, paid + 1n, paid + 2n].some((there) =>
    due.every((amount, pot) => (amount * there) / total === granted[pot]),
  );
  return follows ? granted : due;
}

function upPart(whole: bigint, uptime: AgreedUptime | undefined, epochSec: bigint): bigint {
  if (uptime === undefined) return 0n;
  return (whole * least(uptime.usableSec + uptime.excludedSec, epochSec)) / epochSec;
}

/** The last one set that holds from this epoch on or from an earlier one. */
function budgetOf({ budgets, epoch }: EpochHistory, pot: number): bigint {
  const held = budgets.filter((each) => each.pot === pot && each.fromEpoch <= epoch);
  return held.at(-1)?.amount ?? 0n;
}

function totals(sessions: readonly SettledSession[], keyOf: (one: SettledSession) => string): Map<string, bigint> {
  const found = new Map<string, bigint>();
  for (const one of sessions) found.set(keyOf(one), (found.get(keyOf(one)) ?? 0n) + one.fee);
  return found;
}

function largestOf(amounts: readonly (readonly [string, bigint])[]): Map<string, bigint> {
  const found = new Map<string, bigint>();
  for (const [account, amount] of amounts) if (amount > (found.get(account) ?? 0n)) found.set(account, amount);
  return found;
}

function accounts(fees: ReadonlyMap<string, bigint>, largest: ReadonlyMap<string, bigint>) {
  return [...fees].map(([account, all]) => {
    const most = largest.get(account) ?? 0n;
    return { account, fees: all, largest: most, weight: all - most };
  });
}

/** A charger and an owner as one key. */
export const pairOf = (device: string, owner: string) => `${device} ${owner}`;
const deviceIn = (pair: string) => pair.split(' ')[0] ?? '';
const ownerIn = (pair: string) => pair.split(' ')[1] ?? '';
const least = (a: bigint, b: bigint) => (a < b ? a : b);
const sum = (amounts: readonly bigint[]) => amounts.reduce((all, one) => all + one, 0n);
const perPot = (make: (pot: 0 | 1 | 2) => bigint): PerPot => [make(0), make(1), make(2)];
