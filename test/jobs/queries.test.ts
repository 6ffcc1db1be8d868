import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { AbiCoder, Interface } from 'ethers';
import { OPERATOR_ABI } from '../../core/abi.ts';
import { encodeMeterReadingParams, encodeUptimeParams, QUERIES, type QueryName, specIdOf } from '../../core/queries.ts';
import { encodeSessionParams, encodeStartParams } from '../../core/session-answers.ts';
import { type RunningJobNode, startJobNode } from '../../jobs/node/start.ts';
import { makeLog } from '../../runtime/log.ts';
import {
  ANSWER,
  AS_OF_SEC,
  callbackArguments,
  DEVICE_ID,
  encodeRequestData,
  makeWorld,
  PATIENCE_MS,
  PAYMENT_JUELS,
  type World,
  waitFor,
} from './world.ts';

jest.setTimeout(PATIENCE_MS);

const SESSION_ID = `0x${'a5'.repeat(32)}`;

const COMMAND_PARAMS = AbiCoder.defaultAbiCoder().encode(['string', 'string'], ['Reset', '{}']);

describe('requests at a real Operator', () => {
  let world: World;
  let node: RunningJobNode;
  beforeAll(async () => {
    world = await makeWorld({
      queries: ['charger-status', 'meter-reading', 'uptime', 'session-result', 'start-charge', 'command'],
    });
    const answerAtOnce = world.bridge.answer;
    world.bridge.answer = async (ask) => {
      const { responseURL } = world.bridge.asked[ask - 1] as { responseURL?: string };
      if (responseURL === undefined) return answerAtOnce(ask);
      const { body: value } = await answerAtOnce(ask);
      const bring = async (url: string) =>
        (await fetch(url, { method: 'PATCH', body: JSON.stringify({ value }) })).status;
      const other = `${responseURL.slice(0, -1)}${responseURL.endsWith('0') ? 1 : 0}`;
      for (const url of [responseURL.replace(/\?.*/, ''), other, responseURL, responseURL]) said.push(await bring(url));
      return { status: 200, body: { pending: true } };
    };
    node = await startJobNode(world.settings(), makeLog('jobs', process.env.LOG_LEVEL ?? 'silent'));
  });
  afterAll(async () => {
    await node.close();
    await world.close();
  });
  /** What the node said to answers that were brought to it. */
  const said: number[] = [];

  it("are answered once with the adapter's bytes, for both encodings of the job's id", async () => {
    const asText = await world.request(1);
    const asBytes = await world.request(2, `0x0de75e00c4a94e578a70000000000001${'0'.repeat(32)}`);
    await waitFor(async () => (await world.answered()).length === 2, { what: 'two answers' });
    expect((await world.answered()).sort()).toEqual([asText, asBytes].sort());

    const logs = await world.chain.provider.getLogs({ address: world.operatorAddress, fromBlock: 0 });
    const fulfilment = logs.findLast((entry) => entry.topics[1] === asText && entry.data === '0x');
    const tx = await world.chain.provider.getTransaction(fulfilment?.transactionHash ?? '');
    const call = new Interface(OPERATOR_ABI).decodeFunctionData('fulfillOracleRequest2', tx?.data ?? '0x');
    expect(call.data).toBe(callbackArguments(asText, ANSWER));

    const asked = world.bridge.asked.findIndex(({ id }) => id === asText);
    expect(world.bridge.asked[asked]).toMatchObject({
      data: { endpoint: 'charger-status', deviceId: DEVICE_ID, connector: 2, asOf: AS_OF_SEC },
      meta: { oracleRequest: { requestId: asText, payment: '100000000000000000' } },
    });
    expect(world.bridge.headers[asked]?.authorization).toBe('Bearer bridge-token');
  });

  it('ask the adapter what the contract asked, and are answered, commands later and once', async () => {
    const ask = (nonce: number, name: QueryName, params: string) => {
      const specId = specIdOf(QUERIES.find((query) => query.name === name)?.externalJobId ?? '');
      return world.request(nonce, specId, PAYMENT_JUELS, encodeRequestData(DEVICE_ID, AS_OF_SEC, params));
    };
    const ids = [
      await ask(3, 'meter-reading', encodeMeterReadingParams(2)),
      await ask(4, 'uptime', encodeUptimeParams(AS_OF_SEC - 86_400, AS_OF_SEC)),
      await ask(5, 'session-result', encodeSessionParams(SESSION_ID)),
      await ask(6, 'start-charge', encodeStartParams(2, 9_000n)),
      await ask(7, 'command', COMMAND_PARAMS),
    ];
    await waitFor(async () => (await world.answered()).length === 7, { what: 'five answers' });
    expect((await world.answered()).slice(2).sort()).toEqual([...ids].sort());
    // Without a token, with another, with its own, and with its own again; once for each of the two that are answered later.
    await waitFor(() => said.length >= 8, { what: 'what the node says to what is brought' });
    expect([...said].sort()).toEqual([200, 200, 401, 401, 401, 401, 409, 409]);
    const asked = (world.bridge.asked as { data: { endpoint: string } }[]).slice(2).map(({ data }) => data);
    const of = { deviceId: DEVICE_ID, asOf: AS_OF_SEC };
    expect(asked.sort((one, other) => (one.endpoint < other.endpoint ? -1 : 1))).toEqual([
      { endpoint: 'command', requestId: ids[4], params: COMMAND_PARAMS, ...of },
      { endpoint: 'meter-reading', deviceId: DEVICE_ID, connector: 2, asOf: AS_OF_SEC },
      { endpoint: 'session-result', deviceId: DEVICE_ID, sessionId: SESSION_ID, asOf: AS_OF_SEC },
      { endpoint: 'start-charge', requestId: ids[3], params: encodeStartParams(2, 9_000n), ...of },
      { endpoint: 'uptime', deviceId: DEVICE_ID, from: AS_OF_SEC - 86_400, to: AS_OF_SEC, asOf: AS_OF_SEC },
    ]);
  });
});
