import { AbiCoder, type Contract, type Provider, ZeroAddress } from 'ethers';
import { DevsenError } from '../../core/errors.ts';
import { firstBlockFrom, type ReadLog, readLogs, readLogsOf } from './chain-logs.ts';
import type { ContractFigures } from './epoch-check.ts';
import type { AgreedUptime, EpochHistory, PerPot, RewardTerms, SettledSession } from './epoch-history.ts';
import { type EpochSums, pairOf } from './epoch-sums.ts';

/** The contracts that an epoch's history stands in. */
export interface RewardContracts {
  rewards: Contract;
  payment: Contract;
  oracle: Contract;
  token: Contract;
}

/** An epoch as the chain stood at one block. */
export interface EpochPlace {
  provider: Provider;
  contracts: RewardContracts;
  epoch: number;
  /** The block at which everything is read. */
  head: number;
}

/** Reads what rewards were deployed with. */
export async function readTerms({ contracts: { rewards, token }, head }: EpochPlace): Promise<RewardTerms> {
  const [epochSec, capBps, tokenCap] = await Promise.all([
    readAt(rewards, head, 'epochSec'),
    readAt(rewards, head, 'CAP_BPS'),
    readAt(token, head, 'cap'),
  ]);
  return { epochSec, capBps, token: await token.getAddress(), tokenCap } as RewardTerms;
}

/** Reads all logs that bear on an epoch. @throws DevsenError `NOT_FOUND` if it has not begun */
export async function readHistory(place: EpochPlace, { epochSec }: RewardTerms): Promise<EpochHistory> {
  const { provider, contracts, epoch, head } = place;
  const { rewards, token } = contracts;
  const beginsAt = (await readAt(rewards, head, 'startOf', epoch)) as bigint;
  const blockFrom = (atSec: bigint) => firstBlockFrom(provider, atSec, head);
  const first = await blockFrom(beginsAt);
  if (first > head) throw new DevsenError('NOT_FOUND', `epoch ${epoch} has not begun`);
  const end = await blockFrom(beginsAt + epochSec);
  const claimable = await blockFrom(beginsAt + 2n * epochSec);
  const since: readonly [number, number] = [first, head];
  const [settled, counted, budgets, closed, claimed] = await Promise.all([
    readSettled(contracts.payment, [first, end - 1]),
    readLogs(rewards, 'Counted', [epoch], since),
    readLogs(rewards, 'BudgetSet', [], [0, head]),
    readLogs(rewards, 'Closed', [epoch], since),
    readLogs(rewards, 'Claimed', [null, epoch], since),
  ]);
  return {
    epoch,
    settled,
    counted: counted.map(({ args: { key, device, occupant, owner, fee }, block }) => {
      return { key, device, occupant, owner, fee, isInTime: block < claimable };
    }),
    budgets: budgets.map(({ args: { pot, fromEpoch, amount } }) => {
      return { pot: Number(pot), fromEpoch: Number(fromEpoch), amount };
    }),
    uptimes: await readUptimes(contracts, epoch, [Math.min(end, head), head]),
    closed: closed[0] && (await readClosing(token, closed[0])),
    claims: claimed.map(({ args: { pot, earner, amount } }) => ({ pot: Number(pot), earner, amount })),
  };
}

/** Reads what the contract says about everybody whom an epoch concerns. */
export async function readFigures(
  { contracts: { rewards }, epoch, head }: EpochPlace,
  sums: EpochSums,
  history: EpochHistory,
): Promise<ContractFigures> {
  const perPot = async (getter: string) =>
    (await Promise.all([0, 1, 2].map((pot) => readAt(rewards, head, getter, pot, epoch)))) as unknown as PerPot;
  const accounts = async (getter: string, named: readonly string[]) => {
    const found = new Map<string, { fees: bigint; largest: bigint }>();
    for (const account of new Set(named)) {
      const { fees, largest } = (await readAt(rewards, head, getter, epoch, account)) as Record<string, bigint>;
      found.set(account, { fees: fees ?? 0n, largest: largest ?? 0n });
    }
    return found;
  };
  const earners = (wanted: number) => history.claims.flatMap(({ pot, earner }) => (pot === wanted ? [earner] : []));
  const deviceFees = new Map<string, bigint>();
  for (const { device, owner } of [...sums.chargers, ...history.counted]) {
    deviceFees.set(pairOf(device, owner), (await readAt(rewards, head, 'deviceFees', epoch, device, owner)) as bigint);
  }
  const occupants = [...history.settled, ...history.counted].map(({ occupant }) => occupant);
  const owners = [...history.settled.map(({ payee }) => payee), ...history.counted.map(({ owner }) => owner)];
  return {
    budgets: await perPot('budgetOf'),
    weights: await perPot('weightOf'),
    granted: await perPot('grantedOf'),
    occupants: await accounts('occupantFees', [...occupants, ...earners(1)]),
    owners: await accounts('ownerFees', [...owners, ...earners(2)]),
    deviceFees,
  };
}

async function readSettled(payment: Contract, blocks: readonly [number, number]): Promise<SettledSession[]> {
  const settled = await readLogs(payment, 'Settled', [], blocks);
  // Tokens are locked before they are settled, however long before.
  const locks = await readLogsOf(
    payment,
    'Locked',
    settled.map(({ args }) => String(args.key)),
    [0, blocks[1]],
  );
  const lockOf = new Map(locks.map(({ args }) => [String(args.key), args]));
  return settled.map(({ args: { key, device, payee, fee } }) => {
    const lock = lockOf.get(key);
    if (lock === undefined)
      throw new DevsenError('CONFLICT', `the vault settled ${key}, and nothing was locked for it`);
    return { key, device, payee, fee, occupant: lock.occupant, token: lock.token };
  });
}

/** What the contract took as agreed, each beside what the ledger delivered to it in that tx. */
async function readUptimes(
  { rewards, oracle }: RewardContracts,
  epoch: number,
  blocks: readonly [number, number],
): Promise<AgreedUptime[]> {
  const [agreed, asked] = await Promise.all([
    readLogs(rewards, 'UptimeAgreed', [epoch], blocks),
    readLogs(rewards, 'UptimeRequested', [null, epoch], blocks),
  ]);
  const deviceOf = new Map(asked.map(({ args }) => [String(args.requestId), String(args.device)]));
  const answers = await readLogsOf(oracle, 'Answered', [...deviceOf.keys()], blocks);
  return agreed.map(({ args: { device, usableSec, excludedSec }, txHash }) => {
    const answer = answers.find((each) => each.txHash === txHash && deviceOf.get(each.args.requestId) === device);
    return { device, usableSec, excludedSec, ledger: answer && uptimeIn(answer.args.answer) };
  });
}

function uptimeIn(answer: string): AgreedUptime['ledger'] {
  // Two words, and nothing else.
  if (answer.length !== 2 + 2 * 64) return undefined;
  const [usableSec, excludedSec] = AbiCoder.defaultAbiCoder().decode(['uint256', 'uint256'], answer);
  return { usableSec, excludedSec };
}

async function readClosing(token: Contract, closed: ReadLog): Promise<EpochHistory['closed']> {
  const { forUptime, forOccupants, forBuilders } = closed.args;
  const minted = await readLogs(token, 'Transfer', [ZeroAddress], [0, closed.block]);
  // What its own tx minted stands after the log, for the sums are fixed first.
  const before = minted.filter(
    ({ block, index, txHash }) => block < closed.block || index < closed.index || txHash === closed.txHash,
  );
  const supplyAfter = before.reduce((all, { args }) => all + (args.value as bigint), 0n);
  return { granted: [forUptime, forOccupants, forBuilders], supplyAfter };
}

function readAt(contract: Contract, head: number, name: string, ...args: unknown[]): Promise<unknown> {
  return contract.getFunction(name).staticCall(...args, { blockTag: head });
}
