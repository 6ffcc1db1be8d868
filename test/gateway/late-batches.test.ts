import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { SILENCE_BOUND_MS } from '../../core/as-of.ts';
import { type ConnectionChain, makeBatchSigner, makeConnectionChain, sealBatch } from '../../ocpp-gateway/custody.ts';
import { headKey, headOf, leaseKey } from '../../ocpp-gateway/outbox-head.ts';
import { openOutboxStore } from '../../ocpp-gateway/outbox-store.ts';
import { queuedBatches } from '../support/queued-batches.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';
import {
  eventsOf,
  GATEWAY,
  NETWORK,
  OPERATORS,
  PRIVATE_KEY,
  readyTestOutbox,
  verifyBatches,
} from './outbox-support.ts';
import { openRedisProxy, type RedisProxy } from './redis-proxy.ts';

const FIRST = OPERATORS[0] as string;
const BEGIN_MS = 1_700_000_000_000;
/** Longer than any batch may be under way. */
const LONG_MS = SILENCE_BOUND_MS + 5_000;
const ALL_LOST = Array<'lose-request'>(10_000).fill('lose-request');

function firstBatch() {
  const header = {
    network: NETWORK,
    gateway: GATEWAY,
    generation: BEGIN_MS,
    number: 0,
    previous: '0'.repeat(64),
    bootedAtMs: BEGIN_MS,
    watermarkMs: BEGIN_MS,
  };
  return sealBatch(header, [], [], makeBatchSigner(PRIVATE_KEY));
}

describe('batches that Redis does not get in time', () => {
  let redis: TestRedis;
  let client: Redis;
  let proxy: RedisProxy;
  let clockMs = BEGIN_MS;

  beforeAll(async () => {
    redis = await startRedis();
    client = new Redis(redis.url);
    client.on('error', () => {});
    proxy = await openRedisProxy(redis.port);
  });
  afterAll(async () => {
    client.disconnect();
    await proxy.close();
    await redis.close();
  });
  beforeEach(async () => {
    await client.flushall();
    proxy.plan([]);
    clockMs = BEGIN_MS;
  });

  const open = (onLost = () => {}) =>
    readyTestOutbox(proxy.url, { nowMs: () => clockMs, onLost, options: { maxBatchEvents: 1 } });
  /** Until the outbox has tried in vain. */
  const tried = async () => {
    const scripts = proxy.scripts();
    await waitFor(() => proxy.scripts() > scripts + 1, { what: 'a batch to be lost on its way', timeoutMs: 60_000 });
  };
  const append = (outbox: Awaited<ReturnType<typeof open>>, chain: ConnectionChain, names: readonly string[]) =>
    Promise.all(names.map((name) => outbox.append(chain, 'call', '', name)));

  it('are signed anew as of the present, and what waited behind them is dated after that', async () => {
    const outbox = await open();
    const chain = makeConnectionChain('CP-1', 1);
    await append(outbox, chain, ['a']);
    proxy.plan(ALL_LOST);
    const written = append(outbox, chain, ['b', 'c', 'd']);
    await tried();
    clockMs += LONG_MS;
    proxy.plan([]);
    await written;
    await append(outbox, chain, ['e']);
    const batches = await queuedBatches(redis.url, FIRST);
    verifyBatches(batches);
    const events = eventsOf(batches);
    expect(events.map(({ frame }) => frame)).toEqual(['a', 'b', 'c', 'd', 'e']);
    // When b came is told as it was; its watermark says that it counts from the present only.
    expect(events[1]?.receivedAtMs).toBeLessThan(BEGIN_MS + LONG_MS);
    const [, late, ...after] = batches.filter((batch) => batch.events.length > 0);
    expect(late?.watermarkMs).toBeGreaterThanOrEqual(BEGIN_MS + LONG_MS);
    for (const batch of after) expect(batch.watermarkMs).toBeGreaterThan(late?.watermarkMs ?? Infinity);
    expect(events[2]?.receivedAtMs).toBeGreaterThan(late?.watermarkMs ?? Infinity);
    expect(new Set(batches.map(({ generation }) => generation)).size).toBe(1);
    await outbox.close();
  });

  it('stay as they are if Redis had them in time, and only the answer was lost', async () => {
    const outbox = await open();
    const chain = makeConnectionChain('CP-1', 1);
    await append(outbox, chain, ['a']);
    proxy.plan(['lose-reply']);
    const scripts = proxy.scripts();
    const written = append(outbox, chain, ['b']);
    await waitFor(() => proxy.scripts() > scripts, { what: 'the batch to be sent', timeoutMs: 60_000 });
    clockMs += LONG_MS;
    await written;
    const batches = await queuedBatches(redis.url, FIRST);
    verifyBatches(batches);
    expect(eventsOf(batches).map(({ frame }) => frame)).toEqual(['a', 'b']);
    expect(batches.find(({ events }) => events.some((line) => line.includes('"b"')))?.watermarkMs ?? 0).toBeLessThan(
      BEGIN_MS + LONG_MS,
    );
    await outbox.close();
  });

  it('begin a new generation where another Redis may have had them: no number is signed twice', async () => {
    let lost = 0;
    const outbox = await open(() => lost++);
    const chain = makeConnectionChain('CP-1', 1);
    await append(outbox, chain, ['a']);
    const [before] = await queuedBatches(redis.url, FIRST);
    proxy.plan(ALL_LOST);
    const written = append(outbox, chain, ['b']);
    await tried();
    await redis.kill9();
    clockMs += LONG_MS;
    await redis.restart();
    proxy.plan([]);
    await written;
    const batches = await queuedBatches(redis.url, FIRST);
    verifyBatches(batches);
    expect(eventsOf(batches).map(({ frame }) => frame)).toEqual(['a', 'b']);
    expect(batches.at(-1)).toMatchObject({ generation: (before?.generation ?? 0) + 1 });
    expect(lost).toBe(1);
    await outbox.close();
  });

  it('do not go in once their lease has ended, also if Redis gets them afterwards', async () => {
    const key = headKey('bull', NETWORK, GATEWAY);
    const store = await openOutboxStore(redis.url, 'bull', key, 60_000);
    const head = headOf(firstBatch());
    expect(store.leaseMs()).toBeLessThanOrEqual(0);
    await store.hold(40);
    expect(store.leaseMs()).toBeLessThanOrEqual(40);
    await waitFor(async () => (await client.pttl(leaseKey(key))) < 0, { what: 'the lease to end' });
    expect(await store.write(firstBatch(), OPERATORS, undefined, () => {})).toBeUndefined();
    expect(await queuedBatches(redis.url, FIRST)).toEqual([]);
    await store.hold(60_000);
    expect(await store.write(firstBatch(), OPERATORS, undefined, () => {})).toEqual(head);
    expect(store.leaseMs()).toBeGreaterThan(0);
    expect(await queuedBatches(redis.url, FIRST)).toHaveLength(1);
    store.close();
  });

  it('do not go in by a lease that another one has ended', async () => {
    const key = headKey('bull', NETWORK, GATEWAY);
    const [first, second] = await Promise.all([1, 2].map(() => openOutboxStore(redis.url, 'bull', key, 60_000)));
    await first?.hold(60_000);
    await second?.hold(60_000);
    expect(await first?.write(firstBatch(), OPERATORS, undefined, () => {})).toBeUndefined();
    expect(first?.leaseMs()).toBeLessThanOrEqual(0);
    expect(await queuedBatches(redis.url, FIRST)).toEqual([]);
    first?.close();
    second?.close();
  });
});
