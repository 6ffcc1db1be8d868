import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseEther, Wallet } from 'ethers';
import { call, contractAt } from '../../network/contracts.ts';
import type { Charger } from '../../simulator/charger.ts';
import { countEnergy, registerOf } from '../../simulator/connector-state.ts';
import { waitFor } from '../support/wait.ts';
import { type Driving, makeDriver } from './driving.ts';
import { makeLeapingClock } from './leaping-clock.ts';
import { readOperatorLog } from './operator-log.ts';
import { startTestNetwork, type TestNetwork } from './test-network.ts';

const MINUTES_MS = 60_000;
const TEN_MINUTES_MS = 600_000;
const POWER_W = 400_000;
/** In ten minutes 6 kWh. */
const SLOW_W = 36_000;
const IMPATIENT = {
  connectTimeoutMs: 5_000,
  answerTimeoutMs: 10_000,
  unansweredLimit: 2,
  retryMs: 500,
  attempts: 100,
  backoff: { firstMs: 200, longestMs: 1_000 },
};

describe('sessions in a network in which everything fails once', () => {
  let network: TestNetwork;
  let driver: Awaited<ReturnType<typeof makeDriver>>;
  /** Answers to charger messages, by charger. */
  const acknowledged = new Map<string, number>();

  beforeAll(async () => {
    network = await startTestNetwork({ chargers: 6, maxPowerW: POWER_W });
    driver = await makeDriver(network);
  }, 4 * MINUTES_MS);
  afterAll(() => network?.close(), MINUTES_MS);

  async function plugIn(identity: string, maxPowerW: number, more: Parameters<TestNetwork['charger']>[1] = {}) {
    const charger = await network.charger(identity, {
      timings: IMPATIENT,
      meterIntervalMs: 1_000,
      watch: ({ kind }) => {
        if (kind === 'acknowledged') acknowledged.set(identity, (acknowledged.get(identity) ?? 0) + 1);
      },
      ...more,
    });
    charger.plug(1, { battery: { capacityWh: 200_000, levelWh: 10_000 }, maxPowerW });
    await charger.settled();
    return { charger, driving: await driver.at(identity) };
  }

  async function charge({ driving }: { driving: Driving }, deposit: string): Promise<string> {
    const sessionId = await driving.start(parseEther(deposit));
    await driving.untilIn(sessionId, 'Active');
    return sessionId;
  }

  const takenWh = (charger: Charger) =>
    registerOf(countEnergy(charger.connector(1), Date.now())) - (charger.connector(1).transaction?.startWh ?? 0);

  async function untilTaken(charger: Charger, leastWh: number): Promise<void> {
    await waitFor(() => takenWh(charger) > leastWh, {
      what: `${charger.identity} to give ${leastWh} Wh`,
      timeoutMs: 3 * MINUTES_MS,
    });
  }

  async function pauseAtOnce(charger: Charger): Promise<void> {
    const isPaused = () => charger.act(1, { kind: 'pause', by: 'EV' }) === undefined;
    await waitFor(isPaused, { what: 'a session to pause', timeoutMs: 3 * MINUTES_MS });
  }

  /** So many messages of a charger are in Redis, signed: the gateway serves. */
  async function untilServed({ identity }: Charger, messages = 2): Promise<void> {
    const before = acknowledged.get(identity) ?? 0;
    await waitFor(() => (acknowledged.get(identity) ?? 0) >= before + messages, {
      what: `${identity} to be answered`,
      timeoutMs: 3 * MINUTES_MS,
    });
  }

  async function untilIdle(charger: Charger): Promise<void> {
    await waitFor(() => charger.connector(1).transaction === undefined, {
      what: `${charger.identity} to be stopped`,
      timeoutMs: 3 * MINUTES_MS,
    });
  }

  /** Tokens of everybody in the vault, what it holds in its own words, and what it really has. Base units. */
  async function ledger() {
    const { addresses } = network.state;
    const { admin } = network.chain.contracts;
    const payment = await contractAt('PaymentDEVSEN', addresses.payment, admin);
    const token = await contractAt('TokenDEVSEN', addresses.token, admin);
    const free = async (account: string) => (await call(payment, 'freeOf', addresses.token, account)) as bigint;
    const treasury = String(await call(payment, 'treasury'));
    const manager = new Wallet(network.keys.manager).address;
    const [ofDriver, owner, fees] = await Promise.all([driver.account, manager, treasury].map(free));
    return {
      ofDriver: ofDriver as bigint,
      owner: owner as bigint,
      fees: fees as bigint,
      held: (await call(payment, 'heldOf', addresses.token)) as bigint,
      there: (await call(token, 'balanceOf', addresses.payment)) as bigint,
    };
  }

  it(
    'end settled, expired or given back, with every token where it belongs and no charger left running',
    async () => {
      const { fleet, deaths, state } = network;
      // Its clock is late by the ten minutes that it will be away.
      const late = makeLeapingClock(-TEN_MINUTES_MS);
      const steady = await plugIn('CP-1', POWER_W);
      const rebooted = await plugIn('CP-2', POWER_W);
      const away = await plugIn('CP-3', SLOW_W, { clock: late, meterIntervalMs: MINUTES_MS });
      const limited = await plugIn('CP-4', POWER_W);
      const asking = await plugIn('CP-5', POWER_W);
      const lost = await plugIn('CP-6', POWER_W);
      const before = await ledger();
      const [ofSteady, ofRebooted, ofAway, ofLimited, ofLost] = await Promise.all([
        charge(steady, '60'),
        charge(rebooted, '60'),
        charge(away, '20'),
        // 0.50 flat and 0.30 a kWh: about 900 Wh, which take eight seconds. The car waits as soon as it may charge.
        Promise.all([charge(limited, '0.77'), pauseAtOnce(limited.charger)]).then(([id]) => id),
        Promise.all([charge(lost, '0.65'), pauseAtOnce(lost.charger)]).then(([id]) => id),
      ]);

      // Redis goes, and comes back with all that was acknowledged.
      await fleet.kill('redis', 'SIGKILL');
      await fleet.startAgain('redis');
      await untilServed(steady.charger);

      // The gateway goes: one charger takes more than is paid for, one has ten minutes of its own, and somebody asks for a start.
      await fleet.kill('gateway', 'SIGKILL');
      limited.charger.act(1, { kind: 'resume' });
      away.charger.setOffline(true);
      const ofAsking = await asking.driving.start(parseEther('20'));
      await untilTaken(limited.charger, 1_000);
      late.leap(TEN_MINUTES_MS);
      expect(away.charger.waiting()).toBeGreaterThanOrEqual(10);
      await fleet.startAgain('gateway');
      await untilServed(steady.charger);
      await untilIdle(limited.charger);
      away.charger.setOffline(false);
      await waitFor(() => away.charger.waiting() === 0, {
        what: 'the charger that was away to have told all',
        timeoutMs: 3 * MINUTES_MS,
      });

      // Two of four operators go; a charger loses its power; the other two operators are enough.
      await Promise.all(['operator-2', 'operator-3'].map((name) => fleet.kill(name, 'SIGKILL')));
      await untilTaken(rebooted.charger, 200);
      rebooted.charger.powerFailure();
      await waitFor(() => rebooted.charger.isOnline(), { what: 'the charger to be back', timeoutMs: 3 * MINUTES_MS });
      await rebooted.charger.settled();
      await limited.charger.settled();
      await rebooted.driving.askResult(ofRebooted);
      await limited.driving.askResult(ofLimited);
      await away.driving.stop(ofAway);
      expect(await rebooted.driving.untilIn(ofRebooted, 'Settled', 'Suspect')).toMatchObject({
        state: 'Settled',
        stop: 'PowerLoss',
      });
      expect(await limited.driving.untilIn(ofLimited, 'Settled', 'Suspect')).toMatchObject({
        state: 'Settled',
        stop: 'EnergyLimit',
      });
      const whole = await away.driving.untilIn(ofAway, 'Settled', 'Suspect');
      expect(whole).toMatchObject({ state: 'Settled', stop: 'Remote' });
      expect(whole.energyWh).toBeGreaterThan(6_000);
      expect(whole.endedAtSec - whole.startedAtSec).toBeGreaterThanOrEqual(600);
      await Promise.all(['operator-2', 'operator-3'].map((name) => fleet.startAgain(name)));

      // What was asked for while the gateway was away began, or all was given back.
      const { state: came } = await asking.driving.untilIn(ofAsking, 'Active', 'Rejected', 'Expired');
      if (came === 'Active') {
        await untilTaken(asking.charger, 200);
        await asking.driving.stop(ofAsking);
        expect(await asking.driving.untilIn(ofAsking, 'Settled', 'Suspect')).toMatchObject({ state: 'Settled' });
      } else {
        expect(await asking.driving.reason(ofAsking)).not.toBe('');
      }

      // The chain goes: the charger is served all the same, and is stopped once the chain is back.
      process.kill(fleet.pidOf('chain'), 'SIGSTOP');
      await untilServed(steady.charger).finally(() => process.kill(fleet.pidOf('chain'), 'SIGCONT'));
      await untilTaken(steady.charger, 200);
      await steady.driving.stop(ofSteady);
      expect(await steady.driving.untilIn(ofSteady, 'Settled', 'Suspect')).toMatchObject({
        state: 'Settled',
        stop: 'Remote',
      });

      // The operators that were away have what they missed.
      const kept = () =>
        (readOperatorLog(network.adapterDatabase(1)).get('CP-3') ?? []).filter(({ frame }) =>
          frame.includes('"MeterValues"'),
        );
      await waitFor(() => kept().length >= 10, { what: 'what was missed to be there', timeoutMs: 3 * MINUTES_MS });

      // All operators go, for good: the gateway alone ends a session at what it may take, and its deposit expires.
      await Promise.all(state.operators.map(({ name }) => fleet.kill(name, 'SIGKILL')));
      lost.charger.act(1, { kind: 'resume' });
      await untilIdle(lost.charger);
      await network.provider.send('evm_increaseTime', [await lost.driving.deadlineSec()]);
      await lost.driving.expire(ofLost);
      expect(await lost.driving.session(ofLost)).toMatchObject({ state: 'Expired', energyWh: 0 });

      const after = await ledger();
      const all = ({ ofDriver, owner, fees }: typeof after) => ofDriver + owner + fees;
      // Nothing is locked any more, nothing was made or lost, and the vault has what it says.
      expect(after.held).toBe(all(after));
      expect(all(after)).toBe(all(before));
      expect(after.there).toBe(before.there);
      expect(after.there).toBe(after.held);
      expect(after.owner).toBeGreaterThan(before.owner);
      for (const { charger } of [steady, rebooted, away, limited, asking, lost]) await untilIdle(charger);
      // Nobody told anything else than the others.
      for (const [n] of state.operators.entries()) expect((await network.record(n)).disagreed).toBe(0);
      expect(deaths).toEqual([]);
    },
    12 * MINUTES_MS,
  );
});
