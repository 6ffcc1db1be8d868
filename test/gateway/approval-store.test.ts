import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { AbiCoder } from 'ethers';
import type { Redis } from 'ioredis';
import { deviceIdOf } from '../../core/identity.ts';
import { makeApprovalDesk } from '../../ocpp-gateway/approval-desk.ts';
import { type ApprovalStore, makeApprovalStore } from '../../ocpp-gateway/approval-store.ts';
import { type ChargerCallsOptions, makeChargerCalls } from '../../ocpp-gateway/charger-calls.ts';
import { connectRedis } from '../../ocpp-gateway/redis.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';
import { openRedisProxy, type RedisProxy } from './redis-proxy.ts';
import { silentLog } from './support.ts';
import { approvalBy, SET, sourcesOfTwo } from './two-gateways.ts';

const NETWORK = sourcesOfTwo().registry.network;
const IDENTITY = 'CPclaimed';
const MINUTE_MS = 60_000;

describe('the mark by which a request is sent once', () => {
  let server: TestRedis;
  let proxy: RedisProxy;
  let redis: Redis;
  /** One that sends nothing again. */
  let impatient: Redis;
  let store: ApprovalStore;
  let requestId: string;

  beforeAll(async () => {
    server = await startRedis();
  });
  beforeEach(async () => {
    proxy = await openRedisProxy(server.port, 'set');
    redis = connectRedis(proxy.url, 'test', silentLog);
    impatient = redis.duplicate({ maxRetriesPerRequest: 0 });
    await waitFor(() => [redis, impatient].every(({ status }) => status === 'ready'), { what: 'the connections' });
    store = makeApprovalStore(redis, NETWORK, 'bull');
    requestId = `0x${randomBytes(32).toString('hex')}`;
  });
  afterEach(async () => {
    for (const one of [redis, impatient]) one.disconnect();
    await proxy.close();
  });
  afterAll(() => server.close());

  /** A desk with one charger, whose first calls find the socket gone. */
  const openDesk = (callsLost: number) => {
    const sent: string[] = [];
    let lost = 0;
    const call: ChargerCallsOptions['link']['call'] = (action, _payload, _timeoutMs, messageId = '') => {
      if (lost++ < callsLost) return undefined;
      sent.push(`${action} ${messageId}`);
      return { messageId, text: '', over: new Promise(() => {}) };
    };
    const newConnection = () =>
      makeChargerCalls({
        link: { call },
        timeoutMs: MINUTE_MS,
        maxWaiting: 8,
        record: async () => {},
        onIdle: () => {},
        log: silentLog,
        now: Date.now,
      });
    const desk = makeApprovalDesk({
      network: NETWORK,
      operators: sourcesOfTwo().registry.operators,
      isFresh: () => true,
      sets: { of: async () => SET },
      store,
      holders: { here: () => IDENTITY, elsewhere: async () => undefined },
      wire: { on: () => {}, tell: async () => true },
      stations: { command: (_identity, command) => newConnection().send(command) },
      versionOf: () => 'ocpp1.6',
      checkOf: () => () => undefined,
      isReady: () => true,
      prepare: async () => {},
      refused: () => undefined,
      transactionOf: async () => undefined,
      onApproval: () => {},
      onEnd: () => {},
      log: silentLog,
      now: Date.now,
    });
    return { desk, sent };
  };
  const approvals = () =>
    Promise.all(
      [0, 1, 2].map((n) =>
        approvalBy(n, NETWORK, {
          requestId,
          deviceId: deviceIdOf(IDENTITY),
          query: 'command',
          params: AbiCoder.defaultAbiCoder().encode(['string', 'string'], ['Reset', '{"type":"Soft"}']),
          asOfSec: Math.floor(Date.now() / 1000),
        }),
      ),
    );

  it('is taken by the one whose reply is lost and that meets its own', async () => {
    proxy.plan(['lose-reply']);
    expect(await store.claim(requestId, MINUTE_MS)).toBeDefined();
    expect(proxy.scripts()).toBe(2);
    expect(await store.claim(requestId, MINUTE_MS)).toBeUndefined();
  });

  it('is given back by one that never learns whether it has it', async () => {
    store = makeApprovalStore(impatient, NETWORK, 'bull');
    proxy.plan(['lose-reply']);
    await expect(store.claim(requestId, MINUTE_MS)).rejects.toThrow();
    await waitFor(async () => (await store.stateOf(requestId)) === 'free', { what: 'the mark to be given back' });
    expect(await store.claim(requestId, MINUTE_MS)).toBeDefined();
  });

  it('is given back by nobody but who has it, and by nobody after the sending', async () => {
    const claim = (await store.claim(requestId, MINUTE_MS)) as string;
    await store.release(requestId, 'another', MINUTE_MS);
    expect(await store.stateOf(requestId)).toBe('taken');
    await store.setSent(requestId, MINUTE_MS);
    await store.release(requestId, claim, MINUTE_MS);
    expect(await store.stateOf(requestId)).toBe('sent');
    expect(await store.claim(requestId, MINUTE_MS)).toBeUndefined();
  });

  it('is given back where the socket goes before the call, which then goes out once', async () => {
    const { desk, sent } = openDesk(1);
    const [first, second, third] = (await approvals()) as [string, string, string];
    expect(await desk.take(first)).toBe('over');
    expect(await desk.take(second)).toBe('again');
    expect(sent).toEqual([]);
    expect(await desk.take(second)).toBe('over');
    expect(await desk.take(third)).toBe('over');
    expect(sent).toHaveLength(1);
  });

  it('lets a request go out once whose claim met a connection that broke', async () => {
    store = makeApprovalStore(impatient, NETWORK, 'bull');
    const { desk, sent } = openDesk(0);
    const [first, second, third] = (await approvals()) as [string, string, string];
    await desk.take(first);
    proxy.plan(['lose-reply']);
    expect(await desk.take(second)).toBe('again');
    await waitFor(async () => (await desk.take(second).catch(() => 'again')) === 'over', {
      what: 'the call to go out',
    });
    expect(await desk.take(third)).toBe('over');
    expect(sent).toHaveLength(1);
  });
});
