import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { computeAddress, hexlify, Wallet } from 'ethers';
import { authorizationKeyHash, deviceIdOf, idTagCommitment } from '../../core/identity.ts';
import { sendCommand } from '../../network/command.ts';
import { connectContracts, type NetworkContracts, send } from '../../network/contracts.ts';
import { deployNetwork } from '../../network/deploy.ts';
import { ensureCharger, ensureGateway, ensureOperator, ensureUser, ROLES } from '../../network/provision.ts';
import { type RunningGateway, startGateway } from '../../ocpp-gateway/gateway.ts';
import { startChain, type TestChain } from '../support/chain.ts';
import { keepUntilExit } from '../support/children.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { type Relay, startRelay } from '../support/rpc-proxy.ts';
import { waitFor } from '../support/wait.ts';
import {
  CHARGER_KEY,
  connectCharger,
  GATEWAY_ACCOUNT,
  GATEWAY_KEY,
  readEvents,
  refusalOf,
  silentLog,
  testSettings,
} from './support.ts';

const PEPPER = Buffer.alloc(16, 0xaa);
const OTHER_KEY = Buffer.alloc(20, 9);

describe('a gateway on a real chain', () => {
  let chain: TestChain;
  let redis: TestRedis;
  let relay: Relay;
  let folder: string;
  let network: NetworkContracts;
  let manager: Wallet;
  let operator: Wallet;
  let settings: ReturnType<typeof testSettings>;
  let gateway: RunningGateway | undefined;

  const register = (identity: string, key: Buffer) =>
    ensureCharger(network, manager, {
      identity,
      latitudeDeg: 48,
      longitudeDeg: 11,
      authorizationKeyHash: authorizationKeyHash(key),
      connectors: [{ evse: 1, standard: 28, format: 1, powerType: 4, maxPowerW: 22_000 }],
    });
  const start = async () => {
    gateway = await startGateway(settings, silentLog);
    return gateway;
  };
  const untilGreen = () =>
    waitFor(() => gateway?.health().status === 'green', { what: 'the gateway to be healthy', timeoutMs: 60_000 });
  const verdictOf = async (port: number, idTag: string) => {
    const charger = await connectCharger(port, 'CP1');
    const [, , payload] = await charger.call('1', 'Authorize', { idTag });
    await charger.close();
    return (payload as { idTagInfo: { status: string } }).idTagInfo.status;
  };

  beforeAll(async () => {
    [chain, redis, folder] = await Promise.all([
      startChain(),
      startRedis(),
      mkdtemp(join(tmpdir(), 'devsen-gateway-')),
    ]);
    relay = await startRelay(chain.port);
    const admin = new Wallet(chain.privateKey(0), chain.provider);
    const addresses = await deployNetwork({ admin, deploymentDir: folder });
    network = await connectContracts(addresses, admin);
    operator = new Wallet(chain.privateKey(1), chain.provider);
    manager = new Wallet(chain.privateKey(2), chain.provider);
    await ensureOperator(network, {
      account: operator,
      signingKey: computeAddress(operator.signingKey.publicKey),
      senders: [operator.address],
    });
    await ensureUser(network, manager.address, ROLES.manager);
    await register('CP1', CHARGER_KEY);
    settings = testSettings({
      REDIS_URL: redis.url,
      RPC_URL: `http://127.0.0.1:${relay.port}`,
      ORACLE_ADDRESS: addresses.oracle,
      CHAIN_POLL_MS: '50',
    });
  }, 120_000);
  afterEach(async () => {
    await gateway?.close();
    gateway = undefined;
  });
  afterAll(async () => {
    await relay.close();
    await Promise.all([chain.close(), redis.close(), rm(folder, { recursive: true })]);
  });

  it('lets nobody in before it is registered itself, and goes on by itself once it is', async () => {
    const { port, health } = await start();
    await waitFor(() => health().problems.length === 1, { what: 'one problem to be left' });
    expect(health().problems).toEqual(['this gateway, or its key, is not registered on chain']);
    expect(await refusalOf(port, 'CP1')).toBe('503 gateway is not ready');
    await ensureGateway(network, GATEWAY_ACCOUNT, computeAddress(hexlify(GATEWAY_KEY)));
    await untilGreen();
    const charger = await connectCharger(port, 'CP1');
    await charger.call('1', 'Heartbeat', {});
    const events = await readEvents(redis.url, operator.address);
    expect(events.map(({ charger, kind }) => [charger, kind])).toEqual([
      ['CP1', 'open'],
      ['CP1', 'call'],
    ]);
    await charger.close();
  });

  it('knows chargers by the hash of their key on chain, a new one and a new key at once', async () => {
    const { port } = await start();
    await untilGreen();
    expect(await refusalOf(port, 'CP1', { key: OTHER_KEY })).toBe('401 wrong key');
    expect(await refusalOf(port, 'CP2')).toBe('404 unknown charger');
    await register('CP2', CHARGER_KEY);
    const second = await waitFor(() => connectCharger(port, 'CP2'), { what: 'CP2 to be let in' });
    await second.close();
    const open = await connectCharger(port, 'CP2');
    await register('CP2', OTHER_KEY);
    expect(await open.closed).toEqual({ code: 1008, reason: 'credentials have changed' });
    await waitFor(async () => (await refusalOf(port, 'CP2')) === '401 wrong key', {
      what: 'the old key to be refused',
    });
    await (await connectCharger(port, 'CP2', { key: OTHER_KEY })).close();
  });

  it('has a charger do what its manager on chain has signed, and nobody else', async () => {
    const { port } = await start();
    await untilGreen();
    const charger = await connectCharger(port, 'CP1');
    const place = { gatewayUrl: `ws://127.0.0.1:${port}`, network: `31337:${settings.ORACLE_ADDRESS.toLowerCase()}` };
    const toSend = { identity: 'CP1', action: 'Reset', payload: '{"type":"Soft"}', validSec: 60 };
    const reply = sendCommand(place, manager, toSend);
    const call = await waitFor(() => charger.received[0], { what: 'the command to reach the charger' });
    charger.send([3, JSON.parse(call)[1], { status: 'Accepted' }]);
    expect(await reply).toEqual({ status: 200, body: '{"status":"Accepted"}' });
    expect((await sendCommand(place, operator, toSend)).status).toBe(403);
    const codeOf = async (signer: Wallet) => JSON.parse((await sendCommand(place, signer, toSend)).body).error?.code;
    // None of these reaches the charger: the one that would is not answered.
    await charger.close();
    await waitFor(() => gateway?.chargers().length === 0, { what: 'the charger to be gone' });
    expect(await codeOf(manager)).toBe('NOT_CONNECTED');
    await send(network.users, 'setUser', manager.address, ROLES.manager, 0, true);
    await waitFor(async () => (await codeOf(manager)) === 'NOT_MANAGER', {
      what: 'the block to count',
      timeoutMs: 60_000,
    });
    await send(network.users, 'setUser', manager.address, ROLES.manager, 0, false);
    await waitFor(async () => (await codeOf(manager)) === 'NOT_CONNECTED', { what: 'the block to be lifted' });
    const heir = new Wallet(chain.privateKey(5), chain.provider);
    await ensureUser(network, heir.address, ROLES.manager);
    const device = await network.factory.getFunction('deviceOf')(deviceIdOf('CP1'));
    const factory = network.factory.connect(manager) as typeof network.factory;
    await send(factory, 'transferDevice', device, heir.address);

    // The old one would count for 15 s without the log.
    await waitFor(async () => (await codeOf(manager)) === 'NOT_MANAGER', {
      what: 'the manager before to be none',
      timeoutMs: 60_000,
    });
    expect(await codeOf(heir)).toBe('NOT_CONNECTED');
    await send(network.factory.connect(heir) as typeof network.factory, 'transferDevice', device, manager.address);
  });

  it('knows cards by their commitments and takes in at once that one is blocked', async () => {
    const { port } = await start();
    await untilGreen();
    const driver = Wallet.createRandom().address;
    expect(await verdictOf(port, 'Card1')).toBe('Invalid');
    await ensureUser(network, driver, ROLES.occupant);
    await send(network.users, 'setIdTag', idTagCommitment('CARD1', PEPPER), driver);
    await waitFor(async () => (await verdictOf(port, 'Card1')) === 'Accepted', { what: 'the card to be accepted' });
    await send(network.users, 'setUser', driver, ROLES.occupant, 0, true);
    await waitFor(async () => (await verdictOf(port, 'Card1')) === 'Blocked', { what: 'the card to be blocked' });
    await send(network.users, 'setUser', driver, ROLES.occupant, 1, false);
    await waitFor(async () => (await verdictOf(port, 'Card1')) === 'Expired', { what: 'the card to be expired' });
  });

  it('lets known chargers and cards in while the chain is away, and is red', async () => {
    const driver = Wallet.createRandom().address;
    await ensureUser(network, driver, ROLES.occupant);
    await send(network.users, 'setIdTag', idTagCommitment('CARD2', PEPPER), driver);
    const { port, health } = await start();
    await untilGreen();
    expect(await verdictOf(port, 'Card2')).toBe('Accepted');
    await relay.cut();
    const charger = await connectCharger(port, 'CP1');
    expect((await charger.call('1', 'Heartbeat', {}))[0]).toBe(3);
    await charger.close();
    expect(await verdictOf(port, 'Card2')).toBe('Accepted');
    expect(await verdictOf(port, 'Card3')).toBe('Invalid');
    expect(await refusalOf(port, 'CP1', { key: OTHER_KEY })).toBe('401 wrong key');
    expect(await refusalOf(port, 'CPnew')).toBe('503 chain is away');
    await relay.restore();
    await waitFor(async () => (await refusalOf(port, 'CPnew')) === '404 unknown charger', {
      what: 'the chain to be back',
    });
    await waitFor(() => health().status === 'green', { what: 'the gateway to be healthy' });
  });

  it('knows its chargers after a start while the chain is away', async () => {
    await start();
    await untilGreen();
    await (await connectCharger((gateway as RunningGateway).port, 'CP1')).close();
    await gateway?.close();
    await relay.cut();
    const { port, health } = await start();
    await waitFor(() => health().problems.length === 1, { what: 'one problem to be left' });
    expect(health().problems).toEqual(['chain is away']);
    const charger = await waitFor(() => connectCharger(port, 'CP1'), { what: 'CP1 to be let in' });
    expect(
      (await charger.call('1', 'BootNotification', { chargePointVendor: 'v', chargePointModel: 'm' }))[2],
    ).toMatchObject({ status: 'Accepted' });
    await charger.close();
    await relay.restore();
    await untilGreen();
  });

  it('runs as a process: tells its port, and on SIGTERM closes its chargers with 1001 and exits with 0', async () => {
    const keyFile = join(folder, 'gateway.key');
    await writeFile(keyFile, `0x${GATEWAY_KEY.toString('hex')}\n`);
    const child = spawnGateway({
      GATEWAY_PORT: '0',
      ALLOW_PLAIN_WS: 'true',
      GATEWAY_ADMIN_PORT: '0',
      REDIS_URL: redis.url,
      RPC_URL: `http://127.0.0.1:${relay.port}`,
      ORACLE_ADDRESS: settings.ORACLE_ADDRESS,
      GATEWAY_ACCOUNT,
      GATEWAY_KEY_FILE: keyFile,
      IDTAG_PEPPER: PEPPER.toString('hex'),
    });
    const lines = createInterface({ input: child.stdout });
    const port = await new Promise<number>((resolve) => {
      lines.on('line', (line) => {
        const entry = JSON.parse(line);
        if (entry.msg === 'gateway is listening') resolve(entry.port);
      });
    });
    const charger = await waitFor(() => connectCharger(port, 'CP1'), { what: 'CP1 to be let in' });
    await charger.call('1', 'Heartbeat', {});
    child.kill('SIGTERM');
    expect(await charger.closed).toEqual({ code: 1001, reason: 'gateway is going away' });
    expect(await once(child, 'exit')).toEqual([0, null]);
  }, 180_000);

  it('ends with exit code 2 and a list of all that is wrong with its settings', async () => {
    const child = spawnGateway({ GATEWAY_PORT: 'x', GATEWAY_KEY_FILE: join(folder, 'none') });
    let words = '';
    child.stderr.on('data', (chunk) => {
      words += chunk;
    });
    expect(await once(child, 'close')).toEqual([2, null]);
    expect(words.split('\n').map((line) => line.trim().split(' ')[0])).toEqual([
      'Wrong',
      'GATEWAY_PORT',
      'RPC_URL',
      'ORACLE_ADDRESS',
      'GATEWAY_ACCOUNT',
      'IDTAG_PEPPER',
      '',
    ]);
  });

  it('waits for a chain it has never seen, red meanwhile, and ends the wait when told', async () => {
    const empty = await startRedis();
    await relay.cut();
    const stop = new AbortController();
    const started = startGateway({ ...settings, REDIS_URL: empty.url }, silentLog, { signal: stop.signal });
    stop.abort();
    await expect(started).rejects.toMatchObject({ code: 'CHAIN_UNAVAILABLE' });
    await relay.restore();
    await empty.close();
  });
});

/** The gateway as it is run: its own process, settings from the environment and nothing else. */
function spawnGateway(env: Record<string, string>) {
  const main = join(import.meta.dirname, '../../ocpp-gateway/main.ts');
  const child = spawn(process.execPath, [main], {
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  keepUntilExit(child);
  return child;
}
