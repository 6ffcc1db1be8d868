import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type JsonRpcProvider, Wallet } from 'ethers';
import { pino } from 'pino';
import { readFormerKeys } from '../../adapter/former-keys.ts';
import { connectContracts, type NetworkContracts, send } from '../../network/contracts.ts';
import { type Addresses, deployNetwork } from '../../network/deploy.ts';
import { ensureGateway, ensureOperator } from '../../network/provision.ts';
import { asChainError, openProvider } from '../../runtime/chain.ts';
import { followLogs } from '../../runtime/log-follower.ts';
import { type Registry, type RegistrySnapshot, watchRegistry } from '../../runtime/registry.ts';
import { startChain, type TestChain } from '../support/chain.ts';
import { type Relay, startRelay } from '../support/rpc-proxy.ts';
import { waitFor } from '../support/wait.ts';

const log = pino({ level: 'silent' });
const lower = (address: string) => address.toLowerCase();
const some = () => lower(Wallet.createRandom().address);

describe('the chain, read by a service', () => {
  let chain: TestChain;
  let relay: Relay;
  let folder: string;
  let addresses: Addresses;
  let network: NetworkContracts;
  let provider: JsonRpcProvider;
  const opened: { close: () => Promise<void> }[] = [];

  const watch = async (more: Partial<Parameters<typeof watchRegistry>[0]> = {}): Promise<Registry> => {
    const registry = await watchRegistry({
      provider,
      oracleAddress: addresses.oracle,
      log,
      pollIntervalMs: 20,
      ...more,
    });
    opened.push(registry);
    return registry;
  };

  beforeAll(async () => {
    [chain, folder] = await Promise.all([startChain(), mkdtemp(join(tmpdir(), 'devsen-registry-'))]);
    relay = await startRelay(chain.port);
    const admin = new Wallet(chain.privateKey(0), chain.provider);
    addresses = await deployNetwork({ admin, deploymentDir: folder });
    network = await connectContracts(addresses, admin);
    provider = await openProvider({ rpcUrl: `http://127.0.0.1:${relay.port}`, timeoutMs: 2_000 });
  }, 120_000);
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((one) => one.close()));
  });
  afterAll(async () => {
    provider.destroy();
    await relay.close();
    await chain.close();
    await rm(folder, { recursive: true });
  });

  it('tells operators and gateways with lower-case addresses, and whose network it is', async () => {
    const account = new Wallet(chain.privateKey(1), chain.provider);
    const [signingKey, gateway, gatewayKey] = [some(), some(), some()];
    const oracle = await ensureOperator(network, { account, signingKey, senders: [account.address] });
    await ensureGateway(network, gateway, gatewayKey);
    const registry = await watch();
    expect(registry.network).toBe(`31337:${lower(addresses.oracle)}`);
    expect(registry.snapshot()).toEqual({
      network: registry.network,
      users: lower(addresses.users),
      factory: lower(addresses.factory),
      link: lower(addresses.link),
      operators: [{ account: lower(account.address), oracle: lower(oracle), signingKey, active: true }],
      gateways: [{ account: gateway, signingKey: gatewayKey, active: true }],
    });
    expect(registry.isFresh()).toBe(true);
  });

  it('takes in a new gateway, a new key and a blocked account, once each', async () => {
    const registry = await watch();
    const seen: RegistrySnapshot[] = [];
    registry.onChange((snapshot) => seen.push(snapshot));
    const [account, first, second] = [some(), some(), some()];
    const find = () => registry.gateways().find((gateway) => gateway.account === account);
    await ensureGateway(network, account, first);
    await waitFor(() => find()?.signingKey === first, { what: 'the gateway to be known' });
    await ensureGateway(network, account, second);
    await waitFor(() => find()?.signingKey === second, { what: 'the new key to be known' });
    const [roles] = (await network.users.getFunction('userOf')(account)) as [bigint];
    await send(network.users, 'setUser', account, roles, 0, true);
    await waitFor(() => find()?.active === false, { what: 'the gateway to be inactive' });
    expect(seen.map(({ gateways }) => gateways.find((gateway) => gateway.account === account))).toEqual([
      { account, signingKey: first, active: true },
      { account, signingKey: second, active: true },
      { account, signingKey: second, active: false },
    ]);
  });

  it('tells keys that gateways had before, and when each was replaced', async () => {
    const [account, other, first, second, third] = [some(), some(), some(), some(), some()];
    await ensureGateway(network, account, first);
    await ensureGateway(network, other, third);
    await ensureGateway(network, account, second);
    const replacedAtMs = ((await provider.getBlock('latest'))?.timestamp ?? 0) * 1000;
    const formerKeys = await readFormerKeys(provider, addresses.users, await provider.getBlockNumber());
    const own = formerKeys.filter(({ gateway }) => [account, other].includes(gateway));
    expect(own).toMatchObject([{ gateway: account, signingKey: first }]);
    expect(Math.abs((own[0]?.replacedAtMs ?? 0) - replacedAtMs)).toBeLessThanOrEqual(2_000);
  });

  it('reads more than one page, in order and none twice', async () => {
    const accounts = Array.from({ length: 5 }, some);
    for (const account of accounts) await ensureGateway(network, account, some());
    const registry = await watch({ pageRows: 2 });
    expect(
      registry
        .gateways()
        .slice(-5)
        .map(({ account }) => account),
    ).toEqual(accounts);
    const whole = await watch();
    expect(registry.gateways()).toEqual(whole.gateways());
  });

  it('keeps what it knew while the chain is away, says that it is old, and catches up afterwards', async () => {
    let nowMs = 1_000_000;
    const registry = await watch({ now: () => nowMs });
    const before = registry.snapshot();
    await relay.cut();
    nowMs += 31_000;
    expect(registry.snapshot()).toEqual(before);
    expect(registry.isFresh()).toBe(false);
    const account = some();
    await ensureGateway(network, account, some());
    await relay.restore();
    await waitFor(() => registry.gateways().some((gateway) => gateway.account === account), {
      what: 'the gateway of the meantime to be known',
    });
    expect(registry.isFresh()).toBe(true);
  });

  it('starts while the chain is away from what an earlier process read, and not from another network’s', async () => {
    const restored = (await watch()).snapshot();
    await relay.cut();
    const registry = await watch({ restored });
    expect(registry.snapshot()).toEqual(restored);
    expect(registry.isFresh()).toBe(false);
    const stop = new AbortController();
    const foreign = watch({ restored: { ...restored, network: '1:0x00' }, signal: stop.signal });
    stop.abort();
    await expect(foreign).rejects.toMatchObject({ code: 'CHAIN_UNAVAILABLE' });
    await relay.restore();
    await waitFor(() => registry.isFresh(), { what: 'the registry to be fresh' });
  });

  it('hands out every log once in order, also those of an outage and those whose handler failed', async () => {
    const follower = followLogs({ provider, log, pollIntervalMs: 20, rangeBlocks: 2 });
    opened.push(follower);
    await waitFor(() => follower.cursor() >= 0, { what: 'the first look' });
    const blocks: number[] = [];
    let failures = 2;
    follower.subscribe({ address: addresses.users, topics: [] }, (logs) => {
      if (failures > 0) {
        failures -= 1;
        throw new Error('not now');
      }
      blocks.push(...logs.map(({ blockNumber }) => blockNumber));
    });
    const first = (await chain.provider.getBlockNumber()) + 1;
    await network.users.getFunction('setGateway').send(some(), some());
    await relay.cut();
    for (let i = 0; i < 5; i++) await network.users.getFunction('setGateway').send(some(), some());
    await relay.restore();
    const last = await chain.provider.getBlockNumber();
    await waitFor(() => new Set(blocks).size === last - first + 1, { what: 'the logs of all blocks' });
    expect([...new Set(blocks)]).toEqual(Array.from({ length: last - first + 1 }, (_, i) => first + i));
    expect(blocks).toEqual([...blocks].sort((a, b) => a - b));
  });

  it('waits for its confirmations', async () => {
    const registry = await watch({ confirmations: 2 });
    const account = some();
    await ensureGateway(network, account, some());
    const mined = await chain.provider.getBlockNumber();
    const find = () => registry.gateways().find((gateway) => gateway.account === account);
    await chain.provider.send('evm_mine', []);
    const follower = followLogs({ provider, log, pollIntervalMs: 20 });
    opened.push(follower);
    await waitFor(() => follower.cursor() === mined + 1, { what: 'the block to be seen' });
    expect(find()).toBeUndefined();
    await chain.provider.send('evm_mine', []);
    await waitFor(() => find(), { what: 'the gateway to be known' });
  });

  it('never tells the endpoint’s URL in an error', async () => {
    const url = 'http://127.0.0.1:1/v3/secret-key';
    const failure = await openProvider({ rpcUrl: url }).catch((error) => error);
    expect(failure).toMatchObject({ code: 'CHAIN_UNAVAILABLE' });
    const lost = await openProvider({ rpcUrl: url, chainId: 31_337n });
    const error = asChainError(await lost.getBlockNumber().catch((reason) => reason));
    lost.destroy();
    for (const text of [failure.message, error.message]) expect(text).not.toMatch(/secret|v3/);
    expect(error.cause).toBeUndefined();
  });

  it('says so if there is no such contract at the address', async () => {
    const stop = new AbortController();
    stop.abort();
    await expect(watch({ oracleAddress: some(), signal: stop.signal })).rejects.toMatchObject({
      message: 'no such contract at the address, or it is another one',
    });
  });
});
