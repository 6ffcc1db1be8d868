import type { Command } from 'commander';
import type { Contract } from 'ethers';
import { DevsenError } from '../../core/errors.ts';
import { call } from '../contracts.ts';
import { facts, table } from './output.ts';
import { addRecomputeCommand } from './rewards-recompute.ts';
import { inNetwork, type Session, type Streams } from './session.ts';
import { tokenAt } from './tokens.ts';
import { transact } from './tx.ts';
import { address, amountText, timeText, whole } from './values.ts';

const POTS = ['uptime', 'occupants', 'builders'];
const MOST_EPOCHS = 2 ** 40;
/** Sessions counted, and chargers claimed for, by one tx. */
const BATCH = 50;
const PAGE = 200;

/** `devsen rewards`: epochs, what they pay, and to whom. */
export function addRewardCommands(program: Command, streams: Streams): void {
  const rewards = program
    .command('rewards')
    .description('what uptime, frequent occupants and builders of a network earn');

  rewards
    .command('show')
    .description('an epoch: its pots, and what an account earned')
    .argument('[epoch]', 'the one before this if not given', whole(0, MOST_EPOCHS))
    .option('--account <account>', 'yours if not given', address)
    .action(async (epoch: number | undefined, { account }: { account?: string }, command: Command) => {
      await inNetwork(command, streams, account === undefined ? 'driver' : 'reader', async (session) => {
        const contract = await session.contract('RewardsDEVSEN');
        await show(session, contract, epoch ?? (await lastEpoch(contract)), account ?? session.account);
      });
    });

  rewards
    .command('count')
    .description('brings in the settled sessions of this and the last epoch, so that they count')
    .action(async (_options, command: Command) => {
      await inNetwork(command, streams, 'driver', count);
    });

  rewards
    .command('uptime')
    .description('asks the oracles for the uptime of chargers in an epoch that is over')
    .argument('<epoch>', 'its number', whole(0, MOST_EPOCHS))
    .argument('<identities...>', 'OCPP identities; or all')
    .action(async (epoch: number, identities: string[], _options, command: Command) => {
      await inNetwork(command, streams, 'manager', async (session) => {
        const contract = await session.contract('RewardsDEVSEN');
        for (const device of await devicesOf(session, identities)) {
          const { known } = (await call(contract, 'uptimeOf', epoch, device)) as { known: boolean };
          if (!known)
            await transact(session, `ask for the uptime of ${device}`, contract, 'requestUptime', epoch, device);
        }
        if (!session.isDryRun) session.output.result({ epoch }, () => 'Asked. The answers come in a moment.');
      });
    });

  addRecomputeCommand(rewards, streams);

  const claim = rewards.command('claim').description('pays what was earned; anybody may do it for anybody');
  for (const [name, method, role] of [
    ['occupant', 'claimOccupant', 'driver'],
    ['builder', 'claimBuilder', 'manager'],
  ] as const) {
    claim
      .command(name)
      .argument('<epoch>', 'its number', whole(0, MOST_EPOCHS))
      .argument('[account]', 'yours if not given', address)
      .action(async (epoch: number, account: string | undefined, _options, command: Command) => {
        await inNetwork(command, streams, role, async (session) => {
          const contract = await session.contract('RewardsDEVSEN');
          const earner = account ?? session.account;
          const done = await transact(session, `claim for ${earner}`, contract, method, epoch, earner);
          if (done) await show(session, contract, epoch, earner);
        });
      });
  }
  claim
    .command('uptime')
    .argument('<epoch>', 'its number', whole(0, MOST_EPOCHS))
    .argument('<identities...>', 'OCPP identities of the chargers; or all')
    .action(async (epoch: number, identities: string[], _options, command: Command) => {
      await inNetwork(command, streams, 'manager', async (session) => {
        const contract = await session.contract('RewardsDEVSEN');
        const devices = await devicesOf(session, identities);
        for (let from = 0; from < devices.length; from += BATCH) {
          const batch = devices.slice(from, from + BATCH);
          await transact(session, 'claim for uptime', contract, 'claimUptime', epoch, batch, session.account);
        }
        if (!session.isDryRun) await show(session, contract, epoch, session.account);
      });
    });
}

async function lastEpoch(contract: Contract): Promise<number> {
  const current = Number(await call(contract, 'currentEpoch'));
  if (current === 0) throw new DevsenError('NOT_FOUND', 'the first epoch still runs: give its number, 0');
  return current - 1;
}

async function show(session: Session, contract: Contract, epoch: number, account: string): Promise<void> {
  const token = await tokenAt(session, String(await call(contract, 'token')));
  const [beginsAt, endsAt, occupant, owner] = (await Promise.all([
    call(contract, 'startOf', epoch),
    call(contract, 'startOf', epoch + 1),
    call(contract, 'occupantFees', epoch, account),
    call(contract, 'ownerFees', epoch, account),
  ])) as [bigint, bigint, Fees, Fees];
  const pots = await Promise.all(
    POTS.map(async (name, pot) => {
      const [budget, weight, granted] = (await Promise.all(
        ['budgetOf', 'weightOf', 'grantedOf'].map((getter) => call(contract, getter, pot, epoch)),
      )) as [bigint, bigint, bigint];
      return { name, budget, weight, granted };
    }),
  );
  const earned = { occupantWeight: occupant.fees - occupant.largest, builderWeight: owner.fees - owner.largest };
  const shown = {
    epoch,
    beginsAtSec: Number(beginsAt),
    endsAtSec: Number(endsAt),
    token: token.address,
    pots,
    account,
    ...earned,
  };
  const text = (amount: bigint) => `${amountText(amount, token.decimals)} ${token.symbol}`;
  session.output.result(shown, () =>
    [
      facts([
        ['epoch', `${epoch}, ${timeText(beginsAt)} to ${timeText(endsAt)}`],
        ['account', account],
        ['weight as occupant', text(earned.occupantWeight)],
        ['weight as builder', text(earned.builderWeight)],
      ]),
      table(
        ['pot', 'budget', 'weights in all', 'paid out at most'],
        pots.map((pot) => [pot.name, text(pot.budget), text(pot.weight), text(pot.granted)]),
        '',
      ),
    ].join('\n'),
  );
}

interface Fees {
  fees: bigint;
  largest: bigint;
}

async function count(session: Session): Promise<void> {
  const [rewards, payment] = await Promise.all([session.contract('RewardsDEVSEN'), session.contract('PaymentDEVSEN')]);
  const settled = payment.filters.Settled?.();
  const logs = settled === undefined ? [] : await payment.queryFilter(settled, 0);
  const refs = [];
  for (const log of logs) {
    const { key, device } = (log as unknown as { args: { key: string; device: string } }).args;
    if (await call(rewards, 'isCounted', key)) continue;
    const locked = payment.filters.Locked?.(key);
    const [lock] = locked === undefined ? [] : await payment.queryFilter(locked, 0);
    refs.push({ device, sessionId: (lock as unknown as { args: { sessionId: string } }).args.sessionId });
  }
  let counted = 0n;
  for (let from = 0; from < refs.length; from += BATCH) {
    const batch = refs.slice(from, from + BATCH);
    counted += (await call(rewards, 'count', batch)) as bigint;
    await transact(session, `count ${batch.length} sessions`, rewards, 'count', batch);
  }
  if (!session.isDryRun) session.output.result({ counted }, () => `${counted} sessions count now that did not before.`);
}

async function devicesOf(session: Session, identities: readonly string[]): Promise<string[]> {
  if (identities[0] !== 'all') return Promise.all(identities.map(async (one) => (await session.device(one)).address));
  const factory = await session.contract('FactoryDEVSEN');
  const total = Number(await call(factory, 'deviceCount'));
  const devices: string[] = [];
  for (let offset = 0; offset < total; offset += PAGE)
    devices.push(...((await call(factory, 'devices', offset, PAGE)) as string[]));
  return devices;
}
