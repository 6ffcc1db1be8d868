import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { makeWaitingBatches } from '../adapter/waiting-batches.ts';
import { eventQueueName } from '../core/batch.ts';
import { DevsenError } from '../core/errors.ts';

const BATCHES_AT_ONCE = 500;

/**
 * Takes an operator's queue out of a gateway's Redis, and with it all batches that no other operator waits for.
 *
 * @param operator - its account; it gets nothing any more, or the queue is there again at once
 * @returns how many batches it had waiting
 * @throws DevsenError `REDIS_UNAVAILABLE`
 */
export async function dropOperatorQueue(redisUrl: string, operator: string): Promise<number> {
  const redis = new Redis(redisUrl, { lazyConnect: true, maxRetriesPerRequest: null, retryStrategy: () => null });
  redis.on('error', () => {});
  try {
    await redis.connect();
    const queue = new Queue(eventQueueName(operator), { connection: redis });
    queue.on('error', () => {});
    await queue.obliterate({ force: true });
    await queue.close();
    const batches = makeWaitingBatches(redis, operator);
    let waiting = 0;
    for await (const keys of redis.scanStream({ match: 'bull:gateway-batch:*', count: BATCHES_AT_ONCE })) {
      const released = await Promise.all((keys as string[]).map((key) => batches.release({ key })));
      waiting += released.filter(Boolean).length;
    }
    return waiting;
  } catch (cause) {
    throw new DevsenError('REDIS_UNAVAILABLE', `Redis: ${(cause as Error).message}`, { cause });
  } finally {
    redis.disconnect();
  }
}
