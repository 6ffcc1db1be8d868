import { setTimeout as delay } from 'node:timers/promises';
import { type Job, Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { eventQueueName } from '../core/batch.ts';
import { DevsenError } from '../core/errors.ts';
import type { Logger } from '../runtime/log.ts';
import { makeWaitingBatches } from './waiting-batches.ts';

/** Batches taken from the queue and not yet committed; those that wait together are committed together. */
const CONCURRENCY = 16;
const RETRY_MS = 500;
const REDIS_TIMEOUT_MS = 2_000;
/** Redis is asked this often whether it still answers; a frozen one keeps its connections. */
const PING_MS = 1_000;
/** It counts as away when it has not answered for so long. Less would take a busy machine for an outage. */
const PING_TIMEOUT_MS = 5_000;
/** A stalled job is one whose lock ran out because its worker died. It is taken up again however often that happens. */
const MOST_STALLS = 1_000_000;

export interface QueueReader {
  /** Since when the queue has been read without a break, Unix ms; undefined while Redis is away. */
  listeningSinceMs: () => number | undefined;
  /**
   * Resolves when everything that is in the queue now has been committed.
   *
   * @throws DevsenError `REDIS_UNAVAILABLE`; what `signal` was aborted with
   */
  drained: (signal: AbortSignal) => Promise<void>;
  /** Jobs in the queue whose batches are not committed yet. @throws DevsenError `REDIS_UNAVAILABLE` */
  backlog: () => Promise<number>;
  close: () => Promise<void>;
}

export interface QueueReaderOptions {
  redisUrl: string;
  /** The operator's account. */
  operator: string;
  /** Commits batches, all or none; what it throws is tried again until it succeeds. */
  commit: (texts: readonly string[]) => void;
  log: Logger;
  now: () => number;
}

interface Taken {
  text: string;
  /** Whether `drained` waits for it. */
  isCounted: boolean;
  done: () => void;
}

/**
 * Begins to read the operator's queue, in order, into `commit`. A job leaves the queue only when its batch is committed; what a
 * process before left half done is committed first. Batches may come twice.
 */
export function readQueue(options: QueueReaderOptions): QueueReader {
  const { redisUrl, log, now } = options;
  const connection = {
    maxRetriesPerRequest: null,
    retryStrategy: (attempt: number) => Math.min(50 * 2 ** attempt, 1_000),
  };
  const name = eventQueueName(options.operator);
  const client = new Redis(redisUrl, connection);
  client.on('error', (error) => log.debug({ code: codeOf(error) }, 'Redis is away'));
  const batches = makeWaitingBatches(client, options.operator);
  const queue = new Queue(name, { connection: client });
  queue.on('error', (error) => log.debug({ code: codeOf(error) }, 'Redis is away'));
  let isClosing = false;
  let committed = 0;
  let listeningSinceMs: number | undefined;
  const waiters = new Set<() => void>();
  /**
   * Jobs that a process before took and that are committed now. Until the lock of their late worker has run out they stand
   * in the queue as active, and come once more after that.
   */
  const leftOver = new Set<string>();

  const count = (more: number) => {
    committed += more;
    for (const waiter of [...waiters]) waiter();
  };

  const taken: Taken[] = [];
  /** Resolved when batches cannot be committed while the reader closes: they stay in the queue. */
  const gaveUp = Promise.withResolvers<void>();
  let isCommitting = false;
  const commitTaken = async () => {
    isCommitting = true;
    while (taken.length > 0) {
      const group = taken.slice();
      try {
        options.commit(group.map(({ text }) => text));
      } catch (error) {
        log.error({ err: error, batches: group.length }, 'batches not committed; trying again');
        if (isClosing) return gaveUp.resolve();
        await delay(RETRY_MS);
        continue;
      }
      taken.splice(0, group.length);
      count(group.filter(({ isCounted }) => isCounted).length);
      for (const { done } of group) done();
    }
    isCommitting = false;
  };
  const take = (text: string, isCounted: boolean): Promise<void> =>
    new Promise((done) => {
      taken.push({ text, isCounted, done });
      // Batches that Redis hands over in the same turn share one commit.
      if (!isCommitting) setImmediate(() => isCommitting || void commitTaken());
    });

  const isReady = () => client.status === 'ready';
  const isBack = () => {
    if (worker === undefined || listeningSinceMs !== undefined) return;
    listeningSinceMs = now();
    log.info('Redis is there');
  };
  const isAway = () => {
    if (listeningSinceMs !== undefined && !isClosing) log.warn('Redis is away');
    listeningSinceMs = undefined;
  };
  client.on('close', isAway);
  /** `performance.now()` of the ping that has no answer yet. */
  let pingedAtMs: number | undefined;
  const isOverdue = () => pingedAtMs !== undefined && performance.now() - pingedAtMs > PING_TIMEOUT_MS;
  const pings = setInterval(() => {
    // After a long commit the answer may lie unread: it is read before what is said here.
    if (isOverdue()) setImmediate(() => isOverdue() && isAway());
    if (pingedAtMs !== undefined || !isReady()) return;
    pingedAtMs = performance.now();
    client
      .ping()
      .then(isBack, isAway)
      .finally(() => {
        pingedAtMs = undefined;
      });
  }, PING_MS);

  let worker: Worker | undefined;
  const closing = new AbortController();
  const leftByOthers = async (): Promise<Job[]> => {
    while (!isClosing) {
      try {
        return (await queue.getJobs(['active'], 0, -1, true)).filter((job) => job !== undefined);
      } catch (error) {
        log.warn({ code: codeOf(error as Error) }, 'queue not read; trying again');
        await delay(RETRY_MS, undefined, { signal: closing.signal }).catch(() => undefined);
      }
    }
    return [];
  };
  /** The job comes once more: only then has its batch had its use. */
  const commitLeft = async ({ data }: Job) => {
    const text = await batches.textOf(data);
    if (text !== undefined) await take(text, false);
  };
  const finish = async ({ id = '', data }: Job) => {
    const isCounted = !leftOver.delete(id);
    const text = await batches.textOf(data);
    if (text !== undefined) await take(text, isCounted);
    else {
      log.info({ jobId: id }, 'batch is not in Redis any more: committed before, or lost');
      if (isCounted) count(1);
    }
    await batches.release(data);
  };
  const start = async () => {
    const left = await leftByOthers();
    if (left.length > 0) log.info({ batches: left.length }, 'taking up what the process before left');
    await Promise.all(left.map(commitLeft));
    for (const { id } of left) if (id !== undefined) leftOver.add(id);
    if (isClosing) return;
    worker = new Worker(name, finish, {
      connection: { url: redisUrl, ...connection },
      concurrency: CONCURRENCY,
      lockDuration: 30_000,
      stalledInterval: 15_000,
      maxStalledCount: MOST_STALLS,
      removeOnComplete: { count: 0 },
      runRetryDelay: RETRY_MS,
    });
    worker.on('error', (error) => log.debug({ code: codeOf(error) }, 'queue not read'));
    if (isReady()) isBack();
  };
  const started = start().catch((error) => {
    if (!isClosing) log.error({ code: codeOf(error) }, 'queue not read');
  });

  const backlog = async () => {
    const counts = await inTime(queue.getJobCounts('wait', 'active', 'prioritized', 'delayed'));
    // One that Redis has lost since will not come again: it must not hide another.
    for (const id of [...leftOver]) if ((await inTime(queue.getJobState(id))) === 'unknown') leftOver.delete(id);
    const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
    return Math.max(all - leftOver.size, 0);
  };

  return {
    listeningSinceMs: () => (isReady() ? listeningSinceMs : undefined),
    backlog,
    drained: async (signal) => {
      // Jobs taken but not finished are counted as active, those committed meanwhile twice: it waits too long, never too short.
      const target = committed + (await backlog());
      while (committed < target && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const wake = () => {
            waiters.delete(wake);
            signal.removeEventListener('abort', wake);
            resolve();
          };
          waiters.add(wake);
          signal.addEventListener('abort', wake);
        });
      }
      signal.throwIfAborted();
    },
    close: async () => {
      isClosing = true;
      closing.abort();
      clearInterval(pings);
      // Jobs that are not committed stay where they are, and are taken up by the next process.
      const isIdle = taken.length === 0 && isReady();
      await Promise.race([worker?.close(!isIdle), gaveUp.promise]);
      await queue.close();
      client.disconnect();
      if (taken.length === 0) await started;
    },
  };
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  const timer = new AbortController();
  try {
    return await Promise.race([
      work,
      delay(REDIS_TIMEOUT_MS, undefined, { signal: timer.signal }).then(() => {
        throw new DevsenError('REDIS_UNAVAILABLE', 'Redis does not answer');
      }),
    ]);
  } finally {
    timer.abort();
    work.catch(() => undefined);
  }
}

/** A Redis error's code: its message may hold the URL. */
function codeOf(error: Error): string {
  return (error as { code?: string }).code ?? error.name;
}
