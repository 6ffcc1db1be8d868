import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { DevsenError } from '../core/errors.ts';
import { APPROVAL_QUEUE } from '../core/request-approval.ts';
import type { Logger } from '../runtime/log.ts';

const ADD_WITHIN_MS = 5_000;
/** So long an approval that was taken is remembered, so that it is not taken again, seconds. */
const REMEMBERED_SEC = 3_600;

/** The queue from which gateways take approvals. */
export interface ApprovalQueue {
  /** Adds an approval, JSON; once, however often it is called. @throws DevsenError `REDIS_UNAVAILABLE` */
  add: (jobId: string, approval: string) => Promise<void>;
  close: () => Promise<void>;
}

export function openApprovalQueue(redisUrl: string, log: Logger): ApprovalQueue {
  const client = new Redis(redisUrl, {
    maxRetriesPerRequest: null,
    retryStrategy: (attempt) => Math.min(50 * 2 ** attempt, 1_000),
  });
  client.on('error', (error: { code?: string }) => log.debug({ code: error.code }, 'Redis is away'));
  const queue = new Queue(APPROVAL_QUEUE, { connection: client });
  queue.on('error', () => {});
  return {
    add: async (jobId, approval) => {
      const kept = { age: REMEMBERED_SEC };
      const options = { jobId, removeOnComplete: kept, removeOnFail: kept };
      const added = queue.add('approval', { approval }, options).then(() => true);
      const late = Promise.withResolvers<false>();
      const timer = setTimeout(() => late.resolve(false), ADD_WITHIN_MS);
      try {
        // What is added later all the same does no harm: it is the same approval.
        if (!(await Promise.race([added, late.promise]))) throw new Error('Redis does not answer');
      } catch (cause) {
        added.catch(() => {});
        throw new DevsenError('REDIS_UNAVAILABLE', 'the approval is not queued yet', { cause });
      } finally {
        clearTimeout(timer);
      }
    },
    close: async () => {
      await queue.close();
      client.disconnect();
    },
  };
}
