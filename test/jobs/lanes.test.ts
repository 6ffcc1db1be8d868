import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Contract, encryptKeystoreJson, type InterfaceAbi, Wallet } from 'ethers';
import { type RunningJobNode, startJobNode } from '../../jobs/node/start.ts';
import { readArtifact } from '../../network/artifacts.ts';
import { deployContract } from '../../network/provision.ts';
import { makeLog } from '../../runtime/log.ts';
import { passThrough, type RpcProxy, startRpcProxy } from './rpc-proxy.ts';
import { listRuns, makeWorld, PATIENCE_MS, type World, waitFor } from './world.ts';

jest.setTimeout(PATIENCE_MS);

const log = makeLog('jobs', process.env.LOG_LEVEL ?? 'silent');
const forwardingAllowed = (toml: string) => `forwardingAllowed = true\n${toml}`;

describe('a job node with more than one account or endpoint', () => {
  let world: World;
  let proxy: RpcProxy;
  let node: RunningJobNode | undefined;
  beforeAll(async () => {
    world = await makeWorld();
    proxy = await startRpcProxy(world.chain.rpcUrl);
  });
  afterAll(async () => {
    await proxy.close();
    await world.close();
  });
  beforeEach(() => world.refresh());
  afterEach(async () => {
    await node?.close();
    node = undefined;
    proxy.hook = passThrough;
  });
  const start = async (changes: Record<string, string>) => {
    node = await startJobNode(world.settings(changes), log);
    return node;
  };
  const send = (method: string, ...params: unknown[]) => world.chain.provider.send(method, params);
  const answered = async (count: number) =>
    waitFor(async () => (await world.answered()).length >= count, { what: `${count} answers` });
  const alerts = async (port: number) =>
    ((await (await fetch(`http://127.0.0.1:${port}/health`)).json()) as { alerts: string[] }).alerts;
  /** Who sent the txs of a block, in their order, and to whom. */
  const txsOf = async (block: string) =>
    (
      (await send('eth_getBlockByNumber', block, true)) as {
        transactions: { from: string; to: string; nonce: string }[];
      }
    ).transactions;

  it('sends from each account with nonces of its own, through a forwarder that the Operator knows', async () => {
    await world.refresh(forwardingAllowed);
    const admin = world.chain.wallet(0);
    const adminAddress = await admin.getAddress();
    const senders = await Promise.all([1, 2].map((n) => world.chain.wallet(n).getAddress()));
    const link = await world.operator.getFunction('getChainlinkToken')();
    const forwarder = await deployContract(
      'AuthorizedForwarder',
      admin,
      link,
      adminAddress,
      world.operatorAddress,
      '0x',
    );
    const abi = (await readArtifact('AuthorizedForwarder')).abi as InterfaceAbi;
    await (await new Contract(forwarder, abi, admin).getFunction('setAuthorizedSenders')(senders)).wait();
    await (await world.operator.connect(admin).getFunction('setAuthorizedSenders')([forwarder])).wait();
    await send('evm_setAutomine', false);
    try {
      await start({
        NODE_KEY: [1, 2].map((n) => world.chain.privateKey(n)).join(','),
        NODE_FORWARDER: forwarder,
        MAX_IN_FLIGHT: '2',
      });
      for (let i = 0; i < 4; i++) await world.post(i);
      await send('evm_mine');
      const pending = () => send('eth_pendingTransactions') as Promise<{ from: string }[]>;
      await waitFor(async () => (await pending()).length === 4, { what: 'two txs of each account' });
      await send('evm_mine');
      await answered(4);
      const txs = await txsOf('latest');
      expect(new Set(txs.map(({ to }) => to))).toEqual(new Set([forwarder.toLowerCase()]));
      const bySender = senders.map((sender) =>
        txs.filter(({ from }) => from === sender.toLowerCase()).map(({ nonce }) => Number(nonce)),
      );
      expect(bySender.map((nonces) => nonces.sort())).toEqual([
        [0, 1],
        [0, 1],
      ]);
    } finally {
      await send('evm_setAutomine', true);
    }
  });

  it('leaves an answer to the account that may give it', async () => {
    const first = await world.chain.wallet(1).getAddress();
    await start({ NODE_KEY: [2, 1].map((n) => world.chain.privateKey(n)).join(',') });
    for (let i = 0; i < 3; i++) await world.request(i);
    await answered(3);
    expect((await world.fulfilTxs()).map(({ status }) => status)).toEqual([1, 1, 1]);
    expect(await world.chain.provider.getTransactionCount(first)).toBe(3);
    expect(await world.chain.provider.getTransactionCount(await world.chain.wallet(2).getAddress())).toBe(0);
  });

  it('sends from the accounts that the spec names, and from no other', async () => {
    const [one, two] = await Promise.all([1, 2].map((n) => world.chain.wallet(n).getAddress()));
    await (await world.operator.getFunction('setAuthorizedSenders')([one, two])).wait();
    const from = (list: string) => (toml: string) => toml.replace('type="ethtx"', `type="ethtx" from=<${list}>`);
    await world.refresh(from(`["${two}"]`));
    await (await world.operator.getFunction('setAuthorizedSenders')([one, two])).wait();
    const before = await world.chain.provider.getTransactionCount(two as string);
    await start({ NODE_KEY: [1, 2].map((n) => world.chain.privateKey(n)).join(',') });
    for (let i = 0; i < 3; i++) await world.request(i);
    await answered(3);
    expect((await world.chain.provider.getTransactionCount(two as string)) - before).toBe(3);
    expect(await world.fulfilTxs()).toEqual([]);
  });

  it('waits with an answer whose gas costs more than it earns, and gives it up after a time', async () => {
    // 0.1 LINK at 1,000 gwei a LINK is 100 gwei: less than any gas costs.
    const running = await start({ LINK_PRICE_GWEI: '1000', PROFIT_WAIT_MS: '500' });
    await world.request(1);
    await waitFor(async () => (await listRuns(running.port))[0]?.state === 'errored', { what: 'the run to fail' });
    expect((await listRuns(running.port))[0]?.note).toBe(
      'submit: not sent, its gas would cost more than the request pays',
    );
    expect(await world.fulfilTxs()).toEqual([]);
    await running.close();
    // 0.1 LINK at 10,000,000 gwei a LINK is 0.001 ether: more than 600,000 gas at 1 gwei.
    node = await startJobNode(world.settings({ LINK_PRICE_GWEI: '10000000' }), log);
    await world.request(2);
    await answered(1);
  });

  it('sends nothing that a second endpoint does not say succeeds, and goes on when it does', async () => {
    let lies = true;
    proxy.hook = async (method, params, forward) => {
      if (!lies || method !== 'eth_call') return forward();
      return { error: { code: 3, message: `execution reverted ${params.length}` } };
    };
    const running = await start({ RPC_FALLBACK_URLS: proxy.url });
    const requestId = await world.request(1);
    const disputes = async () => {
      const text = await (await fetch(`http://127.0.0.1:${running.port}/metrics`)).text();
      return Number(/tx_events_total\{event="disputed"\} (\d+)/.exec(text)?.[1] ?? 0);
    };
    await waitFor(async () => (await disputes()) > 0, { what: 'a dispute' });
    expect(await world.fulfilTxs()).toEqual([]);
    expect((await listRuns(running.port))[0]?.state).toBe('unfinished');
    lies = false;
    await answered(1);
    expect(await world.answered()).toEqual([requestId]);
  });

  it('does not pay for an answer to a request that one endpoint has made up', async () => {
    const specChange = (log: { data: string; topics: string[] }) => ({
      ...log,
      data: log.data.replace(world.requestIdOf(1).slice(2), 'ab'.repeat(32)),
    });
    proxy.hook = async (method, _params, forward) => {
      const answer = await forward();
      if (method === 'eth_call') return { result: '0x' };
      if (method !== 'eth_getLogs') return answer;
      return { result: (answer.result as { data: string; topics: string[] }[]).map(specChange) };
    };
    const running = await start({ RPC_URL: proxy.url, RPC_FALLBACK_URLS: world.chain.rpcUrl });
    await world.request(1);
    await waitFor(async () => (await listRuns(running.port))[0]?.requestId === `0x${'ab'.repeat(32)}`, {
      what: 'the request that is none to be taken',
    });
    // The true one comes to light when the blocks are read a second time, at the other endpoint.
    await waitFor(async () => (await listRuns(running.port)).length === 2, { what: 'the true request' });
    await answered(1);
    expect((await world.fulfilTxs()).map(({ status }) => status)).toEqual([1]);
  });

  it('takes over from an endpoint that is away, and takes in logs that one which lags left out', async () => {
    let isAway = false;
    let hides = true;
    proxy.hook = async (method, _params, forward) => {
      if (isAway) throw new Error('away');
      return method === 'eth_getLogs' && hides ? { result: [] } : forward();
    };
    const running = await start({ RPC_URL: proxy.url, RPC_FALLBACK_URLS: world.chain.rpcUrl });
    await world.request(1);
    await answered(1);
    isAway = true;
    await world.request(2);
    await waitFor(async () => (await alerts(running.port)).includes('RPC endpoint 1 cannot be read'), {
      what: 'the alert',
    });
    hides = false;
    isAway = false;
    await answered(2);
    expect((await world.fulfilTxs()).map(({ status }) => status)).toEqual([1, 1]);
  });

  it('brings to an end what an account has sent that retires, and sends from the new one', async () => {
    const [old, next] = [1, 2].map((n) => new Wallet(world.chain.privateKey(n))) as [Wallet, Wallet];
    await (await world.operator.getFunction('setAuthorizedSenders')([old.address, next.address])).wait();
    const retiring = join(world.folder, 'retiring.json');
    await writeFile(retiring, await encryptKeystoreJson(old, 'secret', { scrypt: { N: 2 ** 10, p: 1, r: 8 } }));
    const first = await start({});
    await send('evm_setAutomine', false);
    try {
      await world.post(1);
      await send('evm_mine');
      const pending = () => send('eth_pendingTransactions') as Promise<{ from: string }[]>;
      await waitFor(async () => (await pending()).length === 1, { what: 'the answer to be under way' });
      await first.close();
      node = undefined;
      const rotated = { NODE_KEY: next.privateKey };
      await expect(start(rotated)).rejects.toThrow(
        `JOBS_DATABASE has txs under way from ${old.address.toLowerCase()}: give the keystore in NODE_KEYSTORE_RETIRING`,
      );
      await start({ ...rotated, NODE_KEYSTORE_RETIRING: retiring, NODE_KEYSTORE_PASSWORD: 'secret' });
      await send('evm_setAutomine', true);
      await send('evm_mine');
      await answered(1);
      await world.request(2);
      await answered(2);
      const nonces = await Promise.all(
        [old, next].map(({ address }) => world.chain.provider.getTransactionCount(address)),
      );
      expect(nonces).toEqual([1, 1]);
    } finally {
      await send('evm_setAutomine', true);
    }
  });
});
