import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { batchJobId, batchKey, eventQueueName, parseBatch, unpackBatch } from '../../core/batch.ts';
import { makeConnectionChain } from '../../ocpp-gateway/custody.ts';
import { headKey } from '../../ocpp-gateway/outbox-head.ts';
import { freePort } from '../support/ports.ts';
import { queuedBatches } from '../support/queued-batches.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';
import {
  eventsOf,
  GATEWAY,
  NETWORK,
  OPERATORS,
  openTestOutbox,
  readyTestOutbox,
  type TestOutbox,
  verifyBatches,
} from './outbox-support.ts';

const [FIRST, SECOND, THIRD] = OPERATORS as [string, string, string, string];

describe('the outbox', () => {
  let redis: TestRedis;
  let client: Redis;

  beforeAll(async () => {
    redis = await startRedis();
    client = new Redis(redis.url);
  });
  afterAll(async () => {
    client.disconnect();
    await redis.close();
  });
  beforeEach(async () => {
    await client.flushall();
  });

  it('has an event in the queue of every operator when its promise settles', async () => {
    const outbox = await readyTestOutbox(redis.url);
    await outbox.append(makeConnectionChain('CP-1', 5), 'open', '', '{}');
    for (const operator of OPERATORS) {
      const batches = await queuedBatches(redis.url, operator);
      verifyBatches(batches);
      expect(eventsOf(batches)).toEqual([expect.objectContaining({ charger: 'CP-1', epoch: 5, seq: 0, kind: 'open' })]);
    }
    await outbox.close();
  });

  it('has Redis hold a batch once, with a field for each operator that is to commit it', async () => {
    const outbox = await readyTestOutbox(redis.url);
    await outbox.append(makeConnectionChain('CP-1', 5), 'open', '', '{}');
    const [batch] = await queuedBatches(redis.url, FIRST);
    if (batch === undefined) throw new Error('no batch');
    const { packed, ...readers } = await client.hgetallBuffer(batchKey('bull', batch));
    expect(parseBatch(unpackBatch(packed as Buffer))).toEqual(batch);
    expect(readers).toEqual(Object.fromEntries(OPERATORS.map((one) => [one, Buffer.alloc(0)])));
    const job = await client.hget(`bull:${eventQueueName(SECOND)}:${batchJobId(batch)}`, 'data');
    expect(job).toBe(`{"key":"${batchKey('bull', batch)}"}`);
    await outbox.close();
  });

  it('keeps the order of the calls, over all chargers', async () => {
    const outbox = await readyTestOutbox(redis.url);
    const [odd, even] = [makeConnectionChain('CP-1', 1), makeConnectionChain('CP-2', 1)];
    const frames = Array.from({ length: 50 }, (_, i) => `frame ${i}`);
    await Promise.all(frames.map((frame, i) => outbox.append(i % 2 === 0 ? even : odd, 'call', '', frame)));
    const batches = await queuedBatches(redis.url, THIRD);
    verifyBatches(batches);
    expect(eventsOf(batches).map((event) => event.frame)).toEqual(frames);
    await outbox.close();
  });

  it('carries any text of reply and frame unchanged', async () => {
    const outbox = await readyTestOutbox(redis.url);
    const frame = '[2,"1","DataTransfer",{"data":"\\u0000 \t\r\n / \\" é 😀"}]';
    await outbox.append(makeConnectionChain('CP-1', 1), 'call', '[3,"1",{"a":"\\"ü\\\\"}]', frame);
    const [event] = eventsOf(await queuedBatches(redis.url, FIRST));
    expect(event).toMatchObject({ reply: '[3,"1",{"a":"\\"ü\\\\"}]', frame });
    await outbox.close();
  });

  it('splits what gathers into batches of bounded size whose watermarks part the events', async () => {
    const outbox = await readyTestOutbox(redis.url, { options: { maxBatchEvents: 3 }, nowMs: () => 1700000000000 });
    const chain = makeConnectionChain('CP-1', 1);
    await Promise.all(Array.from({ length: 10 }, (_, i) => outbox.append(chain, 'call', '', `${i}`)));
    const batches = await queuedBatches(redis.url, FIRST);
    verifyBatches(batches);
    expect(eventsOf(batches)).toHaveLength(10);
    expect(Math.max(...batches.map((batch) => batch.events.length))).toBe(3);
    await outbox.close();
  });

  it('says how far it has got while nothing happens', async () => {
    const outbox = await readyTestOutbox(redis.url, { options: { idleMs: 20 } });
    const batches = await waitFor(
      async () => {
        const found = await queuedBatches(redis.url, FIRST);
        return found.length >= 3 && found;
      },
      { what: 'three batches' },
    );
    verifyBatches(batches);
    expect(eventsOf(batches)).toEqual([]);
    const [first, second, third] = batches.map((batch) => batch.watermarkMs) as [number, number, number];
    expect(second - first).toBeGreaterThanOrEqual(20);
    expect(third - second).toBeGreaterThanOrEqual(20);
    await outbox.close();
  });

  it('goes on with its chain after a restart, later than before even if the clock has been set back', async () => {
    const first = await readyTestOutbox(redis.url, { nowMs: () => 1700000900000 });
    await first.append(makeConnectionChain('CP-1', 1), 'open', '', '{}');
    await first.close();
    const second = await readyTestOutbox(redis.url, { nowMs: () => 1700000000000 });
    await second.append(makeConnectionChain('CP-1', 2), 'open', '', '{}');
    await second.close();
    const batches = await queuedBatches(redis.url, FIRST);
    verifyBatches(batches);
    expect(new Set(batches.map((batch) => batch.generation))).toEqual(new Set([1700000900000]));
    const [before, after] = [batches[0], batches.at(-1)];
    expect(before?.bootedAtMs).toBe(1700000900000);
    expect(after?.bootedAtMs).toBeGreaterThan(
      batches.findLast((batch) => batch.bootedAtMs === before?.bootedAtMs)?.watermarkMs ?? 0,
    );
    expect(eventsOf(batches).map((event) => event.epoch)).toEqual([1, 2]);
  });

  it('writes for new operators and no longer for removed ones from the next batch on', async () => {
    const outbox = await readyTestOutbox(redis.url, { operators: [FIRST, SECOND] });
    const chain = makeConnectionChain('CP-1', 1);
    await outbox.append(chain, 'call', '', 'a');
    outbox.setOperators([SECOND, THIRD]);
    await outbox.append(chain, 'call', '', 'b');
    await outbox.close();
    const frames = async (operator: string) => eventsOf(await queuedBatches(redis.url, operator)).map((e) => e.frame);
    expect(await frames(FIRST)).toEqual(['a']);
    expect(await frames(SECOND)).toEqual(['a', 'b']);
    expect(await frames(THIRD)).toEqual(['b']);
    verifyBatches(await queuedBatches(redis.url, SECOND));
  });

  it('is not ready and takes nothing while there is no operator', async () => {
    const outbox = await readyTestOutbox(redis.url, { operators: [] });
    const chain = makeConnectionChain('CP-1', 1);
    expect(outbox.isReady()).toBe(false);
    await expect(outbox.append(chain, 'open', '', '{}')).rejects.toMatchObject({ code: 'NOT_YET' });
    outbox.setOperators([FIRST]);
    expect(outbox.isReady()).toBe(true);
    await outbox.append(chain, 'open', '', '{}');
    expect(eventsOf(await queuedBatches(redis.url, FIRST)).map((event) => event.seq)).toEqual([0]);
    await outbox.close();
  });

  it('becomes ready when a Redis appears that was not there at the start', async () => {
    const port = await freePort();
    const outbox = openTestOutbox(`redis://127.0.0.1:${port}`);
    const chain = makeConnectionChain('CP-1', 1);
    await expect(outbox.append(chain, 'open', '', '{}')).rejects.toMatchObject({ code: 'NOT_YET' });
    const late = await startRedis({ port });
    await outbox.whenReady();
    await outbox.append(chain, 'open', '', '{}');
    expect(outbox.isReady()).toBe(true);
    await outbox.close();
    await late.close();
  });

  it('closes at once if Redis was never there', async () => {
    const outbox = openTestOutbox(`redis://127.0.0.1:${await freePort()}`);
    const ready = outbox.whenReady();
    await outbox.close();
    await expect(ready).rejects.toMatchObject({ code: 'REDIS_UNAVAILABLE' });
    expect(outbox.fatal).toEqual([]);
  });

  it('writes what waits when it is closed, and takes nothing more', async () => {
    const outbox = await readyTestOutbox(redis.url, { options: { lingerMs: 60_000 } });
    const chain = makeConnectionChain('CP-1', 1);
    const written = outbox.append(chain, 'call', '', 'last words');
    await outbox.close();
    await written;
    expect(eventsOf(await queuedBatches(redis.url, FIRST)).map((event) => event.frame)).toEqual(['last words']);
    await expect(outbox.append(chain, 'call', '', 'too late')).rejects.toMatchObject({ code: 'NOT_YET' });
  });

  it('is bounded in memory: refuses the event too many, which costs no seq, but takes the end of a connection', async () => {
    const outbox = await readyTestOutbox(redis.url, { options: { maxPendingEvents: 4 } });
    const chain = makeConnectionChain('CP-1', 1);
    await client.client('PAUSE', 60_000, 'WRITE');
    const taken = [1, 2, 3, 4].map((n) => outbox.append(chain, 'call', '', `${n}`));
    await expect(outbox.append(chain, 'call', '', '5')).rejects.toMatchObject({ code: 'OVERLOADED' });
    taken.push(outbox.append(chain, 'close', '', '{}'));
    expect(outbox.stats().pendingEvents).toBe(5);
    let hasRoom = false;
    const room = outbox.whenRoom().then(() => {
      hasRoom = true;
    });
    await waitFor(() => !outbox.isReady(), { what: 'the silent Redis to be given up' });
    expect(hasRoom).toBe(false);
    await client.client('UNPAUSE');
    await Promise.all([...taken, room]);
    expect(outbox.stats()).toMatchObject({ pendingEvents: 0, pendingBytes: 0, lagMs: 0, writtenEvents: 5 });
    await outbox.append(chain, 'call', '', '6');
    const batches = await queuedBatches(redis.url, FIRST);
    verifyBatches(batches);
    expect(eventsOf(batches).map((event) => event.frame)).toEqual(['1', '2', '3', '4', '{}', '6']);
    await outbox.close();
  });

  it('has what is taken prepare before it is told: while Redis is at work, and where it is behind', async () => {
    const outbox = await readyTestOutbox(redis.url, {
      options: { maxBatchEvents: 2, redisTimeoutMs: 60_000 },
    });
    const chain = makeConnectionChain('CP-1', 1);
    await outbox.append(chain, 'open', '', '{}');
    const heard: string[] = [];
    const waiter = (name: string) => ({
      prepare: () => void heard.push(`prepare ${name}`),
      told: (refusal?: Error) => void heard.push(`${refusal === undefined ? 'told' : 'refused'} ${name}`),
    });
    await client.client('PAUSE', 60_000, 'WRITE');
    outbox.take(chain, 'call', '', 'a', waiter('a'));
    await waitFor(() => heard.length === 1, { what: 'the first batch to be under way' });
    expect(heard).toEqual(['prepare a']);
    for (const frame of ['b', 'c', 'd']) outbox.take(chain, 'call', '', frame, waiter(frame));
    // Two fill a batch, and another one has begun.
    expect(heard).toEqual(['prepare a', 'prepare b', 'prepare c']);
    await client.client('UNPAUSE');
    await waitFor(() => heard.includes('told d'), { what: 'the last batch' });
    for (const name of ['a', 'b', 'c', 'd']) {
      expect(heard.indexOf(`prepare ${name}`)).toBeLessThan(heard.indexOf(`told ${name}`));
      expect(heard.indexOf(`prepare ${name}`)).toBeGreaterThanOrEqual(0);
    }
    await outbox.close();
  });

  it('refuses by size as well as by number', async () => {
    const outbox = await readyTestOutbox(redis.url, { options: { maxPendingBytes: 4_000, lingerMs: 60_000 } });
    const chain = makeConnectionChain('CP-1', 1);
    const taken = outbox.append(chain, 'call', '', 'x'.repeat(2_000));
    await expect(outbox.append(chain, 'call', '', 'x'.repeat(2_000))).rejects.toMatchObject({ code: 'OVERLOADED' });
    await outbox.close();
    await taken;
  });

  it('stops the older of two processes with one key, and the chain does not fork', async () => {
    const older = await readyTestOutbox(redis.url);
    const chain = makeConnectionChain('CP-1', 1);
    await older.append(chain, 'call', '', 'a');
    const newer = await readyTestOutbox(redis.url);
    await newer.append(makeConnectionChain('CP-2', 1), 'call', '', 'b');
    await expect(older.append(chain, 'call', '', 'c')).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(older.append(chain, 'call', '', 'd')).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(older.isReady()).toBe(false);
    expect(older.fatal.map((error) => error.message)).toEqual([
      expect.stringContaining('another process writes batches as gateway 0xbb'),
    ]);
    await newer.append(makeConnectionChain('CP-2', 2), 'call', '', 'e');
    const batches = await queuedBatches(redis.url, FIRST);
    verifyBatches(batches);
    expect(eventsOf(batches).map((event) => event.frame)).toEqual(['a', 'b', 'e']);
    await Promise.all([older.close(), newer.close()]);
  });

  it('lets exactly one of two processes go on that write at the same moment', async () => {
    const both = await Promise.all([readyTestOutbox(redis.url), readyTestOutbox(redis.url)]);
    const outcomes = await Promise.allSettled(
      both.map((outbox, i) => outbox.append(makeConnectionChain(`CP-${i}`, 1), 'call', '', `${i}`)),
    );
    const stopped = () => both.filter((outbox: TestOutbox) => outbox.fatal.length > 0).length;
    await waitFor(() => stopped() === 1, { what: 'one to stop' });
    const batches = await queuedBatches(redis.url, FIRST);
    verifyBatches(batches);
    const written = outcomes.flatMap((outcome, i) => (outcome.status === 'fulfilled' ? [`${i}`] : []));
    expect(eventsOf(batches).map((event) => event.frame)).toEqual(written);
    await Promise.all(both.map((outbox) => outbox.close()));
    expect(stopped()).toBe(1);
  });

  it('begins a new generation when Redis has lost the chain', async () => {
    const outbox = await readyTestOutbox(redis.url);
    const chain = makeConnectionChain('CP-1', 1);
    await outbox.append(chain, 'call', '', 'a');
    const [before] = await queuedBatches(redis.url, FIRST);
    await client.flushall();
    await outbox.append(chain, 'call', '', 'b');
    await outbox.append(chain, 'call', '', 'c');
    const after = await queuedBatches(redis.url, FIRST);
    expect(after.map(({ generation, number }) => [generation, number])).toEqual([
      [(before?.generation ?? 0) + 1, 0],
      [(before?.generation ?? 0) + 1, 1],
    ]);
    expect(after[1]?.previous).not.toBe(after[0]?.previous);
    expect(eventsOf(after).map((event) => event.seq)).toEqual([1, 2]);
    await outbox.close();
  });

  it('never signs a number twice: a Redis that fell back begins a new generation', async () => {
    const outbox = await readyTestOutbox(redis.url);
    const chain = makeConnectionChain('CP-1', 1);
    await outbox.append(chain, 'call', '', 'a');
    const key = headKey('bull', NETWORK, GATEWAY);
    const older = await client.get(key);
    await outbox.append(chain, 'call', '', 'b');
    await client.set(key, String(older));
    await outbox.append(chain, 'call', '', 'c');
    const batches = await queuedBatches(redis.url, FIRST);
    verifyBatches(batches);
    const places = batches.map(({ generation, number }) => `${generation}/${number}`);
    expect(new Set(places).size).toBe(places.length);
    expect(batches.at(-1)).toMatchObject({ number: 0, generation: (batches[0]?.generation ?? 0) + 1 });
    await outbox.close();
  });

  it('waits while Redis is full and goes on when there is room', async () => {
    const outbox = await readyTestOutbox(redis.url);
    const chain = makeConnectionChain('CP-1', 1);
    await client.config('SET', 'maxmemory', '1');
    const written = outbox.append(chain, 'call', '', 'a');
    await waitFor(() => !outbox.isReady(), { what: 'the outbox to notice' });
    for (const operator of OPERATORS) expect(eventsOf(await queuedBatches(redis.url, operator))).toEqual([]);
    await client.config('SET', 'maxmemory', '0');
    await written;
    expect(outbox.isReady()).toBe(true);
    for (const operator of OPERATORS) {
      const batches = await queuedBatches(redis.url, operator);
      verifyBatches(batches);
      expect(eventsOf(batches).map((event) => event.frame)).toEqual(['a']);
    }
    await outbox.close();
  });

  it('does not mind that somebody flushes the scripts', async () => {
    const outbox = await readyTestOutbox(redis.url);
    const chain = makeConnectionChain('CP-1', 1);
    await outbox.append(chain, 'call', '', 'a');
    await client.script('FLUSH');
    await outbox.append(chain, 'call', '', 'b');
    for (const operator of OPERATORS) {
      expect(eventsOf(await queuedBatches(redis.url, operator)).map((event) => event.frame)).toEqual(['a', 'b']);
    }
    await outbox.close();
  });

  it('stops with a clear error if a queue in Redis is damaged', async () => {
    const outbox = await readyTestOutbox(redis.url);
    await client.del(`bull:charger-events-${SECOND}:wait`);
    await client.set(`bull:charger-events-${SECOND}:wait`, 'nonsense');
    await expect(outbox.append(makeConnectionChain('CP-1', 1), 'call', '', 'a')).rejects.toMatchObject({
      code: 'INTERNAL',
      message: expect.stringContaining('WRONGTYPE'),
    });
    expect(outbox.fatal).toHaveLength(1);
    await outbox.close();
  });

  it('gives up what waits if Redis does not come back before the end of closing', async () => {
    const outbox = await readyTestOutbox(redis.url, { options: { closeTimeoutMs: 100 } });
    redis.pause();
    const written = outbox.append(makeConnectionChain('CP-1', 1), 'call', '', 'a');
    const outcome = expect(written).rejects.toMatchObject({ code: 'REDIS_UNAVAILABLE' });
    await outbox.close();
    await outcome;
    expect(outbox.fatal).toEqual([]);
    redis.resume();
  });
});
