import { beforeEach, expect, it } from '@jest/globals';
import { type Contract, id, parseEther, Wallet } from 'ethers';
import fc from 'fast-check';
import { energyLimitWh } from '../../core/tariff.ts';
import { call, send } from '../../network/contracts.ts';
import { ensureCharger } from '../../network/provision.ts';
import { readCardBudget } from '../../ocpp-gateway/card-budget-reader.ts';
import { CARD, nowOf, type SessionStage } from './stage.ts';

const TOKENS = 10n ** 18n;
/** Of three connectors; a charger that tells no power leaves time out. */
const POWERS_W = [22_000, 7_400, 0];

/** Tests of what a card's user can pay for by the contracts, on a stage that is reset before each. */
export function testCardBudgets(staged: () => SessionStage): void {
  let stage: SessionStage;
  beforeEach(() => {
    stage = staged();
  });
  const read = async (card = CARD, device = String(stage.device.target)) =>
    readCardBudget(stage.chain.provider, device, card, (await nowOf(stage)) * 1000);
  const asDriver = (contract: Contract) =>
    contract.connect(new Wallet(stage.chain.privateKey(5), stage.chain.provider)) as Contract;
  const setLimit = (mostPerSession: bigint, inAll: bigint) =>
    send(asDriver(stage.payment), 'setCardLimit', CARD, stage.token, mostPerSession, inAll);

  it('is the least of what the card may lock, what it may spend, and what its user has', async () => {
    const tariff = { perKwh: parseEther('0.3'), perMinute: parseEther('0.01'), flat: parseEther('0.5') };
    expect(await read()).toEqual({ tariff, amount: 15n * TOKENS, powersW: [22_000, 22_000] });
    await setLimit(20n * TOKENS, 7n * TOKENS);
    expect(await read()).toMatchObject({ amount: 7n * TOKENS });
    await setLimit(5_000n * TOKENS, 5_000n * TOKENS);
    expect(await read()).toMatchObject({ amount: 1_000n * TOKENS });
  });

  it('is nothing where the chain would lock nothing', async () => {
    expect(await read(`0x${'00'.repeat(31)}01`)).toBe('nothing');
    await send(stage.payment, 'setLocksPaused', true);
    expect(await read()).toBe('nothing');
    await send(stage.payment, 'setLocksPaused', false);
    await setLimit(0n, 0n);
    expect(await read()).toBe('nothing');
  });

  it('is without limit at a charger that has no tariff', async () => {
    const manager = new Wallet(stage.chain.privateKey(6), stage.chain.provider);
    const { device } = await ensureCharger(stage.network, manager, {
      identity: 'HAND-FREE',
      latitudeDeg: 48,
      longitudeDeg: 11,
      authorizationKeyHash: id('hand'),
      connectors: [{ evse: 1, standard: 28, format: 1, powerType: 4, maxPowerW: 22_000 }],
    });
    expect(await read(CARD, device)).toBe('unlimited');
  });

  it('cannot be told where there is no such charger', async () => {
    await expect(read(CARD, stage.driver)).rejects.toMatchObject({ code: 'CHAIN_UNAVAILABLE' });
  });

  it('lasts for the energy that the contract reckons', async () => {
    const prices = {
      perKwh: fc.bigInt(0n, 2n ** 70n),
      perMinute: fc.bigInt(0n, 2n ** 66n),
      flat: fc.bigInt(0n, 2n ** 66n),
    };
    const connectors = POWERS_W.map((maxPowerW, n) => ({
      evse: n + 1,
      standard: 28,
      format: 1,
      powerType: 4,
      maxPowerW,
    }));
    await send(stage.managed, 'setConnectors', connectors);
    const tariffs = fc.sample(fc.record(prices), 6);
    for (const tariff of [...tariffs, { perKwh: 0n, perMinute: 0n, flat: 5n }]) {
      await send(stage.managed, 'setTariff', { token: stage.token, perIdleMinute: 1n, ...tariff }, 0);
      // The contract has a view of the reverse: the least amount that an energy takes.
      const depositFor = (connector: number, energyWh: bigint) =>
        call(stage.device, 'depositFor', connector, energyWh) as Promise<bigint>;
      for (const amount of fc.sample(fc.bigInt(tariff.flat, 2n ** 80n), 4)) {
        for (const [n, powerW] of POWERS_W.entries()) {
          const connector = n + 1;
          const limitWh = energyLimitWh(tariff, amount, powerW);
          if (limitWh === undefined) {
            expect(await depositFor(connector, 2n ** 64n - 1n)).toBeLessThanOrEqual(amount);
            continue;
          }
          expect(await depositFor(connector, limitWh)).toBeLessThanOrEqual(amount);
          expect(await depositFor(connector, limitWh + 1n)).toBeGreaterThan(amount);
        }
      }
      expect(energyLimitWh(tariff, tariff.flat - 1n, 22_000)).toBe(0n);
    }
  });
}
