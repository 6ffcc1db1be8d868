/** What may be tuned. */
export interface OutboxOptions {
  /** Key prefix of BullMQ's queues and of the head. In a Redis Cluster a hash tag, `{bull}`, keeps all in one slot. */
  prefix: string;
  /** Bounds of memory: events and bytes that wait for Redis. */
  maxPendingEvents: number;
  maxPendingBytes: number;
  /** Bounds of one batch; its last event may go over the second. */
  maxBatchEvents: number;
  maxBatchBytes: number;
  /** How long the first event after a pause waits for others, ms; 0: until the end of this turn of the event loop. */
  lingerMs: number;
  /** Mean time from one batch to the next, ms: the least, and the most that it grows to while the process is busy. */
  minIntervalMs: number;
  maxIntervalMs: number;
  /** A batch without events tells the watermark when nothing happened for so long, ms. */
  idleMs: number;
  /** A Redis that does not answer for so long is given up and connected to anew, ms. */
  redisTimeoutMs: number;
  /** Longest pause between attempts to reach Redis, ms. */
  retryMs: number;
  /** How long `close` tries to write what waits, ms. */
  closeTimeoutMs: number;
}

export const OUTBOX_DEFAULTS: OutboxOptions = {
  prefix: 'bull',
  maxPendingEvents: 50_000,
  maxPendingBytes: 64 * 1024 * 1024,
  maxBatchEvents: 2_000,
  maxBatchBytes: 1024 * 1024,
  lingerMs: 0,
  minIntervalMs: 1,
  maxIntervalMs: 5,
  idleMs: 500,
  redisTimeoutMs: 5_000,
  retryMs: 1_000,
  closeTimeoutMs: 5_000,
};
