import { makeTokenBucket, type TokenBucket } from './token-bucket.ts';

/** What a charger may do on a connection. */
export interface StationLimits {
  /** Largest message that a socket takes, bytes. */
  maxMessageBytes: number;
  /** Unanswered calls at which the socket is not read any further. */
  maxCallsInFlight: number;
  /** Over ten seconds; more close the socket. */
  maxMessagesPerSec: number;
  /** Of a charger's frames, over `BYTES_BURST_SEC`; more close the socket. */
  maxBytesPerSec: number;
  /** Frames in a row that are none; more close the socket. */
  maxBadMessages: number;
  /** How long the charger may take to answer a call of ours. */
  callTimeoutMs: number;
  /** Calls of ours that may wait behind the one in flight. */
  maxCallsWaiting: number;
  /** How long a charger has to tell its statuses before it is asked, ms, and up to twice as long; 0: it is not asked. */
  statusSettleMs: number;
}

/** Seconds of full message rate that may come in one burst: what a charger kept while it was offline. */
const BURST_SEC = 10;
/** The same in bytes, which is how such a queue grows: 4 MiB where 64 KiB per second are let through. */
const BYTES_BURST_SEC = 64;

/** What a charger may send, in bytes: on one connection or on many, one after the other. */
export function makeByteBudget(
  limits: Pick<StationLimits, 'maxBytesPerSec' | 'maxMessageBytes'>,
  nowMs: number,
): TokenBucket {
  const burst = Math.max(limits.maxBytesPerSec * BYTES_BURST_SEC, limits.maxMessageBytes);
  return makeTokenBucket(limits.maxBytesPerSec, burst, nowMs);
}

/** What a charger may send, in messages on one connection. */
export function makeMessageBudget(
  { maxMessagesPerSec }: Pick<StationLimits, 'maxMessagesPerSec'>,
  nowMs: number,
): TokenBucket {
  return makeTokenBucket(maxMessagesPerSec, maxMessagesPerSec * BURST_SEC, nowMs);
}
