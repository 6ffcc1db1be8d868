import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Contract, computeAddress } from 'ethers';
import { ORACLE_ABI } from '../../core/abi.ts';
import { deviceIdOf } from '../../core/identity.ts';
import { decodeChargerStatus } from '../../core/queries.ts';
import { STATUS } from '../../core/status.ts';
import { ensureCards } from '../../network/cards.ts';
import { contractAt } from '../../network/contracts.ts';
import type { Charger } from '../../simulator/charger.ts';
import { waitFor } from '../support/wait.ts';
import { gapsIn, readOperatorLog } from './operator-log.ts';
import { startTestNetwork, type TestNetwork } from './test-network.ts';

const CHARGERS = 100;
const MINUTES_MS = 60_000;
/** The operator that lies in the end, by its place. */
const LIAR = 3;
const FEE_JUELS = 10n ** 17n;
/** `IOracleConsumer.Outcome.Expired` */
const EXPIRED = 3n;
/** Messages between two mishaps: two of each charger. */
const MESSAGES_BETWEEN = 2 * CHARGERS;

const IMPATIENT = {
  connectTimeoutMs: 5_000,
  answerTimeoutMs: 5_000,
  unansweredLimit: 2,
  retryMs: 500,
  attempts: 100,
  backoff: { firstMs: 500, longestMs: 2_000 },
};

describe('a network whose processes are killed while a hundred chargers send', () => {
  let network: TestNetwork;
  const chargers: Charger[] = [];
  let cards: string[];
  const acknowledged = new Map<string, { frame: string; reply: string }[]>();
  const count = () => [...acknowledged.values()].reduce((sum, frames) => sum + frames.length, 0);

  beforeAll(async () => {
    network = await startTestNetwork({ chargers: CHARGERS });
    const { keys, chain } = network;
    // Of its own for each charger: a card that charges at one is refused at the others.
    cards = network.state.chargers.map(({ identity }) => `CARD-${identity}`);
    await ensureCards(chain.contracts, computeAddress(keys.asker), cards, Buffer.from(keys.idTagPepper, 'hex'));
    const starting = network.state.chargers.map(async ({ identity }, n) => {
      const frames: { frame: string; reply: string }[] = [];
      acknowledged.set(identity, frames);
      const charger = await network.charger(identity, {
        timings: IMPATIENT,
        meterIntervalMs: 1_000,
        watch: (happening) => {
          if (happening.kind === 'acknowledged') frames.push({ frame: happening.frame, reply: happening.reply });
        },
      });
      charger.plug(1, { battery: { capacityWh: 77_000, levelWh: 10_000 }, maxPowerW: 22_000 });
      expect(await charger.present(1, cards[n] ?? '')).toBeUndefined();
      chargers.push(charger);
    });
    await Promise.all(starting);
  }, 4 * MINUTES_MS);
  afterAll(() => network?.close(), MINUTES_MS);

  it(
    'has every acknowledged event in every operator’s log exactly once and in order, and answers each request once',
    async () => {
      const { fleet, state, provider, asker, deaths } = network;
      const fromBlock = await provider.getBlockNumber();
      const consumer = await contractAt('ExampleStatusConsumer', state.addresses.consumer, asker);
      const ask = async (n: number) => {
        await (await consumer.getFunction('ask')(deviceIdOf(`CP-${n}`), 1)).wait();
      };
      const moreMessages = async (what: string) => {
        const before = count();
        await waitFor(() => count() >= before + MESSAGES_BETWEEN, {
          what: `chargers to send ${what}`,
          timeoutMs: 3 * MINUTES_MS,
        });
      };
      await moreMessages('at all');
      let asked = 0;
      for (const victim of ['gateway', 'operator-2', 'redis']) {
        await ask(++asked);
        const exit = await fleet.kill(victim, 'SIGKILL');
        expect(exit.signal).toBe('SIGKILL');
        await ask(++asked);
        await fleet.startAgain(victim);
        await moreMessages(`after the ${victim} came back`);
      }
      await ask(++asked);

      // each operator has all that was acknowledged
      for (const charger of chargers) charger.act(1, { kind: 'stop', reason: 'Local' });
      await Promise.all(chargers.map((charger) => charger.settled()));
      await Promise.all(chargers.map((charger) => charger.close()));
      const last = [...acknowledged.values()].map((frames) => frames.at(-1)?.frame);
      for (const [n] of state.operators.entries()) {
        await waitFor(
          () => {
            const log = readOperatorLog(network.adapterDatabase(n));
            const frames = new Set([...log.values()].flatMap((events) => events.map(({ frame }) => frame)));
            return last.every((frame) => frame !== undefined && frames.has(frame));
          },
          { what: `operator ${n + 1} to have every charger’s last message`, timeoutMs: 3 * MINUTES_MS },
        );
      }
      const logs = state.operators.map((_, n) => readOperatorLog(network.adapterDatabase(n)));
      for (const log of logs) {
        for (const [identity, frames] of acknowledged) {
          const events = log.get(identity) ?? [];
          expect(gapsIn(events)).toEqual([]);
          const isAcknowledged = new Set(frames.map(({ frame }) => frame));
          const theirs = events
            .filter(({ frame }) => isAcknowledged.has(frame))
            .map(({ frame, reply }) => ({ frame, reply }));
          expect(theirs).toEqual(frames);
        }
      }
      // what is on record beyond that is the same at all of them, too
      const calls = logs.map((log) =>
        [...log].map(([identity, events]) => [identity, events.filter(({ kind }) => kind === 'call')]),
      );
      for (const other of calls.slice(1)) expect(other).toEqual(calls[0]);

      // each request was answered once: by each operator, by the ledger, at the consumer
      const ledger = new Contract(state.addresses.oracle, ORACLE_ABI, provider);
      const logged = async (contract: Contract, event: string) => {
        const found = await contract.queryFilter(event, fromBlock);
        return found.map((log) => ('args' in log ? String(log.args.requestId) : ''));
      };
      const requested = await logged(ledger, 'Requested');
      expect(requested).toHaveLength(asked);
      await waitFor(async () => (await logged(ledger, 'Observed')).length >= 4 * asked, {
        what: 'four answers to each request',
        timeoutMs: 2 * MINUTES_MS,
      });
      expect((await logged(ledger, 'Observed')).toSorted()).toEqual(
        requested.flatMap((each) => [each, each, each, each]).toSorted(),
      );
      expect((await logged(ledger, 'Answered')).toSorted()).toEqual(requested.toSorted());
      expect((await logged(consumer, 'Told')).toSorted()).toEqual(requested.toSorted());
      expect(deaths).toEqual([]);
    },
    12 * MINUTES_MS,
  );

  it(
    'tells the consumer the truth, and the liar’s record says that it disagreed',
    async () => {
      await network.fleet.kill('operator-4', 'SIGTERM');
      await network.startOperator(LIAR, 'test/e2e/lying-operator.ts');
      const charger = await network.charger('CP-1');
      charger.plug(1, { battery: { capacityWh: 77_000, levelWh: 10_000 }, maxPowerW: 11_000 });
      expect(await charger.present(1, cards[0] ?? '')).toBeUndefined();
      await charger.settled();
      const [honest, liar] = [await network.record(0), await network.record(LIAR)];
      const reply = await network.ask('CP-1', 1);
      expect(reply.request.outcome).toBe('answered');
      expect(reply.held).toMatchObject({ status: STATUS.Charging, errorClass: 0, online: true });
      const statuses = network.state.operators.map(({ oracle }) => {
        const given = reply.request.observations.find((observation) => observation.oracle === oracle);
        return given && decodeChargerStatus(given.answer).status;
      });
      expect(statuses).toEqual([STATUS.Charging, STATUS.Charging, STATUS.Charging, STATUS.Faulted]);
      expect(await network.record(0)).toEqual({ ...honest, agreed: honest.agreed + 1, disagreed: 0 });
      expect(await network.record(LIAR)).toEqual({ ...liar, disagreed: 1 });
    },
    5 * MINUTES_MS,
  );

  it(
    'still answers when one of the honest ones is dead',
    async () => {
      await network.fleet.kill('operator-1', 'SIGKILL');
      const reply = await network.ask('CP-1', 1, { stragglerLimitMs: 0 });
      expect(reply.request.outcome).toBe('answered');
      expect(reply.held).toMatchObject({ status: STATUS.Charging, online: true });
      expect(reply.request.observations.map(({ oracle }) => oracle)).not.toContain(network.state.operators[0]?.oracle);
    },
    5 * MINUTES_MS,
  );

  it(
    'expires a request that too few honest ones answer: LINK comes back and the consumer is told',
    async () => {
      await network.fleet.kill('operator-2', 'SIGKILL');
      const { provider, asker, state } = network;
      const ledger = new Contract(state.addresses.oracle, ORACLE_ABI, asker);
      const missed = await Promise.all([network.record(0), network.record(1)]);
      const before: bigint = await ledger.getFunction('accountJuels')(state.addresses.consumer);
      // one answers truly, one falsely, two not at all: no two are equal
      const asked = Promise.withResolvers<string>();
      const asking = network.ask('CP-1', 1, { answerLimitMs: 4 * MINUTES_MS }, asked.resolve);
      const requestId = await asked.promise;
      const fromBlock = await provider.getBlockNumber();
      await network.observations(requestId, 2);
      expect(await ledger.getFunction('accountJuels')(state.addresses.consumer)).toBe(before - 4n * FEE_JUELS);

      await provider.send('evm_increaseTime', [301]);
      // One of the two that are left may be first.
      await ledger
        .getFunction('expire')(requestId)
        .then((tx) => tx.wait())
        .catch(() => undefined);

      const reply = await asking;
      expect(reply.request.outcome).toBe('expired');
      expect(reply.request.observations).toHaveLength(2);
      // the two that answered were paid, the other two were not
      expect(await ledger.getFunction('accountJuels')(state.addresses.consumer)).toBe(before - 2n * FEE_JUELS);
      const consumer = await contractAt('ExampleStatusConsumer', state.addresses.consumer, asker);
      const told = await consumer.queryFilter('NotTold', fromBlock);
      expect(told.map((log) => ('args' in log ? [log.args.requestId, log.args.outcome] : []))).toEqual([
        [requestId, EXPIRED],
      ]);
      expect((await network.record(0)).missed).toBe((missed[0]?.missed ?? 0) + 1);
      expect((await network.record(1)).missed).toBe((missed[1]?.missed ?? 0) + 1);
      expect(network.deaths).toEqual([]);
    },
    8 * MINUTES_MS,
  );
});
