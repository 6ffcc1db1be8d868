import { type BatchHeader, parseBatch } from './batch.ts';
import { DevsenError } from './errors.ts';

/**
 * A batch without its events' text: all that its signature is over. So it can be verified, and what its successor names as
 * the batch before it, long after what chargers said in it is deleted.
 */
export interface SealedBatch extends BatchHeader {
  /** Chain hash of each event, in the batch's order; lower-case hex. */
  eventHashes: string[];
  /** The gateway's secp256k1 public key, uncompressed (04…), hex without 0x. */
  publicKey: string;
  /** r and s over the SHA-256 of `batchText`, 64 bytes, hex without 0x. */
  signature: string;
}

/**
 * Reads a sealed batch; checks shapes only.
 *
 * @throws DevsenError `CUSTODY_BROKEN`, naming the field
 */
export function readSealedBatch(value: unknown): SealedBatch {
  const { eventHashes } = (value ?? {}) as { eventHashes?: unknown };
  const isHash = (one: unknown) => typeof one === 'string' && /^[0-9a-f]{64}$/.test(one);
  if (!Array.isArray(eventHashes) || !eventHashes.every(isHash)) {
    throw new DevsenError('CUSTODY_BROKEN', 'batch: eventHashes is no list of hashes');
  }
  const { events: _, ...header } = parseBatch(JSON.stringify({ ...(value as object), events: [] }));
  return { ...header, eventHashes };
}
