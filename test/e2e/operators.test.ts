import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Contract } from 'ethers';
import { ORACLE_ABI } from '../../core/abi.ts';
import { decodeChargerStatus } from '../../core/queries.ts';
import { STATUS } from '../../core/status.ts';
import { contractAt } from '../../network/contracts.ts';
import { startTestNetwork, type TestNetwork } from './test-network.ts';

const LIAR = 3;
const FEE_JUELS = 10n ** 17n;
const MINUTES_MS = 60_000;

/** `IOracleConsumer.Outcome.Expired` */
const EXPIRED = 3n;

describe('a network of four operators of which one lies', () => {
  let network: TestNetwork;
  beforeAll(async () => {
    network = await startTestNetwork({ chargers: 1, operatorScripts: { [LIAR]: 'test/e2e/lying-operator.ts' } });
    const charger = await network.charger('CP-1');
    charger.plug(1, { battery: { capacityWh: 77_000, levelWh: 10_000 }, maxPowerW: 11_000 });
    expect(await charger.present(1, network.idTag)).toBeUndefined();
    await charger.settled();
  }, 3 * MINUTES_MS);
  afterAll(() => network?.close(), MINUTES_MS);

  it(
    'tells the consumer the truth, and the liar’s record says that it disagreed',
    async () => {
      const reply = await network.ask('CP-1', 1);
      expect(reply.request.outcome).toBe('answered');
      expect(reply.held).toMatchObject({ status: STATUS.Charging, errorClass: 0, online: true });
      const statuses = network.state.operators.map(({ oracle }) => {
        const given = reply.request.observations.find((observation) => observation.oracle === oracle);
        return given && decodeChargerStatus(given.answer).status;
      });
      expect(statuses).toEqual([STATUS.Charging, STATUS.Charging, STATUS.Charging, STATUS.Faulted]);
      expect(await network.record(0)).toEqual({ agreed: 1, disagreed: 0, missed: 0 });
      expect(await network.record(LIAR)).toEqual({ agreed: 0, disagreed: 1, missed: 0 });
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
      const before: bigint = await ledger.getFunction('accountJuels')(state.addresses.consumer);
      // one answers truly, one falsely, two not at all: no two are equal
      const asked = Promise.withResolvers<string>();
      const asking = network.ask('CP-1', 1, { answerLimitMs: 4 * MINUTES_MS }, asked.resolve);
      const requestId = await asked.promise;
      const fromBlock = await provider.getBlockNumber();
      await network.observations(requestId, 2);
      expect(await ledger.getFunction('accountJuels')(state.addresses.consumer)).toBe(before - 4n * FEE_JUELS);

      await provider.send('evm_increaseTime', [301]);
      await (await ledger.getFunction('expire')(requestId)).wait();

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
      expect((await network.record(0)).missed).toBe(1);
      expect((await network.record(1)).missed).toBe(1);
      expect(network.deaths).toEqual([]);
    },
    8 * MINUTES_MS,
  );
});
