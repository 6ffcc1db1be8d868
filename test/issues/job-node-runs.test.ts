import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type RunningJobNode, startJobNode } from '../../jobs/node/start.ts';
import { makeLog } from '../../runtime/log.ts';
import { type RpcProxy, startRpcProxy } from '../jobs/rpc-proxy.ts';
import { listRuns, makeWorld, PATIENCE_MS, type World, waitFor } from '../jobs/world.ts';

jest.setTimeout(PATIENCE_MS);

const log = makeLog('jobs', process.env.LOG_LEVEL ?? 'silent');

describe('a run', () => {
  let world: World;
  let proxy: RpcProxy;
  let node: RunningJobNode;
  beforeEach(async () => {
    world = await makeWorld({
      specChanges: (toml) => toml.replace('minConfirmations="1" failOnRevert', 'minConfirmations="3" failOnRevert'),
    });
    proxy = await startRpcProxy(world.chain.rpcUrl);
  });
  afterEach(async () => {
    await node.close();
    await proxy.close();
    await world.close();
  });
  const mine = (blocks: number) => world.chain.provider.send('hardhat_mine', [`0x${blocks.toString(16)}`]);
  const state = async () => (await listRuns(node.port))[0]?.state;

  // Seen: the node asked for all logs since the request in one call; where an endpoint bounds the blocks of a call it
  // asked again every second, and the run kept its place among MAX_RUNS for ever.
  it('that failed ends where the endpoint gives logs of few blocks in one call', async () => {
    proxy.hook = async (method, params, forward) => {
      const { fromBlock, toBlock } = (params[0] ?? {}) as { fromBlock: string; toBlock: string };
      if (method !== 'eth_getLogs' || Number(toBlock) - Number(fromBlock) < 2) return forward();
      return { error: { code: -32_005, message: 'at most 2 blocks' } };
    };
    let release: () => void = () => {};
    const ready = world.bridge.answer;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    world.bridge.answer = (ask) => held.then(() => ready(ask));
    node = await startJobNode(world.settings({ RPC_URL: proxy.url }), log);
    await world.request(1);
    await waitFor(() => world.bridge.asked.length === 1, { what: 'the question to the adapter' });
    await (await world.operator.getFunction('setAuthorizedSenders')([await world.chain.wallet(2).getAddress()])).wait();
    await mine(6);
    release();
    await waitFor(async () => (await state()) === 'errored', { what: 'the run to fail' });
    expect((await listRuns(node.port))[0]?.note).toBe('submit: not sent, it would fail: Not authorized sender');
  });

  // Seen: with FINALITY_BLOCKS below a task's minConfirmations its tx was final before the task was told, and nobody
  // looked after it any more: the run never ended.
  it('ends whose tx waits for more blocks than count as final', async () => {
    node = await startJobNode(world.settings({ FINALITY_BLOCKS: '1' }), log);
    await world.request(1);
    const metrics = async () => (await fetch(`http://127.0.0.1:${node.port}/metrics`)).text();
    await waitFor(async () => (await metrics()).includes('devsen_jobs_tx_events_total{event="mined"} 1'), {
      what: 'the answer to be seen mined',
    });
    expect(await state()).toBe('unfinished');
    await mine(2);
    await waitFor(async () => (await state()) === 'completed', { what: 'the run to end' });
  });
});
