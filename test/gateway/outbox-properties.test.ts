import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { type ConnectionChain, makeConnectionChain } from '../../ocpp-gateway/custody.ts';
import { queuedBatches } from '../support/queued-batches.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { eventsOf, OPERATORS, openTestOutbox, type TestOutbox, verifyBatches } from './outbox-support.ts';
import { type Mishap, openRedisProxy, type RedisProxy } from './redis-proxy.ts';

type Step =
  | { do: 'append'; charger: number; frame: string }
  | { do: 'reconnect'; charger: number }
  | { do: 'wait' }
  | { do: 'restart' }
  | { do: 'operators'; count: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ do: fc.constant('append'), charger: fc.nat(3), frame: fc.string() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('reconnect'), charger: fc.nat(3) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('operators'), count: fc.integer({ min: 1, max: 4 }) }) },
) as fc.Arbitrary<Step>;

const mishap: fc.Arbitrary<Mishap | undefined> = fc.option(fc.constantFrom<Mishap[]>('lose-request', 'lose-reply'), {
  nil: undefined,
  freq: 2,
});

describe('batches, whatever happens', () => {
  let redis: TestRedis;
  let client: Redis;
  let proxy: RedisProxy;

  beforeAll(async () => {
    redis = await startRedis();
    client = new Redis(redis.url);
    proxy = await openRedisProxy(redis.port);
  });
  afterAll(async () => {
    await proxy.close();
    client.disconnect();
    await redis.close();
  });

  it('verify, chain, and hold each event once and in order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 40 }),
        fc.array(mishap, { maxLength: 20 }),
        fc.integer({ min: 1, max: 5 }),
        async (steps, mishaps, maxBatchEvents) => {
          await client.flushall();
          proxy.plan(mishaps);
          const frames = await play(steps, maxBatchEvents);
          const batches = await queuedBatches(redis.url, OPERATORS[0] as string);
          verifyBatches(batches);
          expect(eventsOf(batches).map((event) => event.frame)).toEqual(frames);
          for (const operator of OPERATORS.slice(1)) {
            const own = new Set((await queuedBatches(redis.url, operator)).map((batch) => batch.signature));
            const common = batches.filter((batch) => own.has(batch.signature));
            expect(common).toHaveLength(own.size);
          }
        },
      ),
      { numRuns: 25, endOnFailure: true },
    );
  }, 120_000);

  /** Plays the steps; returns the frames that must be in the first operator's queue, in order. */
  async function play(steps: readonly Step[], maxBatchEvents: number): Promise<string[]> {
    const open = (): TestOutbox => openTestOutbox(proxy.url, { options: { maxBatchEvents, retryMs: 1 } });
    let outbox = open();
    await outbox.whenReady();
    let epoch = 1;
    const chains: ConnectionChain[] = Array.from({ length: 4 }, (_, n) => makeConnectionChain(`CP-${n}`, epoch));
    const frames: string[] = [];
    let written: Promise<void>[] = [];
    const settle = async () => {
      await Promise.all(written);
      written = [];
    };
    for (const one of steps) {
      if (one.do === 'append') {
        written.push(outbox.append(chains[one.charger] as ConnectionChain, 'call', '', one.frame));
        frames.push(one.frame);
      }
      if (one.do === 'reconnect') chains[one.charger] = makeConnectionChain(`CP-${one.charger}`, ++epoch);
      if (one.do === 'wait') await settle();
      if (one.do === 'operators') outbox.setOperators(OPERATORS.slice(0, one.count));
      if (one.do === 'restart') {
        await outbox.close();
        await settle();
        outbox = open();
        await outbox.whenReady();
        for (const n of chains.keys()) chains[n] = makeConnectionChain(`CP-${n}`, ++epoch);
      }
    }
    await outbox.close();
    await settle();
    expect(outbox.fatal).toEqual([]);
    return frames;
  }
});
