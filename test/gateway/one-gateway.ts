import { afterAll, afterEach, beforeAll } from '@jest/globals';
import type { RunningGateway } from '../../ocpp-gateway/gateway.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { type ConnectOptions, connectCharger, type RawCharger, readEvents, startTestGateway } from './support.ts';

/** A Redis and a gateway for all tests of a suite, and chargers that are gone after each. To be called where the suite begins. */
export function shareGateway() {
  let redis: TestRedis;
  let gateway: RunningGateway;
  const chargers: RawCharger[] = [];

  beforeAll(async () => {
    redis = await startRedis();
    gateway = await startTestGateway(redis.url);
  });
  afterEach(async () => {
    await Promise.all(chargers.splice(0).map((charger) => charger.close()));
  });
  afterAll(async () => {
    await gateway.close();
    await redis.close();
  });

  return {
    gateway: () => gateway,
    redisUrl: () => redis.url,
    connect: async (identity: string, options: ConnectOptions = {}) => {
      const charger = await connectCharger(gateway.port, identity, options);
      chargers.push(charger);
      return charger;
    },
    /** What an operator has on record of a charger. */
    eventsOf: async (identity: string, operator?: string) =>
      (await readEvents(redis.url, operator)).filter((event) => event.charger === identity),
  };
}
