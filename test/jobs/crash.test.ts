import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { freePort } from '../support/ports.ts';
import { type NodeProcess, startNodeProcess } from './node-process.ts';
import { passThrough, type RpcProxy, startRpcProxy } from './rpc-proxy.ts';
import { ANSWER, makeWorld, PATIENCE_MS, type World, waitFor } from './world.ts';

jest.setTimeout(PATIENCE_MS);

describe('a job node that is killed (SIGKILL) and started again', () => {
  let world: World;
  let proxy: RpcProxy;
  let nonce = 0;
  /** The same for each node, as answers that come later find it. */
  let port: number;
  /** The node that runs: the one that came after the last death is the next to die. */
  let node: NodeProcess | undefined;
  beforeAll(async () => {
    port = await freePort();
    world = await makeWorld({
      specChanges: (toml) => toml.replace('name="devsen"', 'name="devsen" async="true"'),
    });
    proxy = await startRpcProxy(world.chain.rpcUrl);
  });
  afterAll(async () => {
    await node?.stop();
    await proxy.close();
    await world.close();
  });

  const start = () => startNodeProcess(world.env({ RPC_URL: proxy.url, JOBS_PORT: `${port}` }));

  /** Asks, has the node killed at a moment, starts it again, and expects one answer by one successful tx. */
  async function expectOneAnswer(killAt: (kill: () => void) => void): Promise<void> {
    const before = await world.fulfilTxs();
    const first = node ?? start();
    await waitFor(() => first.messages.includes('job node runs'), { what: 'the node to run' });
    killAt(first.kill9);
    const requestId = await world.request(++nonce);
    await waitFor(() => first.exit.then(() => true), { what: 'the node to be killed' });
    proxy.hook = passThrough;
    const second = start();
    node = second;
    await waitFor(async () => (await world.answered()).includes(requestId), { what: 'the answer' });
    await waitFor(() => second.messages.includes('run completed'), { what: 'the run to end' });
    expect((await world.answered()).filter((id) => id === requestId)).toHaveLength(1);
    expect((await world.fulfilTxs()).slice(before.length)).toEqual([{ status: 1, nonce: before.length }]);
  }

  const METHODS = ['eth_getLogs', 'eth_call', 'eth_sendRawTransaction', 'eth_getTransactionReceipt'];
  for (const method of METHODS) {
    it(`answers once when it dies before its ${method} reaches the chain`, () =>
      expectOneAnswer((kill) => {
        proxy.hook = async (called, _params, forward) => {
          if (called !== method) return forward();
          kill();
          throw new Error('cut');
        };
      }));

    it(`answers once when it dies before it hears of its ${method}`, () =>
      expectOneAnswer((kill) => {
        proxy.hook = async (called, _params, forward) => {
          const answer = await forward();
          if (called !== method) return answer;
          kill();
          throw new Error('cut');
        };
      }));
  }

  it('asks the adapter again when it died while the adapter held the question', async () => {
    const ready = world.bridge.answer;
    const askedBefore = world.bridge.asked.length;
    await expectOneAnswer((kill) => {
      world.bridge.answer = () => {
        world.bridge.answer = ready;
        kill();
        return new Promise(() => {});
      };
    });
    expect(world.bridge.asked.length - askedBefore).toBe(2);
  });

  it('takes an answer that comes later though it died while it waited, and does not ask again', async () => {
    const ready = world.bridge.answer;
    const askedBefore = world.bridge.asked.length;
    const awaits = async () => {
      const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      return metrics.includes('devsen_jobs_awaited_answers 1');
    };
    const bring = async (url: string) => {
      const body = JSON.stringify({ value: { result: ANSWER } });
      return (await fetch(url, { method: 'PATCH', body }).catch(() => undefined))?.status === 200;
    };
    let brought: Promise<unknown> | undefined;
    await expectOneAnswer((kill) => {
      world.bridge.answer = (ask) => {
        world.bridge.answer = ready;
        const url = String(world.bridge.asked[ask - 1]?.responseURL);
        brought = waitFor(awaits, { what: 'the run to wait' })
          .then(kill)
          .then(() => waitFor(() => bring(url), { what: 'the answer to be taken' }));
        return { status: 200, body: { pending: true } };
      };
    });
    await brought;
    expect(world.bridge.asked.length - askedBefore).toBe(1);
  });

  it(
    'answers twenty requests that were asked in 500 blocks while it was down, each once',
    async () => {
      await node?.stop();
      const begin = await world.chain.provider.getBlockNumber();
      const ids: string[] = [];
      for (let i = 0; i < 20; i++) {
        ids.push(await world.request(++nonce));
        await world.chain.provider.send('hardhat_mine', ['0x18']);
      }
      expect((await world.chain.provider.getBlockNumber()) - begin).toBe(500);
      node = startNodeProcess(world.env({ RPC_URL: proxy.url, LOG_RANGE_BLOCKS: '70', BACKFILL_BLOCKS: '600' }));
      const isAnswered = async () => {
        const known = new Set(await world.answered());
        return ids.every((id) => known.has(id));
      };
      await waitFor(isAnswered, { what: 'twenty answers', timeoutMs: 2 * PATIENCE_MS });
      expect(new Set(await world.answered()).size).toBe((await world.answered()).length);
      expect((await world.fulfilTxs()).every(({ status }) => status === 1)).toBe(true);
    },
    3 * PATIENCE_MS,
  );

  it('refuses to share its database with another', async () => {
    node ??= start();
    const first = node;
    await waitFor(() => first.messages.includes('job node runs'), { what: 'the node to run' });
    const second = startNodeProcess(world.env());
    expect(await second.exit).toBe(1);
    expect(second.messages).toEqual(['stopped by an error']);
    await first.stop();
    expect(await first.exit).toBe(0);
  });
});
