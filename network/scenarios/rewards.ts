import type { Contract } from 'ethers';
import { DevsenError } from '../../core/errors.ts';
import { call } from '../contracts.ts';
import { until } from '../deadline.ts';
import { must, mustEqual } from './check.ts';
import { EPOCH_SEC, type Person } from './people.ts';
import { readEvents } from './record.ts';
import { logsOf } from './session.ts';
import { LIMIT_MS, type Stage } from './stage.ts';

/** An epoch with sessions in it, over, with the uptime of every charger known. */
export interface ClosedEpoch {
  epoch: number;
  /** Sessions that count in it. */
  sessions: number;
  /** Uptime by identity: seconds. */
  uptimes: Record<string, { usableSec: number; excludedSec: number }>;
}

/** A claim that was paid, token base units. */
export interface Claim {
  pot: string;
  epoch: number;
  earner: string;
  amount: bigint;
  txHash: string;
}

const PAGE = 5;

/**
 * Counts the sessions that are settled, waits until their epochs are over, and asks the operators for the uptime of every
 * charger in them, page by page.
 */
export async function closeEpochs(stage: Stage): Promise<ClosedEpoch[]> {
  const rewards = await stage.contract('RewardsDEVSEN', stage.network.state.addresses.rewards);
  await stage.devsen(stage.people.driver, 'rewards', 'count');
  const counted = await logsOf(rewards, 'Counted', null);
  const epochs = [...new Set(counted.map(({ args }) => Number(args.epoch)))].sort((a, b) => a - b);
  must('sessions count for the rewards', epochs.length > 0);
  const closed: ClosedEpoch[] = [];
  for (const epoch of epochs) {
    const endsAtSec = Number(await call(rewards, 'startOf', epoch + 1));
    // The chain's time stands still between two txs; the operators' record goes on by the clock.
    await until(`epoch ${epoch} to be over`, LIMIT_MS, () => Date.now() >= (endsAtSec + 1) * 1_000 || undefined);
    const uptimes = await askForUptimes(stage, rewards, epoch);
    const sessions = counted.filter(({ args }) => Number(args.epoch) === epoch).length;
    closed.push({ epoch, sessions, uptimes });
  }
  const first = closed[0] as ClosedEpoch;
  await checkUptime(stage, rewards, first, 'CP-FAULT');
  mustEqual('uptime of a charger that never came online', first.uptimes['CP-AWAY'], { usableSec: 0, excludedSec: 0 });
  return closed;
}

async function askForUptimes(stage: Stage, rewards: Contract, epoch: number): Promise<ClosedEpoch['uptimes']> {
  const rewardsAddress = await rewards.getAddress();
  await stage.devsen(stage.people.zurich, 'link', 'allow', rewardsAddress, '100');
  const identities = stage.network.state.chargers.map(({ identity }) => identity);
  for (let from = 0; from < identities.length; from += PAGE) {
    await stage.devsen(
      stage.people.zurich,
      ...['rewards', 'uptime', String(epoch), ...identities.slice(from, from + PAGE)],
    );
  }
  const found: ClosedEpoch['uptimes'] = {};
  await until(`the operators to agree on every charger's uptime in epoch ${epoch}`, LIMIT_MS, async () => {
    for (const identity of identities) {
      if (found[identity] !== undefined) continue;
      const device = await (await stage.device(identity)).getAddress();
      const { known, usableSec, excludedSec } = (await call(rewards, 'uptimeOf', epoch, device)) as Uptime;
      if (!known) return undefined;
      found[identity] = { usableSec: Number(usableSec), excludedSec: Number(excludedSec) };
    }
    return true;
  });
  return found;
}

interface Uptime {
  known: boolean;
  usableSec: bigint;
  excludedSec: bigint;
}

const UP = [1, 2, 3, 4, 5];

/** Works a charger's uptime out by the public formula, from operators' public record, and compares. */
async function checkUptime(stage: Stage, rewards: Contract, { epoch, uptimes }: ClosedEpoch, identity: string) {
  const fromSec = Number(await call(rewards, 'startOf', epoch));
  const events = (await readEvents(stage, identity)).toReversed();
  let usableSec = 0;
  for (let sec = fromSec; sec < fromSec + EPOCH_SEC; sec++) {
    const statuses = new Map<number, number>();
    let isOnline = false;
    for (const { receivedAtMs, facts } of events) {
      if (receivedAtMs > sec * 1_000 + 999) break;
      for (const fact of facts) {
        if (fact.kind === 'opened') isOnline = true;
        if (fact.kind === 'closed') isOnline = false;
        if (fact.kind === 'status' && fact.connector) statuses.set(fact.connector, fact.status ?? 0);
      }
    }
    if (isOnline && [...statuses.values()].some((status) => UP.includes(status))) usableSec++;
  }
  mustEqual(`uptime of ${identity} in epoch ${epoch}`, uptimes[identity], { usableSec, excludedSec: 0 });
}

/** Claims what everybody has earned, once the claims are open, and checks each by the public formula. */
export async function claimAll(stage: Stage, epochs: readonly ClosedEpoch[]): Promise<Claim[]> {
  const { people, network } = stage;
  const rewards = await stage.contract('RewardsDEVSEN', network.state.addresses.rewards);
  const claims: Claim[] = [];
  const earners = [people.driver, people.roamer, people.cardHolder, people.zurich];
  for (const { epoch, uptimes } of epochs) {
    for (const who of earners) {
      for (const [pot, kind, getter] of [
        [1, 'occupant', 'occupantFees'],
        [2, 'builder', 'ownerFees'],
      ] as const) {
        const { fees, largest } = (await call(rewards, getter, epoch, who.account)) as {
          fees: bigint;
          largest: bigint;
        };
        if (fees === largest) continue;
        const paid = await claim(stage, rewards, pot, who, 'rewards', 'claim', kind, String(epoch));
        mustEqual(`claim of the ${who.name}`, paid.amount, await shareOf(rewards, pot, epoch, fees - largest));
        claims.push(paid);
      }
    }
    claims.push(await claimUptimes(stage, rewards, epoch, Object.keys(uptimes)));
  }
  for (const { epoch } of epochs) {
    // Throws if it differs from what the contract says and has paid.
    await stage.devsen(people.asker, 'rewards', 'recompute', String(epoch));
  }
  must('occupants and builders are paid, too', new Set(claims.map(({ pot }) => pot)).size === POTS.length);
  return claims;
}

const POTS = ['uptime', 'occupants', 'builders'];

async function claimUptimes(stage: Stage, rewards: Contract, epoch: number, identities: string[]): Promise<Claim> {
  const { zurich } = stage.people;
  const fees = new Map<string, bigint>();
  for (const identity of identities) {
    const device = await (await stage.device(identity)).getAddress();
    fees.set(identity, (await call(rewards, 'deviceFees', epoch, device, zurich.account)) as bigint);
  }
  const paid = await claim(stage, rewards, 0, zurich, ...['rewards', 'claim', 'uptime', String(epoch), ...identities]);
  let expected = 0n;
  for (const [identity, fee] of fees) {
    const device = await (await stage.device(identity)).getAddress();
    const { usableSec, excludedSec } = (await call(rewards, 'uptimeOf', epoch, device)) as Uptime;
    expected += ((await shareOf(rewards, 0, epoch, fee)) * (usableSec + excludedSec)) / BigInt(EPOCH_SEC);
  }
  mustEqual('claim for uptime', paid.amount, expected);
  return paid;
}

/** What a weight earns of a pot, by the public formula: its share of the pot, which is 30 % of all weights or the budget. */
async function shareOf(rewards: Contract, pot: number, epoch: number, weight: bigint): Promise<bigint> {
  const [all, budget, granted] = (await Promise.all([
    call(rewards, 'weightOf', pot, epoch),
    call(rewards, 'budgetOf', pot, epoch),
    call(rewards, 'grantedOf', pot, epoch),
  ])) as [bigint, bigint, bigint];
  const most = (all * 3_000n) / 10_000n;
  mustEqual(`what pot ${POTS[pot]} pays in epoch ${epoch}`, granted, most < budget ? most : budget);
  return (granted * weight) / all;
}

async function claim(stage: Stage, rewards: Contract, pot: number, who: Person, ...args: string[]): Promise<Claim> {
  const before = (await logsOf(rewards, 'Claimed', pot)).length;
  await stage.devsen(who, ...args);
  const log = (await logsOf(rewards, 'Claimed', pot))[before];
  if (log === undefined) throw new DevsenError('CONFLICT', `the ${who.name} was not paid`);
  const { epoch, earner, amount } = log.args as { epoch: bigint; earner: string; amount: bigint };
  return { pot: POTS[pot] ?? '', epoch: Number(epoch), earner, amount, txHash: log.transactionHash };
}
