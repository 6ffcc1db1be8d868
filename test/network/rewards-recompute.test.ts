import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseEther, ZeroAddress } from 'ethers';
import fc from 'fast-check';
import { call, send } from '../../network/contracts.ts';
import { type ContractFigures, findDifferences } from '../../network/rewards/epoch-check.ts';
import type { EpochHistory, PerPot, RewardTerms } from '../../network/rewards/epoch-history.ts';
import { type EpochSums, pairOf, sumEpoch } from '../../network/rewards/epoch-sums.ts';
import { type RewardContracts, readFigures, readHistory, readTerms } from '../../network/rewards/read-epoch.ts';
import { startChain, type TestChain } from '../support/chain.ts';
import { EPOCH_SEC, makeRewardsStage, type PlannedSession, type RewardsStage } from './rewards-stage.ts';

interface Audit {
  history: EpochHistory;
  terms: RewardTerms;
  sums: EpochSums;
  said: ContractFigures;
}

const session: fc.Arbitrary<PlannedSession> = fc.record({
  driver: fc.nat(2),
  charger: fc.nat(2),
  fee: fc.oneof(fc.bigInt(1n, 40n), fc.bigInt(1n, parseEther('1000'))),
});
const uptime = fc.option(fc.tuple(fc.nat(EPOCH_SEC), fc.nat(EPOCH_SEC)));
const budget = fc.oneof(fc.bigInt(0n, 30n), fc.constant(parseEther('1000000')));
const epoch = fc.record({
  sessions: fc.array(session, { minLength: 2, maxLength: 6 }),
  /** How many of them nobody brings in. */
  forgotten: fc.nat(1),
  uptimes: fc.tuple(uptime, uptime, uptime),
  budgets: fc.tuple(budget, budget, budget),
  /** What the token's cap leaves to be minted, base units; undefined for more than enough. */
  left: fc.option(fc.bigInt(0n, parseEther('100')), { nil: undefined }),
});

/** The token's cap leaves one base unit, of which nobody has a whole one. */
const NOTHING_LEFT: typeof epoch extends fc.Arbitrary<infer Epoch> ? Epoch : never = {
  sessions: [0, 2].map((charger) => ({ driver: 0, charger, fee: parseEther('500') })),
  forgotten: 0,
  uptimes: [[6, 3], null, [EPOCH_SEC, 0]],
  budgets: [27n, 0n, parseEther('1000000')],
  left: 1n,
};

function earnedIn({ occupants, owners, chargers }: EpochSums): bigint {
  return [...occupants, ...owners, ...chargers].reduce((all, { earned }) => all + earned, 0n);
}

/** What pots pay of which the token's cap leaves so much, base units; all of it if undefined. */
function shrunkTo(left: bigint | undefined, pots: PerPot): PerPot {
  const [uptime, occupants, builders] = pots;
  const due = uptime + occupants + builders;
  if (left === undefined || left >= due) return pots;
  return [(uptime * left) / due, (occupants * left) / due, (builders * left) / due];
}

describe('an epoch of rewards, worked out anew from logs', () => {
  let chain: TestChain;
  let folder: string;
  let stage: RewardsStage;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'devsen-rewards-'));
    chain = await startChain();
    stage = await makeRewardsStage(chain, folder);
  });
  afterAll(async () => {
    await chain.close();
    await rm(folder, { recursive: true });
  });

  async function audit(contracts: RewardContracts): Promise<Audit> {
    const place = { provider: chain.provider, contracts, epoch: 0, head: await chain.provider.getBlockNumber() };
    const terms = await readTerms(place);
    const history = await readHistory(place, terms);
    const sums = sumEpoch(history, terms);
    return { history, terms, sums, said: await readFigures(place, sums, history) };
  }

  async function expectNoDifference(contracts: RewardContracts): Promise<Audit> {
    const found = await audit(contracts);
    expect(findDifferences(found.history, found.sums, found.said)).toEqual([]);
    return found;
  }

  /** What an epoch pays to all, claimed as far as anything is due. */
  async function claimAll(contracts: RewardContracts): Promise<void> {
    const { rewards } = contracts;
    const claims: [string, unknown[]][] = stage.drivers.map((driver) => ['claimOccupant', [0, driver]]);
    for (const signer of stage.owners) {
      const owner = await signer.getAddress();
      claims.push(['claimUptime', [0, stage.devices, owner]], ['claimBuilder', [0, owner]]);
    }
    for (const [name, args] of claims) {
      await send(rewards, name, ...args).catch((error) => {
        expect(rewards.interface.parseError(error.data)?.name).toBe('NothingToClaim');
      });
    }
  }

  it('is what the contract says and pays, whatever happened in it', async () => {
    await fc.assert(
      fc.asyncProperty(epoch, async ({ sessions, forgotten, uptimes, budgets, left }) => {
        const cap = 10n ** 30n;
        const contracts = await stage.makeRewards(budgets, cap);
        const refs = [];
        for (const planned of sessions) refs.push(await stage.settle(contracts, planned));
        await send(contracts.rewards, 'count', refs.slice(forgotten));
        const running = await expectNoDifference(contracts);
        expect(running.sums.uncounted).toHaveLength(forgotten);

        await stage.toEpoch(contracts, 1);
        for (const [n, seconds] of uptimes.entries()) {
          if (seconds) await stage.agree(contracts, 0, stage.devices[n] ?? '', ...seconds);
        }
        await stage.toEpoch(contracts, 2);
        if (left !== undefined) {
          const supply = (await call(contracts.token, 'totalSupply')) as bigint;
          await send(contracts.token, 'mint', stage.drivers[0], cap - supply - left);
        }
        await claimAll(contracts);
        const { sums, history, terms } = await expectNoDifference(contracts);
        const paid = history.claims.reduce((all, { amount }) => all + amount, 0n);
        if (history.closed !== undefined) expect(paid).toBe(earnedIn(sums));
        else {
          // Nobody can have a whole unit of what the cap leaves, so nobody has closed the epoch.
          const granted = shrunkTo(left, sums.granted);
          const closed = { granted, supplyAfter: terms.tokenCap };
          expect([paid, earnedIn(sumEpoch({ ...history, closed }, terms))]).toEqual([0n, 0n]);
        }
      }),
      { numRuns: 3, endOnFailure: true, examples: [[NOTHING_LEFT]] },
    );
  });

  it('finds every figure that is another one, and every payment that is not due', async () => {
    const contracts = await stage.makeRewards([parseEther('2'), parseEther('2'), parseEther('2')], 10n ** 30n);
    const plans = [
      { driver: 0, charger: 0, fee: parseEther('3') },
      { driver: 0, charger: 1, fee: parseEther('1') },
      { driver: 1, charger: 2, fee: parseEther('2') },
    ];
    const refs = [];
    for (const planned of plans) refs.push(await stage.settle(contracts, planned));
    await send(contracts.rewards, 'count', refs);
    await stage.toEpoch(contracts, 1);
    // Half of the epoch, and a quarter that does not count against it.
    await stage.agree(contracts, 0, stage.devices[0] ?? '', EPOCH_SEC / 2, EPOCH_SEC / 4);
    await stage.toEpoch(contracts, 2);
    await send(contracts.rewards, 'claimOccupant', 0, stage.drivers[0]);
    const owner = await stage.owners[0]?.getAddress();
    await send(contracts.rewards, 'claimUptime', 0, stage.devices, owner);
    const { history, terms, said } = await expectNoDifference(contracts);

    // Worked out by hand: fees 6, 30 % of them 1.8; the charger's half of that, three quarters of the time.
    expect(history.claims).toEqual([
      { pot: 1, earner: stage.drivers[0], amount: parseEther('0.3') },
      { pot: 0, earner: owner, amount: parseEther('0.675') },
    ]);

    const differs = (forged: Partial<EpochHistory>, figures: Partial<ContractFigures> = {}) => {
      const told = { ...history, ...forged };
      return findDifferences(told, sumEpoch(told, terms), { ...said, ...figures }).map(({ figure }) => figure);
    };
    const [first, ...others] = history.counted;
    if (first === undefined || history.closed === undefined) throw new Error('nothing was counted');
    const [occupant, builder] = [stage.drivers[1] ?? '', owner ?? ''];
    const { granted } = history.closed;
    const pair = pairOf(stage.devices[1] ?? '', builder);
    for (const [figures, figure] of [
      [differs({ counted: [{ ...first, fee: first.fee + 1n }, ...others] }), `session ${first.key}`],
      [differs({ counted: [{ ...first, occupant }, ...others] }), `session ${first.key}`],
      [differs({ counted: [first, first, ...others] }), `session ${first.key}`],
      [differs({ counted: [{ ...first, isInTime: false }, ...others] }), `session ${first.key}`],
      [differs({ counted: others }), 'weights of uptime'],
      [differs({ settled: history.settled.slice(1) }), `session ${first.key}`],
      [differs({ settled: history.settled.map((one) => ({ ...one, token: ZeroAddress })) }), `session ${first.key}`],
      [differs({ budgets: history.budgets.slice(1) }), 'budget of uptime'],
      [
        differs({ uptimes: history.uptimes.map((one) => ({ ...one, usableSec: 0n })) }),
        `uptime of ${stage.devices[0]}`,
      ],
      [
        differs({ uptimes: history.uptimes.map((one) => ({ ...one, ledger: undefined })) }),
        `uptime of ${stage.devices[0]}`,
      ],
      [differs({ uptimes: [] }), `fees of ${stage.devices[0]} for ${builder}`],
      [
        differs({ closed: { ...history.closed, granted: [granted[0] + 1n, granted[1], granted[2]] } }),
        'logged as granted for uptime',
      ],
      [
        differs({ closed: { ...history.closed, granted: [0n, granted[1], granted[2]] } }),
        'logged as granted for uptime',
      ],
      [
        differs({ claims: history.claims.map((one) => ({ ...one, amount: one.amount + 1n })) }),
        `paid to ${builder} from uptime`,
      ],
      [differs({ claims: [...history.claims, ...history.claims] }), `paid to ${stage.drivers[0]} from occupants`],
      [differs({ claims: [{ pot: 2, earner: occupant, amount: 1n }] }), `paid to ${occupant} from builders`],
      [differs({ claims: [] }), `fees of ${stage.drivers[0]} for occupants`],
      [differs({}, { weights: [said.weights[0], said.weights[1] + 1n, said.weights[2]] }), 'weights of occupants'],
      [differs({}, { granted: [0n, 0n, 0n] }), 'granted for builders'],
      [differs({}, { owners: new Map() }), `fees of ${builder} for builders`],
      [
        differs({}, { deviceFees: new Map([...said.deviceFees, [pair, 1n]]) }),
        `fees of ${stage.devices[1]} for ${builder}`,
      ],
    ] as const) {
      expect(figures).toContain(figure);
    }
  });
});
