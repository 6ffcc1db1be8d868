import type { Redis } from 'ioredis';
import { type BatchJob, PACKED_BATCH, unpackBatch } from '../core/batch.ts';
import { DevsenError } from '../core/errors.ts';
import { isObject } from '../core/json.ts';
import { gatherCalls } from '../runtime/gathered-calls.ts';

/** The batches that jobs in an operator's queue name; Redis holds each once, for all operators. */
export interface WaitingBatches {
  /**
   * The text of a job's batch, for `parseBatch`. It waits while Redis is away.
   *
   * @param data - of the job
   * @returns undefined if this operator has said before that it has committed it
   */
  textOf: (data: unknown) => Promise<string | undefined>;
  /**
   * Says that this operator has committed a job's batch; the last operator to say so takes it out of Redis.
   *
   * @returns whether it had not been said before
   */
  release: (data: unknown) => Promise<boolean>;
}

/** Takes one field out of each hash, and away what nobody waits for any more. */
const RELEASE = `
local released = {}
for n, key in ipairs(KEYS) do
  released[n] = redis.call('HDEL', key, ARGV[1])
  if redis.call('HLEN', key) == 1 then redis.call('DEL', key) end
end
return released`;

/** @param operator - its account */
export function makeWaitingBatches(redis: Redis, operator: string): WaitingBatches {
  redis.defineCommand('releaseBatches', { lua: RELEASE });
  const { releaseBatches } = redis as unknown as {
    releaseBatches: (keyCount: number, ...keysAndField: string[]) => Promise<number[]>;
  };
  const release = gatherCalls((keys: readonly string[]) =>
    releaseBatches.call(redis, keys.length, ...keys, operator.toLowerCase()),
  );
  return {
    textOf: async (data) => {
      if (isNamed(data)) {
        const packed = await redis.hgetBuffer(data.key, PACKED_BATCH);
        return packed === null ? undefined : textIn(packed, data);
      }
      // Earlier versions of the gateway put the batch into the job itself, the first of them as a text.
      const { batch } = (data ?? {}) as { batch?: unknown };
      return typeof batch === 'string' ? batch : JSON.stringify(data ?? null);
    },
    release: async (data) => isNamed(data) && (await release(data.key)) === 1,
  };
}

/** What is no batch is refused as such where it is read; the name it had is all that is worth keeping of it. */
function textIn(packed: Buffer, job: BatchJob): string {
  try {
    return unpackBatch(packed);
  } catch (error) {
    if (error instanceof DevsenError) return JSON.stringify(job);
    throw error;
  }
}

function isNamed(data: unknown): data is BatchJob {
  return isObject(data) && typeof data.key === 'string';
}
