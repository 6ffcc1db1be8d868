import { type JobType, Queue } from 'bullmq';
import { Redis } from 'ioredis';
import {
  type Batch,
  type BatchJob,
  batchKey,
  eventQueueName,
  PACKED_BATCH,
  packBatch,
  parseBatch,
  unpackBatch,
} from '../../core/batch.ts';

/** The prefix of BullMQ's queues where none is said. */
const PREFIX = 'bull';

/** Every batch that waits in an operator's queue, the oldest first. */
export async function queuedBatches(
  redisUrl: string,
  operator: string,
  states: JobType[] = ['waiting'],
): Promise<Batch[]> {
  const connection = new Redis(redisUrl, { maxRetriesPerRequest: null });
  const queue = new Queue<BatchJob>(eventQueueName(operator), { connection });
  try {
    const jobs = await queue.getJobs(states, 0, -1, true);
    return await Promise.all(
      jobs.map(async ({ data }) => {
        const packed = await connection.hgetBuffer(data.key, PACKED_BATCH);
        return parseBatch(unpackBatch(packed ?? Buffer.alloc(0)));
      }),
    );
  } finally {
    await queue.close();
    connection.disconnect();
  }
}

/** Puts a batch where a gateway does, for one operator that is to commit it; gives what the operator's job is to say. */
export async function shelveBatch(redis: Redis, batch: Batch, operator: string): Promise<BatchJob> {
  const key = batchKey(PREFIX, batch);
  await redis.hset(key, PACKED_BATCH, packBatch(batch), operator.toLowerCase(), '');
  return { key };
}
