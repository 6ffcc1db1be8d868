import { randomUUID } from 'node:crypto';
import { createRedisBackend, type IRedisTransaction, type JobJson, QueueKeys } from 'bullmq';
import type { Redis } from 'ioredis';
import {
  type Batch,
  type BatchJob,
  batchJobId,
  batchKey,
  eventQueueName,
  PACKED_BATCH,
  packBatch,
} from '../core/batch.ts';
import { DevsenError } from '../core/errors.ts';
import type { SignedBatch } from './custody.ts';
import { type ChainHead, decodeHead, encodeHead, headOf, leaseKey } from './outbox-head.ts';
import { writeScript } from './outbox-script.ts';
import { openSingleLifeRedis, withDeadline } from './redis.ts';

/** The outbox's connection to Redis: one TCP connection, after the first error it is to be closed and opened anew. */
export interface OutboxStore {
  /** Which process of Redis this is: another one may not know what was written to the one before. */
  readonly runId: string;
  readHead: () => Promise<ChainHead | undefined>;
  /**
   * Begins a lease of so many ms, which ends any other, and reads the head. A write goes in only before its lease ends: one
   * that is held up on its way comes to nothing, rather than late.
   */
  hold: (holdMs: number) => Promise<ChainHead | undefined>;
  /** How long the lease goes on at the most, ms; not above 0 if there is none. */
  leaseMs: () => number;
  /**
   * Puts a batch into every operator's queue, moves the head and begins a lease for the next batch, all at once and in one
   * round trip, if the head is `before` and the lease goes on; else nothing is done, and the lease is over.
   *
   * @param operators - one or more
   * @param onSent - called once it is on its way
   * @returns the head as it stands afterwards: that of `batch` if it is in
   * @throws DevsenError `INTERNAL` if Redis did a part only, which takes a damaged queue key
   */
  write: (
    batch: SignedBatch,
    operators: readonly string[],
    before: ChainHead | undefined,
    onSent: () => void,
  ) => Promise<ChainHead | undefined>;
  close: () => void;
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
 * Opens the store.
 *
 * BullMQ's own `FlowProducer` puts jobs into many queues in one MULTI, but has no place for a condition on the head, and
 * would send a batch once for each operator. So BullMQ makes the arguments of its script that adds a job, and that
 * script runs within one of ours.
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
  const runWrite = defineWrite(redis);

  /** What the lease's key holds while the lease is ours: no other lease has the same. */
  let token = '';
  let leaseEndsMs = -Infinity;
  let leases = 0;
  const name = randomUUID();
  const nextToken = () => `${name} ${++leases}`;
  /** @param lifeMs - from when Redis began the lease, which was before it said so */
  const leaseBegun = (begun: string, lifeMs: number) => {
    token = begun;
    leaseEndsMs = performance.now() + lifeMs;
  };

  return {
    runId,
    leaseMs: () => leaseEndsMs - performance.now(),
    readHead: async () => decodeHead(await withDeadline(redis.get(headKey), timeoutMs)),

    hold: async (holdMs) => {
      const begun = nextToken();
      const [head] = await withDeadline(
        Promise.all([redis.get(headKey), redis.set(lease, begun, 'PX', holdMs)]),
        timeoutMs,
      );
      leaseBegun(begun, holdMs);
      return decodeHead(head);
    },

    write: async (sealed, operators, before, onSent) => {
      const job = jobOf(sealed.batch);
      const added: ScriptCall[] = [];
      for (const operator of operators) {
        await backend.addJobToTransaction(into(added), job, job.id, {}, queueKeys.getKeys(eventQueueName(operator)));
      }
      const data: BatchJob = { key: batchKey(prefix, sealed.batch) };
      const keys = [headKey, lease, data.key, ...added.flatMap(({ keys }) => keys)];
      const next = encodeHead(headOf(sealed));
      const begun = nextToken();
      const written = runWrite(
        keys.length,
        ...keys,
        before === undefined ? '' : encodeHead(before),
        next,
        token,
        begun,
        LEASE_MS,
        added[0]?.options ?? '',
        JSON.stringify(data),
        PACKED_BATCH,
        packBatch(sealed.batch),
        ...added.flatMap(({ job }, n) => [operators[n] ?? '', job]),
      );
      const answered = withDeadline(written, timeoutMs);
      onSent();
      const [head, problem] = await answered;
      if (problem !== '') throw new DevsenError('INTERNAL', `Redis took a batch for some operators only: ${problem}`);
      if (head === next) leaseBegun(begun, LEASE_MS);
      else leaseEndsMs = -Infinity;
      return decodeHead(head === '' ? null : head);
    },

    close: () => redis.disconnect(),
  };
}

/** What BullMQ would call its script `addStandardJob` with. */
interface ScriptCall {
  keys: string[];
  /** The job's fields, msgpack. */
  job: Buffer;
  /** The job's options, msgpack. */
  options: Buffer;
}

/** Stands in for a transaction, and takes down what BullMQ would add to it. */
function into(calls: ScriptCall[]): IRedisTransaction {
  const target = {
    runCommand: (name: string, args: (string | Buffer)[]) => {
      if (!isAddJob(name)) throw new DevsenError('INTERNAL', `BullMQ adds a job by ${name}, not ${ADD_JOB}`);
      const [job, , options] = args.splice(JOB_KEYS) as [Buffer, string, Buffer];
      calls.push({ keys: args as string[], job, options });
      return target;
    },
  };
  return target as unknown as IRedisTransaction;
}

type RunWrite = (keyCount: number, ...args: (string | Buffer | number)[]) => Promise<[head: string, problem: string]>;

/** Makes the script a command of this connection, which knows what to do when Redis has forgotten the script. */
function defineWrite(redis: Redis): RunWrite {
  const scripts = redis.scriptsSet as Record<string, { lua: string; numberOfKeys: number }>;
  const addJob = scripts[Object.keys(scripts).find(isAddJob) ?? ''];
  if (addJob?.numberOfKeys !== JOB_KEYS) throw new DevsenError('INTERNAL', `BullMQ's script ${ADD_JOB} has changed`);
  redis.defineCommand('writeBatch', { lua: writeScript(addJob.lua, JOB_KEYS) });
  const { writeBatch } = redis as unknown as { writeBatch: RunWrite };
  return writeBatch.bind(redis);
}

/** BullMQ's script that adds a job to a queue, and how many keys it takes. */
const ADD_JOB = 'addStandardJob';
const JOB_KEYS = 9;

/** On a connection its name is followed by BullMQ's version. */
function isAddJob(name: string): boolean {
  return name === ADD_JOB || name.startsWith(`${ADD_JOB}:`);
}

/** The job that names a batch, the same for each operator; the script gives it its data. */
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
