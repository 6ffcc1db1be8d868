import { type EpochHistory, type PerPot, POTS } from './epoch-history.ts';
import { type AccountSums, type EpochSums, pairOf } from './epoch-sums.ts';

/** What `RewardsDEVSEN` holds about an epoch now. Missing entries are zero. */
export interface ContractFigures {
  budgets: PerPot;
  weights: PerPot;
  granted: PerPot;
  occupants: ReadonlyMap<string, { fees: bigint; largest: bigint }>;
  owners: ReadonlyMap<string, { fees: bigint; largest: bigint }>;
  /** By `pairOf(device, owner)`. */
  deviceFees: ReadonlyMap<string, bigint>;
}

/** A figure that is not what the logs say it must be. */
export interface Difference {
  figure: string;
  recomputed: string;
  contract: string;
}

/** Where the contract's figures, and what it paid, are not what follows from the logs; empty if all of them are. */
export function findDifferences(history: EpochHistory, sums: EpochSums, said: ContractFigures): Difference[] {
  const found: Difference[] = [];
  const compare = (figure: string, recomputed: bigint | string, contract: bigint | string) => {
    if (recomputed !== contract) found.push({ figure, recomputed: `${recomputed}`, contract: `${contract}` });
  };
  checkCounted(history, sums, compare);
  for (const [pot, name] of POTS.entries() as ArrayIterator<[0 | 1 | 2, string]>) {
    compare(`budget of ${name}`, sums.budgets[pot], said.budgets[pot]);
    compare(`weights of ${name}`, sums.weights[pot], said.weights[pot]);
    compare(`granted for ${name}`, history.closed === undefined ? 0n : sums.granted[pot], said.granted[pot]);
    if (history.closed) compare(`logged as granted for ${name}`, sums.granted[pot], history.closed.granted[pot]);
  }
  for (const { device, usableSec, excludedSec, ledger } of history.uptimes) {
    const agreed = ledger === undefined ? 'nothing agreed' : uptimeText(ledger);
    compare(`uptime of ${device}`, agreed, uptimeText({ usableSec, excludedSec }));
  }
  checkAccounts(history, 1, sums.occupants, said.occupants, compare);
  checkAccounts(history, 2, sums.owners, said.owners, compare);
  checkChargers(history, sums, said, compare);
  return found;
}

type Compare = (figure: string, recomputed: bigint | string, contract: bigint | string) => void;

/** Each session that counts is one that the vault settled in the epoch, with these figures, and counts once. */
function checkCounted({ counted }: EpochHistory, sums: EpochSums, compare: Compare): void {
  const mayCount = new Map([...sums.counted, ...sums.uncounted].map((one) => [one.key, one]));
  const seen = new Set<string>();
  for (const { key, device, occupant, owner, fee, isInTime } of counted) {
    const settled = mayCount.get(key);
    const own = settled && `${settled.device} ${settled.occupant} ${settled.payee} ${settled.fee}`;
    compare(`session ${key}`, own ?? 'none that may count', `${device} ${occupant} ${owner} ${fee}`);
    compare(`session ${key}`, 'counted in time', isInTime ? 'counted in time' : 'counted too late');
    compare(`session ${key}`, 'counted once', seen.has(key) ? 'counted again' : 'counted once');
    seen.add(key);
  }
}

/** The contract forgets an account's fees when it pays: they are there and nothing was paid, or the other way round. */
function checkAccounts(
  { claims }: EpochHistory,
  pot: 1 | 2,
  sums: readonly AccountSums[],
  said: ContractFigures['occupants'],
  compare: Compare,
): void {
  const name = POTS[pot];
  const paidTo = claimed(claims, pot);
  const byAccount = new Map(sums.map((one) => [one.account, one]));
  for (const account of new Set([...byAccount.keys(), ...said.keys(), ...paidTo.keys()])) {
    const { fees = 0n, largest = 0n, earned = 0n } = byAccount.get(account) ?? {};
    const paid = paidTo.get(account);
    const held = said.get(account) ?? { fees: 0n, largest: 0n };
    if (paid !== undefined) compare(`paid to ${account} from ${name}`, earned, paid);
    compare(`fees of ${account} for ${name}`, paid === undefined ? fees : 0n, held.fees);
    compare(`largest of ${account} for ${name}`, paid === undefined ? largest : 0n, held.largest);
  }
}

/**
 * One claim can be for several chargers, and its log does not say which. But the contract forgets the fees of those it paid
 * for, so together the claims of an owner are what the forgotten ones earned.
 */
function checkChargers({ claims }: EpochHistory, sums: EpochSums, said: ContractFigures, compare: Compare): void {
  const paidTo = claimed(claims, 0);
  const earnedBy = new Map<string, bigint>();
  for (const { device, owner, fees, uptime, earned } of sums.chargers) {
    const held = said.deviceFees.get(pairOf(device, owner)) ?? 0n;
    const mayBePaid = paidTo.has(owner) && uptime !== undefined;
    if (held === 0n && mayBePaid) earnedBy.set(owner, (earnedBy.get(owner) ?? 0n) + earned);
    else compare(`fees of ${device} for ${owner}`, fees, held);
  }
  for (const [owner, paid] of paidTo) compare(`paid to ${owner} from ${POTS[0]}`, earnedBy.get(owner) ?? 0n, paid);
}

function claimed(claims: EpochHistory['claims'], wanted: number): Map<string, bigint> {
  const found = new Map<string, bigint>();
  for (const { pot, earner, amount } of claims) {
    if (pot === wanted) found.set(earner, (found.get(earner) ?? 0n) + amount);
  }
  return found;
}

function uptimeText({ usableSec, excludedSec }: { usableSec: bigint; excludedSec: bigint }): string {
  return `${usableSec} s usable, ${excludedSec} s excluded`;
}
