import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Contract, computeAddress } from 'ethers';
import { ORACLE_ABI } from '../../core/abi.ts';
import { deviceIdOf } from '../../core/identity.ts';
import { ensureCards } from '../../network/cards.ts';
import { contractAt } from '../../network/contracts.ts';
import type { Charger } from '../../simulator/charger.ts';
import { waitFor } from '../support/wait.ts';
import { gapsIn, readOperatorLog } from './operator-log.ts';
import { startTestNetwork, type TestNetwork } from './test-network.ts';

const CHARGERS = 100;
const MINUTES_MS = 60_000;
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
  const acknowledged = new Map<string, { frame: string; reply: string }[]>();
  const count = () => [...acknowledged.values()].reduce((sum, frames) => sum + frames.length, 0);

  beforeAll(async () => {
    network = await startTestNetwork({ chargers: CHARGERS });
    const { keys, chain } = network;
    // Of its own for each charger: a card that charges at one is refused at the others.
    const cards = network.state.chargers.map(({ identity }) => `CARD-${identity}`);
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
});
