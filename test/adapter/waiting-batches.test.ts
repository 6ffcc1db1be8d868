import { zstdCompressSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { makeWaitingBatches } from '../../adapter/waiting-batches.ts';
import { batchKey } from '../../core/batch.ts';
import { dropOperatorQueue } from '../../network/operator-queue.ts';
import { makeTestGateway, type TestGateway } from '../support/batches.ts';
import { shelveBatch } from '../support/queued-batches.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';
import { OPERATOR, openTestQueue, startTestOperator } from './operator.ts';

const OTHER = `0x${'0c'.repeat(20)}`;
const BEGIN_MS = Date.now() - 60_000;

describe('batches that Redis holds once for all operators', () => {
  let redis: TestRedis;
  let client: Redis;
  let gateway: TestGateway;
  let releases: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    redis = await startRedis();
    client = new Redis(redis.url);
  });
  beforeEach(async () => {
    await client.flushall();
    gateway = makeTestGateway({ bootedAtMs: BEGIN_MS });
  });
  afterEach(async () => {
    for (const release of releases.reverse()) await release();
    releases = [];
  });
  afterAll(async () => {
    client.disconnect();
    await redis.close();
  });

  function openQueue(account = OPERATOR) {
    const queue = openTestQueue(redis.url, account);
    releases.push(queue.close);
    return queue;
  }

  async function startOperator(account = OPERATOR) {
    const operator = await startTestOperator({ redisUrl: redis.url, gateways: [gateway.listed()], account });
    releases.push(operator.close);
    return operator;
  }

  it('stay until the last operator has committed them, and are gone then', async () => {
    const [queue, otherQueue] = [openQueue(), openQueue(OTHER)];
    const batches = [gateway.flush(BEGIN_MS), gateway.flush(BEGIN_MS + 1), gateway.flush(BEGIN_MS + 2)];
    await Promise.all([queue.send(...batches), otherQueue.send(...batches)]);
    await startOperator();
    await waitFor(async () => (await queue.size()) === 0, { what: 'one operator to have read its queue' });
    expect(await queue.held()).toBe(3);
    const fields = await client.hkeys(batchKey('bull', batches[0] as (typeof batches)[number]));
    expect(fields.sort()).toEqual([OTHER, 'packed']);
    await startOperator(OTHER);
    await waitFor(async () => (await otherQueue.size()) === 0, { what: 'the other to have read its queue' });
    expect(await queue.held()).toBe(0);
  });

  it('may be named once more by a job, after which all goes on', async () => {
    const queue = openQueue();
    const first = gateway.flush(BEGIN_MS);
    await queue.send(first);
    const operator = await startOperator();
    await waitFor(async () => (await queue.size()) === 0, { what: 'the queue to be read' });
    // As of a worker that died after the batch was committed and before its job was: Redis hands the job out again.
    await queue.sendNamed(first);
    await queue.send(gateway.flush(BEGIN_MS + 1));
    await waitFor(async () => (await queue.size()) === 0, { what: 'the queue to be read again' });
    expect(await queue.held()).toBe(0);
    expect((await operator.health()).status).toBe(200);
  });

  it('come in the job itself from a gateway of an earlier version, in the same chain', async () => {
    const queue = openQueue();
    gateway.open('CH-1', BEGIN_MS + 1);
    const [whole, held] = [gateway.flush(BEGIN_MS + 2), gateway.flush(BEGIN_MS + 3)];
    await queue.sendWhole(whole);
    await queue.send(held);
    const operator = await startOperator();
    await waitFor(async () => (await queue.size()) === 0, { what: 'the queue to be read' });
    const { body } = await operator.health();
    expect(body.gateways).toEqual([
      expect.objectContaining({ isFollowed: true, parked: 0, lagMs: expect.any(Number) }),
    ]);
  });

  it('are refused, and hold nobody up, where they cannot be unpacked or unpack to more than a gateway writes', async () => {
    const queue = openQueue();
    const batches = [gateway.flush(BEGIN_MS), gateway.flush(BEGIN_MS + 1)] as const;
    const bomb = zstdCompressSync(Buffer.alloc(128 * 1024 * 1024));
    for (const [n, packed] of [Buffer.from('no frame'), bomb].entries()) {
      await client.hset(`bull:gateway-batch:false-${n}`, 'packed', packed, OPERATOR, '');
      await queue.sendNamed({ ...batches[0], gateway: 'false', generation: n }, `bull:gateway-batch:false-${n}`);
    }
    // Their name is all that is kept of them.
    const named = { key: 'bull:gateway-batch:false-1' };
    expect(await makeWaitingBatches(client, OPERATOR).textOf(named)).toBe(JSON.stringify(named));
    await queue.send(...batches);
    const operator = await startOperator();
    await waitFor(async () => (await queue.size()) === 0, { what: 'the queue to be read' });
    const { body } = await operator.health();
    expect(body.gateways).toEqual([expect.objectContaining({ isFollowed: true, parked: 0 })]);
    const metrics = await (await fetch(`${operator.url}/metrics`)).text();
    expect(metrics).toMatch(/batches_total\{[^}]*refuse[^}]*\} 2\n/);
    expect(await queue.held()).toBe(0);
  });

  it('go with the queue of an operator that is gone for good, but for those that others wait for', async () => {
    const [queue, otherQueue] = [openQueue(), openQueue(OTHER)];
    const shared = gateway.flush(BEGIN_MS);
    await queue.send(shared, gateway.flush(BEGIN_MS + 1));
    await otherQueue.send(shared);
    expect(await dropOperatorQueue(redis.url, OPERATOR)).toBe(2);
    expect([await queue.size(), await otherQueue.size(), await queue.held()]).toEqual([0, 1, 1]);
    expect(await dropOperatorQueue(redis.url, OTHER)).toBe(1);
    expect(await client.keys('*')).toEqual([]);
    await shelveBatch(client, shared, OPERATOR);
    await expect(dropOperatorQueue('redis://127.0.0.1:1', OPERATOR)).rejects.toMatchObject({
      code: 'REDIS_UNAVAILABLE',
    });
    expect(await queue.held()).toBe(1);
  });
});
