import type { ChargerAccount } from './charger-account.ts';
import type { TransactionCount } from './checker.ts';
import { MISHAP_NAMES } from './mishaps.ts';

/** A time in which nothing was amiss. */
export interface CalmSlice {
  sec: number;
  /** Messages that chargers were acknowledged in it. */
  acknowledged: number;
}

/** What a soak has seen. */
export interface Seen {
  minutes: number;
  /** Between two blows, on average, ms. */
  meanMs: number;
  accounts: readonly Pick<ChargerAccount, 'identity' | 'acknowledged'>[];
  /** How often each mishap happened. */
  mishaps: Readonly<Record<string, number>>;
  calm: readonly CalmSlice[];
  transactions: TransactionCount;
  /** Complete transactions by charger. */
  completeOf: ReadonlyMap<string, number>;
}

/** Of a charger: those of its first boot, and then a fraction of the ten or so that a busy one has in a minute. */
const LEAST_MESSAGES = 3;
const LEAST_MESSAGES_PER_MIN = 2;
/** A car comes about every minute. */
const MINUTES_PER_TRANSACTION = 5;
/** A shorter one ends before those that lost their connection are back. */
const LEAST_SLICE_SEC = 5;
/** Messages in a calm second, of each charger: a sixteenth of the usual. */
const LEAST_PER_CHARGER_SEC = 0.01;
/** Cards may be refused at a gateway that began anew while the chain was away. */
const MOST_REFUSED_SHARE = 0.02;
const MOST_REFUSED = 3;

/** What a soak must have seen to say anything: one in which nothing happened finds nothing. */
export function whatDidNotHappen(seen: Seen): string[] {
  const { accounts, mishaps, transactions } = seen;
  return [
    ...(accounts.length === 0 ? ['there was no charger'] : []),
    ...(Object.keys(mishaps).length === 0 ? ['nothing went wrong in the time there was'] : missingMishaps(seen)),
    ...(transactions.complete === 0 ? ['no transaction was completed'] : []),
    ...quietChargers(seen),
    ...quietSlices(seen),
    ...refusedStarts(transactions),
  ];
}

/** Whether there is time for each mishap, twice over. */
export function isLongEnough({ minutes, meanMs }: Pick<Seen, 'minutes' | 'meanMs'>): boolean {
  return Math.ceil(minutes * 60_000) >= Math.floor(2 * MISHAP_NAMES.length * meanMs);
}

function missingMishaps(seen: Seen): string[] {
  const missing = MISHAP_NAMES.filter((name) => seen.mishaps[name] === undefined);
  return missing.length > 0 && isLongEnough(seen) ? [`never happened: ${missing.join(', ')}`] : [];
}

function quietChargers({ accounts, minutes, completeOf }: Seen): string[] {
  const leastMessages = Math.ceil(LEAST_MESSAGES + LEAST_MESSAGES_PER_MIN * minutes);
  const quiet = accounts.filter(({ acknowledged }) => acknowledged.length < leastMessages);
  const leastComplete = Math.floor(minutes / MINUTES_PER_TRANSACTION);
  const idle = accounts.filter(({ identity }) => (completeOf.get(identity) ?? 0) < leastComplete);
  return [
    ...(quiet.length > 0
      ? [
          `${quiet.length} chargers were acknowledged less than ${leastMessages} messages, such as ${quiet[0]?.identity}`,
        ]
      : []),
    ...(idle.length > 0
      ? [`${idle.length} chargers completed less than ${leastComplete} transactions, such as ${idle[0]?.identity}`]
      : []),
  ];
}

function quietSlices({ calm, accounts }: Seen): string[] {
  const long = calm.filter(({ sec }) => sec >= LEAST_SLICE_SEC);
  const leastOf = (sec: number) => Math.floor(sec * accounts.length * LEAST_PER_CHARGER_SEC);
  const quiet = long.filter(({ sec, acknowledged }) => acknowledged < leastOf(sec));
  const [first] = quiet;
  if (!first) return [];
  const { sec, acknowledged } = first;
  return [
    `in ${quiet.length} of ${long.length} calm times too little was said, such as ${acknowledged} messages in ${sec.toFixed(0)} s`,
  ];
}

function refusedStarts({ complete, refused }: TransactionCount): string[] {
  const number = [...refused.values()].reduce((sum, each) => sum + each, 0);
  const most = Math.max(MOST_REFUSED, MOST_REFUSED_SHARE * complete);
  return number > most ? [`${number} starts were not accepted, beside ${complete} complete transactions`] : [];
}
