import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connectCharger, readEvents, startTestGateway } from '../gateway/support.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';

/**
 * Seen: a charger connected while the outbox was full. Its `open` event was refused, the `close` event that followed was
 * taken, as number 0 of the connection. Every operator refused that signed batch as against the rules and broke the
 * gateway's record off until its next start.
 */
describe('a connection whose opening finds no room', () => {
  let redis: TestRedis;

  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.close());

  it('is ended and leaves nothing on record', async () => {
    const gateway = await startTestGateway(redis.url, {}, { outbox: { maxPendingEvents: 0 } });
    const charger = await connectCharger(gateway.port, 'CP1');
    expect(await charger.closed).toEqual({ code: 1013, reason: 'try again later' });
    await gateway.close();
    expect(await readEvents(redis.url)).toEqual([]);
  });
});
