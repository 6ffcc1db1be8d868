import type { BatchHeader } from '../core/batch.ts';
import { DevsenError } from '../core/errors.ts';
import type { SignedBatch } from './custody.ts';

/** The last batch of a gateway's chain, as Redis holds it. */
export interface ChainHead extends Pick<BatchHeader, 'generation' | 'number' | 'bootedAtMs' | 'watermarkMs'> {
  /** The digest of that batch. */
  digest: string;
}

/** Name of the key that holds a gateway's head. A chain belongs to one gateway in one network. */
export function headKey(prefix: string, network: string, gateway: string): string {
  return `${prefix}:gateway-head:${network}:${gateway}`;
}

/** Name of the key whose life bounds when a batch may still go in. */
export function leaseKey(head: string): string {
  return `${head}:lease`;
}

export function headOf({ batch, digest }: SignedBatch): ChainHead {
  const { generation, number, bootedAtMs, watermarkMs } = batch;
  return { generation, number, bootedAtMs, watermarkMs, digest };
}

/** `generation number digest bootedAtMs watermarkMs`, parted by spaces. */
export function encodeHead(head: ChainHead): string {
  return `${head.generation} ${head.number} ${head.digest} ${head.bootedAtMs} ${head.watermarkMs}`;
}

const HEAD = /^(\d{1,16}) (\d{1,16}) ([0-9a-f]{64}) (\d{1,16}) (\d{1,16})$/;

/**
 * @param text - what Redis holds; null if it holds nothing
 * @throws DevsenError `CUSTODY_BROKEN` if the text is not what `encodeHead` writes
 */
export function decodeHead(text: string | null): ChainHead | undefined {
  if (text === null) return undefined;
  const fields = HEAD.exec(text);
  if (fields === null) throw new DevsenError('CUSTODY_BROKEN', "the head of the gateway's chain in Redis is malformed");
  const [, generation, number, digest, bootedAtMs, watermarkMs] = fields;
  return {
    generation: Number(generation),
    number: Number(number),
    digest: String(digest),
    bootedAtMs: Number(bootedAtMs),
    watermarkMs: Number(watermarkMs),
  };
}

/**
 * What the head found in Redis says about a batch that is to be written.
 *
 * - `absent`: the batch is not in, the chain stands where we left it: write it
 * - `present`: the batch is in (an earlier attempt whose answer never came)
 * - `lost`: Redis is behind what it once confirmed, so it lost data: begin a new generation. Going on from the older
 *   head would mean to sign the same numbers twice with other contents
 * - `foreign`: another process writes with this gateway's key
 */
export type HeadFinding = 'absent' | 'present' | 'lost' | 'foreign';

/**
 * @param found - the head in Redis now
 * @param last - the head after our last batch, or as read at the start
 * @param next - the head the batch will make
 */
export function judgeHead(found: ChainHead | undefined, last: ChainHead | undefined, next: ChainHead): HeadFinding {
  if (isSame(found, next)) return 'present';
  if (isSame(found, last)) return 'absent';
  if (last === undefined) return 'foreign';
  if (found === undefined || found.generation < last.generation) return 'lost';
  return found.generation === last.generation && found.number < last.number ? 'lost' : 'foreign';
}

export function isSame(a: ChainHead | undefined, b: ChainHead | undefined): boolean {
  return a?.generation === b?.generation && a?.number === b?.number && a?.digest === b?.digest;
}
