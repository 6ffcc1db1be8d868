import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type GatewayRedis, openGatewayRedis } from '../../ocpp-gateway/redis.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';
import { NETWORK, silentLog } from './outbox-support.ts';
import { openRedisProxy } from './redis-proxy.ts';

async function openUp(url: string, network = NETWORK): Promise<GatewayRedis> {
  const redis = openGatewayRedis(url, network, 'bull', silentLog);
  await waitFor(redis.isUp, { what: 'the connection' });
  return redis;
}

describe('what the gateway keeps in Redis', () => {
  let server: TestRedis;
  let redis: GatewayRedis;

  beforeAll(async () => {
    server = await startRedis();
    redis = await openUp(server.url);
  });
  afterAll(async () => {
    await redis.close();
    await server.close();
  });

  it('gives a connection the time as its epoch, or one more than the last', async () => {
    expect(await redis.nextEpoch('CP-1', 1700000000000)).toBe(1700000000000);
    expect(await redis.nextEpoch('CP-1', 1700000000000)).toBe(1700000000001);
    expect(await redis.nextEpoch('CP-1', 1600000000000)).toBe(1700000000002);
    expect(await redis.nextEpoch('CP-1', 1700000000009)).toBe(1700000000009);
    expect(await redis.nextEpoch('CP-2', 1600000000000)).toBe(1600000000000);
  });

  it('gives concurrent connections at two gateways different epochs', async () => {
    const other = await openUp(server.url);
    const gateways = [redis, other];
    const epochs = await Promise.all(
      Array.from({ length: 20 }, (_, i) => gateways[i % 2]?.nextEpoch('CP-3', 1700000000000)),
    );
    expect(epochs.toSorted()).toEqual(Array.from({ length: 20 }, (_, i) => 1700000000000 + i));
    await other.close();
  });

  it('gives a transaction the seconds since 2025 as its id, or one more than the last', async () => {
    const at = Date.UTC(2025, 0, 1, 0, 1);
    expect(await redis.transactionIdFor('CP-1', 'a', at, 60)).toBe(60);
    expect(await redis.transactionIdFor('CP-1', 'b', at, 60)).toBe(61);
    expect(await redis.transactionIdFor('CP-2', 'a', at, 60)).toBe(62);
    expect(await redis.transactionIdFor('CP-2', 'b', at + 60_000, 60)).toBe(120);
    expect(await redis.transactionIdFor('CP-2', 'c', 0, 60)).toBe(121);
  });

  it('gives the same StartTransaction the same id again', async () => {
    const at = Date.UTC(2026, 0, 1);
    const first = await redis.transactionIdFor('CP-9', 'same', at, 60);
    expect(await redis.transactionIdFor('CP-9', 'same', at + 3_600_000, 60)).toBe(first);
    expect(await redis.transactionIdFor('CP-8', 'same', at, 60)).not.toBe(first);
    // Each is remembered for its own time.
    const ids = () => Promise.all([1, 600].map((sec) => redis.transactionIdFor('CP-9', `for ${sec}`, at, sec)));
    const [short, long] = await ids();
    await waitFor(async () => (await redis.transactionIdFor('CP-9', 'for 1', at, 60)) !== short, { what: 'a new id' });
    expect((await ids())[1]).toBe(long);
  });

  it('keeps apart what belongs to different networks', async () => {
    const other = await openUp(server.url, `1:0x${'99'.repeat(20)}`);
    await redis.nextEpoch('CP-5', 1700000000000);
    expect(await other.nextEpoch('CP-5', 1600000000000)).toBe(1600000000000);
    await other.close();
  });

  it('keeps credentials for the next start', async () => {
    await redis.saveCredential('CP-1', '{"a":1}');
    await redis.saveCredential('CP-2', '{"b":2}');
    await redis.saveCredential('CP-1', '{"a":3}');
    const next = await openUp(server.url);
    expect(await next.loadCredentials()).toEqual(
      new Map([
        ['CP-1', '{"a":3}'],
        ['CP-2', '{"b":2}'],
      ]),
    );
    await next.close();
  });

  it('uses a nonce once, also where the connection breaks before Redis has said that it is used', async () => {
    const proxy = await openRedisProxy(server.port, 'set');
    const client = await openUp(proxy.url);
    const inAMinute = Date.now() + 60_000;
    proxy.plan(['lose-reply']);
    expect(await client.useNonce('0xa', '0x1', inAMinute)).toBe(true);
    expect(proxy.scripts()).toBe(2);
    expect(await client.useNonce('0xa', '0x1', inAMinute)).toBe(false);
    expect(await redis.useNonce('0xa', '0x1', inAMinute)).toBe(false);
    await client.close();
    await proxy.close();
  });

  it('finds nothing wrong with a Redis that keeps what it confirms', async () => {
    expect(await redis.durabilityFindings()).toEqual([]);
  });

  it('says in which ways a Redis would lose what it confirmed', async () => {
    const careless = await startRedis({ aof: false, args: ['--maxmemory-policy', 'allkeys-lru'] });
    const client = await openUp(careless.url);
    expect(await client.durabilityFindings()).toEqual([
      'Redis has maxmemory-policy allkeys-lru, needs noeviction: under memory pressure it would throw queued events away',
      'Redis has appendonly no, needs yes: it would lose queued events when it stops',
      'Redis has appendfsync everysec, needs always: it confirms before it has written, so a crash could lose what was confirmed',
    ]);
    await client.close();
    await careless.close();
  });

  it('fails at once while Redis is away, and works again when it is back', async () => {
    const own = await startRedis();
    const client = await openUp(own.url);
    await own.kill9();
    await waitFor(() => !client.isUp(), { what: 'the connection to break' });
    await expect(client.nextEpoch('CP-1', 1)).rejects.toMatchObject({ code: 'REDIS_UNAVAILABLE' });
    await own.restart();
    await waitFor(client.isUp, { what: 'the connection to be back' });
    expect(await client.nextEpoch('CP-1', 1)).toBe(1);
    await client.close();
    await own.close();
  });
});
