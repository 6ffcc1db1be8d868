import { describe, expect, it } from '@jest/globals';
import { DevsenError } from '../../core/errors.ts';
import { type CardBudget, makeCardBudgets } from '../../ocpp-gateway/card-budgets.ts';
import { silentLog } from './support.ts';

/** 0.30 a kWh and 0.01 a minute of charging in a token of 6 decimals, 0.50 flat; a connector of 22 kW, then one of 50. */
const TARIFF = { perKwh: 300_000n, perMinute: 10_000n, flat: 500_000n };
const budgetOf = (amount: bigint): CardBudget => ({ tariff: TARIFF, amount, powersW: [22_000, 50_000] });

function setUp() {
  const world = { nowMs: 1_000_000, reads: 0, budget: budgetOf(2_000_000n) as CardBudget | 'unlimited' | 'nothing' };
  let isAway = false;
  const budgets = makeCardBudgets({
    read: async () => {
      world.reads += 1;
      if (isAway) throw new DevsenError('CHAIN_UNAVAILABLE', 'away');
      return world.budget;
    },
    log: silentLog,
    now: () => world.nowMs,
  });
  return {
    world,
    limitOf: (connector?: number, card = '0xca') => budgets.limitOf('CP1', card, connector),
    setAway: (away: boolean) => {
      isAway = away;
    },
  };
}

describe('budgets of cards', () => {
  it('are as much energy as the card’s user can pay for at that connector', async () => {
    const { limitOf } = setUp();
    // 1.50 beside the flat price. At 22 kW a kWh takes 2.7272… min: 0.327272… a kWh.
    expect(await limitOf(1)).toEqual({ limitWh: 4_583 });
    // At 50 kW 1.2 min: 0.312 a kWh.
    expect(await limitOf(2)).toEqual({ limitWh: 4_807 });
    // No such connector, or not known yet: 0.30 a kWh.
    expect([await limitOf(3), await limitOf()]).toEqual([{ limitWh: 5_000 }, { limitWh: 5_000 }]);
  });

  it('are nothing where what the card can lock is no more than the flat price', async () => {
    const { world, limitOf } = setUp();
    world.budget = budgetOf(500_000n);
    expect(await limitOf(1)).toBe('nothing');
    world.nowMs += 60_000;
    world.budget = { ...budgetOf(500_000n), tariff: { perKwh: 0n, perMinute: 0n, flat: 500_000n } };
    expect(await limitOf(1)).toBe('unlimited');
  });

  it('are asked for once a minute, and again after five seconds where there was nothing', async () => {
    const { world, limitOf } = setUp();
    await Promise.all([limitOf(1), limitOf(2)]);
    world.nowMs += 59_999;
    await limitOf(1);
    expect(world.reads).toBe(1);
    await limitOf(1, '0xcb');
    expect(world.reads).toBe(2);
    world.nowMs += 1;
    world.budget = 'nothing';
    expect(await limitOf(1)).toBe('nothing');
    world.nowMs += 4_999;
    expect([await limitOf(1), world.reads]).toEqual(['nothing', 3]);
    world.nowMs += 1;
    world.budget = 'unlimited';
    expect([await limitOf(1), world.reads]).toEqual(['unlimited', 4]);
  });

  it('are asked for anew where the clock was set back, also after a failure', async () => {
    const { world, limitOf, setAway } = setUp();
    await limitOf(1);
    world.nowMs -= 900_000;
    setAway(true);
    expect([await limitOf(1), world.reads]).toEqual(['unknown', 2]);
    setAway(false);
    world.nowMs -= 50_000;
    expect([await limitOf(1), world.reads]).toEqual([{ limitWh: 4_583 }, 3]);
  });

  it('are unknown while the chain is away, which is left alone for two seconds after a failure', async () => {
    const { world, limitOf, setAway } = setUp();
    setAway(true);
    expect(await Promise.all([limitOf(1), limitOf(1)])).toEqual(['unknown', 'unknown']);
    setAway(false);
    world.nowMs += 1_999;
    expect([await limitOf(1), world.reads]).toEqual(['unknown', 1]);
    world.nowMs += 1;
    expect(await limitOf(1)).toEqual({ limitWh: 4_583 });
  });
});
