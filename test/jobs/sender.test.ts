import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { parseUnits, Wallet } from 'ethers';
import { type RunningJobNode, startJobNode } from '../../jobs/node/start.ts';
import { makeLog } from '../../runtime/log.ts';
import { passThrough, type RpcProxy, startRpcProxy } from './rpc-proxy.ts';
import { listRuns, makeWorld, PATIENCE_MS, PAYMENT_JUELS, type World, waitFor } from './world.ts';

jest.setTimeout(PATIENCE_MS);

const log = makeLog('jobs', process.env.LOG_LEVEL ?? 'silent');

interface PendingTx {
  hash: string;
  nonce: string;
  from: string;
  to: string;
  maxFeePerGas: string;
  maxPriorityFeePerGas: string;
}

let world: World;
beforeAll(async () => {
  world = await makeWorld({ blockEveryMs: 0 });
});
afterAll(() => world.close());

describe('the sender, where blocks are mined only when the test says', () => {
  let node: RunningJobNode | undefined;
  let nodeAddress: string;
  beforeAll(async () => {
    nodeAddress = (await world.chain.wallet(1).getAddress()).toLowerCase();
  });
  beforeEach(() => world.refresh());
  afterEach(async () => {
    await node?.close();
    node = undefined;
  });
  const mine = () => world.chain.provider.send('evm_mine', []);
  const pending = async (): Promise<PendingTx[]> => {
    const txs = (await world.chain.provider.send('eth_pendingTransactions', [])) as PendingTx[];
    return txs.filter((tx) => tx.from === nodeAddress);
  };
  const start = async (changes: Record<string, string>) => {
    node = await startJobNode(world.settings(changes), log);
    return node;
  };

  it('raises the fees of a tx that is not mined by a tenth at least, under the same nonce, up to the cap, of which an alert tells', async () => {
    const { port } = await start({ BUMP_AFTER_MS: '100', BUMP_PERCENT: '10', MAX_FEE_GWEI: '3' });
    const alerts = async () =>
      ((await (await fetch(`http://127.0.0.1:${port}/health`)).json()) as { alerts: string[] }).alerts;
    await world.request(1);
    await mine();
    const first = (await waitFor(async () => (await pending())[0], { what: 'the first attempt' })) as PendingTx;
    const seen = new Map<string, PendingTx>([[first.hash, first]]);
    await waitFor(
      async () => {
        for (const tx of await pending()) seen.set(tx.hash, tx);
        return (await alerts()).length > 0;
      },
      { what: 'the cap to be reached' },
    );
    expect(await alerts()).toEqual([
      `the fee of a tx from ${nodeAddress} has reached MAX_FEE_GWEI, and it is not mined`,
    ]);
    for (const tx of await pending()) seen.set(tx.hash, tx);
    expect(seen.size).toBeGreaterThan(1);
    const fees = Array.from(seen.values(), (tx) => BigInt(tx.maxFeePerGas)).sort((a, b) => Number(a - b));
    for (const [i, fee] of fees.entries()) {
      if (i > 0) expect(fee * 10n >= (fees[i - 1] as bigint) * 11n).toBe(true);
    }
    expect(fees.every((fee) => fee <= parseUnits('3', 'gwei'))).toBe(true);
    expect(new Set(Array.from(seen.values(), (tx) => tx.nonce))).toEqual(new Set(['0x0']));
    expect(await pending()).toHaveLength(1);
    await mine();
    await waitFor(async () => (await world.answered()).length === 1, { what: 'the answer' });
    expect(await world.fulfilTxs()).toEqual([{ status: 1, nonce: 0 }]);
    await waitFor(async () => (await alerts()).length === 0, { what: 'the alert to end' });
  });

  it('sends under the next nonce when somebody else with the same key has used its own', async () => {
    await start({ BUMP_AFTER_MS: '600000' });
    await world.request(1);
    await mine();
    await waitFor(async () => (await pending()).length === 1, { what: 'the first attempt' });
    await new Wallet(world.chain.privateKey(1), world.chain.provider).sendTransaction({
      to: nodeAddress,
      nonce: 0,
      maxFeePerGas: parseUnits('100', 'gwei'),
      maxPriorityFeePerGas: parseUnits('50', 'gwei'),
    });
    await mine();
    expect(await world.answered()).toEqual([]);
    await waitFor(async () => (await pending())[0]?.nonce === '0x1', { what: 'the answer under another nonce' });
    await mine();
    expect(await world.fulfilTxs()).toEqual([{ status: 1, nonce: 1 }]);
  });

  it('keeps several txs under way at once, each with a nonce of its own and in order', async () => {
    await start({ MAX_IN_FLIGHT: '4' });
    for (let i = 0; i < 6; i++) await world.request(i);
    await mine();
    await waitFor(async () => (await pending()).length === 4, { what: 'four txs under way' });
    expect((await pending()).map((tx) => Number(tx.nonce)).sort()).toEqual([0, 1, 2, 3]);
    await mine();
    await waitFor(async () => (await pending()).length === 2, { what: 'the other two' });
    await mine();
    expect(new Set(await world.answered()).size).toBe(6);
    expect((await world.fulfilTxs()).map(({ nonce }) => nonce).sort()).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('answers each of many requests in one block once', async () => {
    await start({ MAX_RUNS: '5', MAX_IN_FLIGHT: '8' });
    for (let i = 0; i < 20; i++) await world.request(i);
    await mine();
    const logs = await world.chain.provider.getLogs({ address: world.operatorAddress, fromBlock: 'latest' });
    expect(logs).toHaveLength(20);
    await world.chain.provider.send('evm_setAutomine', [true]);
    await waitFor(async () => new Set(await world.answered()).size === 20, { what: '20 answers' });
    await world.chain.provider.send('evm_setAutomine', [false]);
    expect((await world.fulfilTxs()).map(({ status }) => status)).toEqual(Array(20).fill(1));
  });

  it('gives the nonce of an answer nobody waits for any more to an empty tx', async () => {
    const running = await start({ BUMP_AFTER_MS: '600000' });
    const requestId = await world.request(1);
    await mine();
    await waitFor(async () => (await pending()).length === 1, { what: 'the answer to be under way' });
    const logs = await world.chain.provider.getLogs({ address: world.operatorAddress, fromBlock: 0 });
    const asked = logs
      .map((entry) => world.operator.interface.parseLog(entry))
      .find((event) => event?.name === 'OracleRequest');
    const expiration = asked?.args.cancelExpiration as bigint;
    await world.operator.getFunction('cancelOracleRequest')(requestId, PAYMENT_JUELS, '0xdeadbeef', expiration, {
      gasLimit: 200_000,
      maxFeePerGas: parseUnits('400', 'gwei'),
      maxPriorityFeePerGas: parseUnits('1', 'gwei'),
    });
    // A base fee above what the answer offers keeps it out of the block that holds the cancellation.
    await world.chain.provider.send('hardhat_setNextBlockBaseFeePerGas', [
      `0x${parseUnits('100', 'gwei').toString(16)}`,
    ]);
    await world.chain.provider.send('evm_setNextBlockTimestamp', [Number(expiration)]);
    await mine();
    await waitFor(async () => (await listRuns(running.port))[0]?.state === 'cancelled', { what: 'the cancellation' });
    await waitFor(async () => (await pending())[0]?.to === nodeAddress, { what: 'the empty tx' });
    expect(await pending()).toHaveLength(1);
    await mine();
    await world.request(2);
    await mine();
    await waitFor(async () => (await pending()).length === 1, { what: 'the next answer' });
    await mine();
    expect(await world.fulfilTxs()).toEqual([{ status: 1, nonce: 1 }]);
  });
});

describe('the chain client', () => {
  let proxy: RpcProxy;
  let node: RunningJobNode;
  let nonce = 0;
  const request = () => world.request(++nonce);
  beforeAll(async () => {
    await world.refresh();
    await world.chain.provider.send('evm_setAutomine', [true]);
    proxy = await startRpcProxy(world.chain.rpcUrl);
    node = await startJobNode(world.settings({ RPC_URL: proxy.url, RPC_TIMEOUT_MS: '1000' }), log);
  });
  afterEach(() => {
    proxy.hook = passThrough;
  });
  afterAll(async () => {
    await node.close();
    await proxy.close();
  });
  const answeredAll = (ids: string[]) =>
    waitFor(
      async () => {
        const known = await world.answered();
        return ids.every((id) => known.includes(id));
      },
      { what: 'every answer' },
    );

  it('answers everything asked while the RPC endpoint was away, once', async () => {
    proxy.hook = () => Promise.reject(new Error('away'));
    const ids: string[] = [];
    for (let i = 0; i < 20; i++) {
      ids.push(await request());
      await world.chain.provider.send('hardhat_mine', ['0x19']);
    }
    proxy.hook = passThrough;
    await answeredAll(ids);
    expect(new Set(ids).size).toBe(20);
    expect(await world.answered()).toHaveLength(20);
  });

  it('goes on after calls that were never answered', async () => {
    let frozen = 3;
    proxy.hook = (_method, _params, forward) => (frozen-- > 0 ? new Promise(() => {}) : forward());
    await answeredAll([await request()]);
  });

  it('answers once through an endpoint that fails every call the first time it is made', async () => {
    const failed = new Set<string>();
    proxy.hook = (method, params, forward) => {
      const call = JSON.stringify([method, params]);
      if (failed.has(call)) return forward();
      failed.add(call);
      return Promise.reject(new Error('flap'));
    };
    await answeredAll([await request(), await request()]);
    const txs = await world.fulfilTxs();
    expect(txs.map(({ status }) => status)).toEqual(Array(txs.length).fill(1));
    expect(await world.answered()).toHaveLength(txs.length);
  });

  it('does not take a log that names another block than the chain holds, and takes the true one', async () => {
    let lies = 3;
    proxy.hook = async (method, _params, forward) => {
      const answer = await forward();
      const logs = answer.result as { blockHash: string }[];
      if (method !== 'eth_getLogs' || logs.length === 0 || lies-- <= 0) return answer;
      return { result: logs.map((entry) => ({ ...entry, blockHash: `0x${'66'.repeat(32)}` })) };
    };
    const requestId = await request();
    await answeredAll([requestId]);
    expect(lies).toBeLessThanOrEqual(0);
    expect((await listRuns(node.port)).filter((run) => run.requestId === requestId)).toHaveLength(1);
  });

  it('answers in spite of an endpoint that lags behind what it said before', async () => {
    let old = 0;
    proxy.hook = async (method, params, forward) => {
      const answer = await forward();
      const block = answer.result as { number: string } | null;
      if (method !== 'eth_getBlockByNumber' || params[0] !== 'latest' || !block || old-- <= 0) return answer;
      const before = await world.chain.provider.send('eth_getBlockByNumber', [
        `0x${(Number(block.number) - 2).toString(16)}`,
        false,
      ]);
      return { result: before };
    };
    const first = await request();
    await answeredAll([first]);
    old = 10;
    const second = await request();
    await answeredAll([second]);
    expect((await world.answered()).slice(-2)).toEqual([first, second]);
    await waitFor(async () => (await listRuns(node.port)).every(({ state }) => state === 'completed'), {
      what: 'every run to be completed',
    });
  });
});
