import { DelayedError, Worker } from 'bullmq';
import { APPROVAL_QUEUE } from '../core/request-approval.ts';
import type { Logger } from '../runtime/log.ts';
import type { ApprovalDesk } from './approval-desk.ts';

/** Approvals looked at at once: each may wait for its charger's turn. */
const CONCURRENCY = 256;
const AGAIN_MS = 500;
const RETRY_MS = 500;
/** What is not put back by then is taken up by another gateway, once its lock has run out. */
const CLOSE_WITHIN_MS = 10_000;
const CLOSE_WITHOUT_REDIS_MS = 1_000;

/** A gateway's share of the approvals that operators have queued for all gateways. */
export interface ApprovalQueue {
  /** Takes no more; settles when those taken are put back or done with, or it cannot be waited for. */
  close: () => Promise<void>;
}

/**
 * Reads `APPROVAL_QUEUE`. A job holds `{"approval": "<JSON text of a SignedApproval>"}` and stays in the queue until its
 * request was carried out or its time is over, so a gateway that ends leaves it to the others.
 *
 * @param isUp - whether Redis is there
 */
export function readApprovals(
  redisUrl: string,
  prefix: string,
  desk: ApprovalDesk,
  isUp: () => boolean,
  log: Logger,
): ApprovalQueue {
  const worker = new Worker(
    APPROVAL_QUEUE,
    async (job, token) => {
      const text = (job.data as { approval?: unknown } | undefined)?.approval;
      const outcome = await desk.take(typeof text === 'string' ? text : '').catch((error) => {
        log.warn({ err: error }, 'approval put off');
        return 'again' as const;
      });
      if (outcome === 'over') return;
      await job.moveToDelayed(Date.now() + AGAIN_MS, token);
      throw new DelayedError();
    },
    {
      prefix,
      connection: {
        url: redisUrl,
        maxRetriesPerRequest: null,
        retryStrategy: (attempt: number) => Math.min(50 * 2 ** Math.min(attempt, 6), 2_000),
      },
      concurrency: CONCURRENCY,
      lockDuration: 30_000,
      stalledInterval: 10_000,
      maxStalledCount: 10,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
      runRetryDelay: RETRY_MS,
    },
  );
  worker.on('error', (error) => log.debug({ reason: error.message }, 'approvals not read'));
  return {
    close: async () => {
      const { promise: late, resolve } = Promise.withResolvers<void>();
      // Without Redis nothing can be put back, and waiting for it would keep the process from ending.
      const timer = setTimeout(resolve, isUp() ? CLOSE_WITHIN_MS : CLOSE_WITHOUT_REDIS_MS);
      await Promise.race([worker.close(!isUp()), late]);
      clearTimeout(timer);
    },
  };
}
