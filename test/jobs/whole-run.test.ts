import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Interface } from 'ethers';
import { OPERATOR_ABI } from '../../core/abi.ts';
import { startJobNode } from '../../jobs/node/start.ts';
import { makeLog } from '../../runtime/log.ts';
import {
  ANSWER,
  AS_OF_SEC,
  callbackArguments,
  DEVICE_ID,
  makeWorld,
  PATIENCE_MS,
  type World,
  waitFor,
} from './world.ts';

jest.setTimeout(PATIENCE_MS);

const log = makeLog('jobs', process.env.LOG_LEVEL ?? 'silent');

describe('a request at a real Operator', () => {
  let world: World;
  beforeAll(async () => {
    world = await makeWorld();
  });
  afterAll(() => world.close());

  it("is answered once with the adapter's bytes, for both encodings of the job's id", async () => {
    const node = await startJobNode(world.settings(), log);
    try {
      const asText = await world.request(1);
      const asBytes = await world.request(2, `0x0de75e00c4a94e578a70000000000001${'0'.repeat(32)}`);
      await waitFor(async () => (await world.answered()).length === 2, { what: 'two answers' });
      expect((await world.answered()).sort()).toEqual([asText, asBytes].sort());

      const logs = await world.chain.provider.getLogs({ address: world.operatorAddress, fromBlock: 0 });
      const fulfilment = logs.findLast((entry) => entry.topics[1] === asText && entry.data === '0x');
      const tx = await world.chain.provider.getTransaction(fulfilment?.transactionHash ?? '');
      const call = new Interface(OPERATOR_ABI).decodeFunctionData('fulfillOracleRequest2', tx?.data ?? '0x');
      expect(call.data).toBe(callbackArguments(asText, ANSWER));
    } finally {
      await node.close();
    }
  });

  it('asks the adapter by hex ids and plain numbers, with its token', () => {
    expect(world.bridge.asked[0]).toMatchObject({
      id: world.requestIdOf(1),
      data: { endpoint: 'charger-status', deviceId: DEVICE_ID, connector: 2, asOf: AS_OF_SEC },
      meta: { oracleRequest: { requestId: world.requestIdOf(1), payment: '100000000000000000' } },
    });
    expect(world.bridge.headers[0]?.authorization).toBe('Bearer bridge-token');
  });
});
