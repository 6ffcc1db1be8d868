import { afterAll, beforeAll, it, jest } from '@jest/globals';
import { startJobNode } from '../../jobs/node/start.ts';
import { makeLog } from '../../runtime/log.ts';
import { type Relay, startRelay } from '../support/rpc-proxy.ts';
import { type RpcProxy, startRpcProxy } from './rpc-proxy.ts';
import { makeWorld, PATIENCE_MS, type World, waitFor } from './world.ts';

jest.setTimeout(3 * PATIENCE_MS);

/** Polls alone would see one block in that time: three blocks, each within half of it, are seen by being told. */
const POLL_MS = 60_000;
const BLOCK_MS = POLL_MS / 2;

let world: World;
let proxy: RpcProxy;
let relay: Relay;
beforeAll(async () => {
  world = await makeWorld();
  proxy = await startRpcProxy(world.chain.rpcUrl);
  relay = await startRelay(world.chain.port);
});
afterAll(async () => {
  await relay.close();
  await proxy.close();
  await world.close();
});

/** How often logs were read; nothing but a look at the chain does that. */
const looks = () => proxy.calls.filter((method) => method === 'eth_getLogs').length;

/** Lets blocks be made until one of them has the chain looked at. */
async function untilWoken(): Promise<void> {
  const before = looks();
  const isWoken = async () => {
    await world.chain.provider.send('hardhat_mine', ['0x1']);
    return looks() > before;
  };
  await waitFor(isWoken, { what: 'the chain to be looked at', timeoutMs: BLOCK_MS });
}

it('new blocks that a WebSocket tells of are read at once, again after it broke, and a request is answered then', async () => {
  const settings = world.settings({
    RPC_URL: proxy.url,
    RPC_WS_URL: `ws://127.0.0.1:${relay.port}`,
    CHAIN_POLL_MS: `${POLL_MS}`,
  });
  const node = await startJobNode(settings, makeLog('jobs', process.env.LOG_LEVEL ?? 'silent'));
  try {
    for (let n = 0; n < 3; n++) await untilWoken();
    const requestId = await world.request(1);
    await untilWoken();
    await waitFor(async () => (await world.answered()).includes(requestId), { what: 'the answer' });

    await relay.cut();
    await relay.restore();
    for (let n = 0; n < 3; n++) await untilWoken();
  } finally {
    await node.close();
  }
});
