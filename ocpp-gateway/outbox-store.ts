import { createRedisBackend, type IRedisTransaction, type JobJson, QueueKeys } from 'bullmq';
import type { ChainableCommander, Redis } from 'ioredis';
import { type Batch, batchJobId, eventQueueName } from '../core/batch.ts';
import { DevsenError } from '../core/errors.ts';
import type { SealedBatch } from './custody.ts';
import { type ChainHead, decodeHead, encodeHead, headOf, leaseKey } from './outbox-head.ts';
import { openSingleLifeRedis, withDeadline } from './redis.ts';

/** The outbox's connection to Redis: one TCP connection, after the first error it is to be closed and opened anew. */
export interface OutboxStore {
  /** Which process of Redis this is: another one may not know what was written to the one before. */
  readonly runId: string;
  /**
   * Reads the head and the lease, and watches both: the next `write` goes in only if nobody has written the head since, and
   * before the lease ends. So a write that is held up on its way comes to nothing, rather than late.
   *
   * @param holdMs - begins a lease of so many ms first
   */
  watchHead: (holdMs?: number) => Promise<WatchedHead>;
  /**
   * Puts a batch into every operator's queue, moves the head and begins a lease for the next batch, all in one transaction.
   *
   * @returns false if the head was written by somebody else since `watchHead` or the lease ended, and nothing was done
   * @throws DevsenError `INTERNAL` if Redis did a part only, which takes a damaged queue key
   */
  write: (batch: SealedBatch, operators: readonly string[]) => Promise<boolean>;
  close: () => void;
}

export interface WatchedHead {
  head: ChainHead | undefined;
  /** How long the lease went on when Redis looked, ms; not above 0 if there is none. */
  leaseMs: number;
}

/**
 * Life of the lease that each batch leaves to the next, ms: less than the silence after which a gateway counts as away, so
 * that it is rarely too long for the next batch, and more than the pauses between batches.
 */
const LEASE_MS = 5_000;

/** Failed deliveries are tried again for ever: an operator that cannot store a batch now must not lose it. */
const JOB_OPTIONS = {
  removeOnComplete: true,
  attempts: 1_000_000_000,
  backoff: { type: 'fixed', delay: 1_000 },
} as const;

/**
 * Gives jobs their data, `{"batch": "<JSON text of the Batch>"}`: so a batch travels to Redis once, not once for each
 * operator, and its lines as they are. KEYS are the jobs' hashes, as BullMQ names them; ARGV[1] is the batch's JSON up
 * to its first event, and the events follow.
 */
const FILL_JOBS = `
local events = {}
for i = 2, #ARGV do events[i - 1] = cjson.encode(ARGV[i]) end
local batch = ARGV[1] .. table.concat(events, ',') .. ']}'
local data = '{"batch":' .. cjson.encode(batch) .. '}'
for _, job in ipairs(KEYS) do redis.call('HSET', job, 'data', data) end`;

/**
 * Opens the store.
 *
 * BullMQ's own `FlowProducer` puts jobs into many queues in one MULTI, but has no place for a condition on the head.
 * So the same backend makes the commands here (`addJobToTransaction` is there to share a transaction), and WATCH,
 * MULTI and EXEC are ours. No worker can see a job before EXEC is through, so none sees it without its data.
 *
 * @param headKey - from `headKey`
 * @throws DevsenError `REDIS_UNAVAILABLE`
 */
export async function openOutboxStore(
  redisUrl: string,
  prefix: string,
  headKey: string,
  timeoutMs: number,
): Promise<OutboxStore> {
  const redis = await openSingleLifeRedis(redisUrl, 'devsen-outbox', timeoutMs);
  const backend = createRedisBackend('', { connection: redis });
  // It passes on the connection's errors, which are seen at the commands that they fail.
  backend.on('error', () => {});
  const queueKeys = new QueueKeys(prefix);
  const lease = leaseKey(headKey);
  let runId = '';
  try {
    await withDeadline(backend.waitUntilReady(), timeoutMs);
    runId = /^run_id:(\S+)/m.exec(await withDeadline(redis.info('server'), timeoutMs))?.[1] ?? '';
  } catch (error) {
    redis.disconnect();
    throw error;
  }

  return {
    runId,

    watchHead: async (holdMs) => {
      const held = holdMs === undefined ? undefined : redis.set(lease, '1', 'PX', holdMs);
      const watched = redis.watch(headKey, lease);
      const [head, leaseMs] = await withDeadline(
        Promise.all([redis.get(headKey), redis.pttl(lease), watched, held]),
        timeoutMs,
      );
      return { head: decodeHead(head), leaseMs };
    },

    write: async (sealed, operators) => {
      const multi = redis.multi();
      const { events, ...rest } = sealed.batch;
      const job = jobOf(sealed.batch);
      const target = scriptsInto(multi, redis);
      const queues = operators.map(eventQueueName);
      for (const queue of queues) {
        await backend.addJobToTransaction(target, job, job.id, {}, queueKeys.getKeys(queue));
      }
      const jobs = queues.map((queue) => queueKeys.toKey(queue, job.id));
      const start = `${JSON.stringify(rest).slice(0, -1)},"events":[`;
      multi.eval(FILL_JOBS, jobs.length, ...jobs, start, ...events);
      multi.set(headKey, encodeHead(headOf(sealed)));
      multi.set(lease, '1', 'PX', LEASE_MS);
      const results = await withDeadline(multi.exec(), timeoutMs);
      if (results === null) return false;
      const failed = results.find(([error]) => error !== null)?.[0];
      if (failed) throw new DevsenError('INTERNAL', `Redis did a part of a transaction only: ${failed.message}`);
      return true;
    },

    close: () => redis.disconnect(),
  };
}

/**
 * Turns BullMQ's script calls into EVALSHA within a MULTI, and loads each script in the same MULTI. Otherwise a SCRIPT
 * FLUSH from outside would let EXEC move the head and fail the jobs.
 */
function scriptsInto(multi: ChainableCommander, redis: Redis): IRedisTransaction {
  const scripts = redis.scriptsSet as Record<string, { lua: string; sha: string; numberOfKeys: number }>;
  const loaded = new Set<string>();
  const target = {
    runCommand: (name: string, args: (string | Buffer)[]) => {
      const script = scripts[name];
      if (script === undefined) throw new DevsenError('INTERNAL', `BullMQ has no script ${name}`);
      if (!loaded.has(name)) multi.script('LOAD', script.lua);
      loaded.add(name);
      multi.evalsha(script.sha, script.numberOfKeys, ...args);
      return target;
    },
  };
  return target as unknown as IRedisTransaction;
}

/** The job of a batch, the same for each operator; `FILL_JOBS` gives it its data. */
function jobOf(batch: Batch): JobJson {
  const id = batchJobId(batch);
  return {
    id,
    name: 'batch',
    data: '{}',
    opts: JOB_OPTIONS,
    progress: 0,
    attemptsMade: 0,
    attemptsStarted: 0,
    timestamp: batch.watermarkMs,
    failedReason: 'null',
    returnvalue: 'null',
    stalledCounter: 0,
  };
}
