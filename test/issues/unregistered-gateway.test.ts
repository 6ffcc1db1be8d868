import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connectCharger, memorySources, readBatches, readEvents, startTestGateway } from '../gateway/support.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';

/**
 * Seen: a gateway that the chain did not list, or no longer, went on writing batches and answering chargers. Operators put
 * such batches off and, from the thousandth on, refused them: what had been answered was lost, and when the gateway was
 * listed at last, the gap kept every operator from answering until the gateway was started again.
 */
describe('a gateway that the chain does not list', () => {
  let redis: TestRedis;

  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.close());

  it('writes nothing and answers nobody meanwhile, and afterwards tells which connections have ended', async () => {
    const sources = memorySources();
    const listed = sources.registry.gateways();
    const gateway = await startTestGateway(redis.url, {}, { sources, outbox: { idleMs: 10 } });
    const stays = await connectCharger(gateway.port, 'CPstays');
    const leaves = await connectCharger(gateway.port, 'CPleaves');
    await stays.call('before', 'Heartbeat', {});
    await leaves.call('before', 'Heartbeat', {});

    sources.registry.set({ gateways: [] });
    const delistedAtMs = Date.now();
    stays.send([2, 'during', 'Heartbeat', {}]);
    stays.socket.ping();
    await once(stays.socket, 'pong');
    await leaves.close();
    await waitFor(() => gateway.chargers().length === 1, { what: 'the gateway to see that the charger has left' });
    expect(gateway.health().problems).toEqual(['this gateway, or its key, is not registered on chain']);

    const listedAtMs = Date.now();
    sources.registry.set({ gateways: listed });
    await stays.call('after', 'Heartbeat', {});
    await stays.close();
    await gateway.close();

    expect(stays.received.map((text) => JSON.parse(text)[1])).toEqual(['before', 'after']);
    const events = await readEvents(redis.url);
    expect(events.filter(({ charger }) => charger === 'CPleaves').map(({ kind }) => kind)).toEqual([
      'open',
      'call',
      'close',
    ]);
    const watermarks = (await readBatches(redis.url)).map(({ watermarkMs }) => watermarkMs);
    expect(watermarks.filter((atMs) => atMs > delistedAtMs && atMs < listedAtMs)).toEqual([]);
  });
});
