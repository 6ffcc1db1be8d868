import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { DevsenError } from './errors.ts';

/**
 * Where a batch stands in its gateway's chain of batches.
 *
 * A gateway keeps its chain's head in Redis, written in one transaction with the batch, so the chain goes on over a
 * restart. Only when Redis has lost the head does the gateway begin a new `generation`.
 */
export interface BatchHeader {
  /** Which network the batch was made for: `<chain id>:<OracleDEVSEN address, lower case>`. */
  network: string;
  /** The gateway's account in UserDEVSEN, lower-case address. */
  gateway: string;
  /** Unix milliseconds at which this chain of batches was begun. */
  generation: number;
  /** 0, 1, 2 … within the generation. */
  number: number;
  /** Digest of the batch before, lower-case hex; 64 zeros for the first of a generation. */
  previous: string;
  /** When the gateway's process started, Unix ms: another value means every connection of the process before is gone. */
  bootedAtMs: number;
  /** Every event this gateway received up to this time, Unix ms, is in this batch or an earlier one. */
  watermarkMs: number;
}

/** A signed batch of charger events. */
export interface Batch extends BatchHeader {
  /** Event lines (`encodeEvent`), in the order in which they were received. */
  events: string[];
  /** The gateway's secp256k1 public key, uncompressed (04…), hex without 0x. */
  publicKey: string;
  /** ECDSA over `batchDigest`: r and s, 64 bytes, low s, hex without 0x. */
  signature: string;
}

/** The digest before a generation's first batch. */
export const GENERATION_START = '0'.repeat(64);

/** The queue in which one operator finds its batches. `operator` is its account in UserDEVSEN. */
export function eventQueueName(operator: string): string {
  return `charger-events-${operator.toLowerCase()}`;
}

/** The id of a batch's job: the same however often it is added. BullMQ allows neither a bare integer nor a colon. */
export function batchJobId(header: Pick<BatchHeader, 'gateway' | 'generation' | 'number'>): string {
  return `${header.gateway}-${header.generation}-${header.number}`;
}

/**
 * Name of the hash in which Redis holds a batch, once for all operators: the batch as `packBatch` makes it in the field
 * `PACKED_BATCH`, and a field for each operator, named by its account in lower case, that has not committed it yet. The job
 * in each operator's queue names it.
 *
 * @param prefix - that of BullMQ's queues
 */
export function batchKey(prefix: string, header: Pick<BatchHeader, 'gateway' | 'generation' | 'number'>): string {
  return `${prefix}:gateway-batch:${batchJobId(header)}`;
}

export const PACKED_BATCH = 'packed';

/** The data of the job by which an operator is told of a batch. */
export interface BatchJob {
  /** From `batchKey`. */
  key: string;
}

/** More than any gateway writes into one batch. What unpacks to more is none. */
const MOST_UNPACKED_BYTES = 64 * 1024 * 1024;

/** Parts a batch's lines in its text. JSON has none, so lines do not. */
const PART = '\x1e';

/**
 * A batch's text, compressed: what chargers say repeats itself. It takes a fraction of the time that Redis and its disk
 * would take for the text.
 *
 * @returns a frame of Zstandard
 * @see RFC 8878
 */
export function packBatch(batch: Batch): Buffer {
  return zstdCompressSync(bytesOf(batch), { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
}

/**
 * The batch's JSON with the number of its event lines in their place, and behind it the lines as they are: they are JSON for
 * the most part, and JSON within JSON is written, read and kept at twice the cost.
 */
function bytesOf(batch: Batch): Uint8Array {
  const { events } = batch;
  if (events.length === 0 || !events.every(isPlain)) return Buffer.from(JSON.stringify(batch));
  const head = JSON.stringify({ ...batch, events: events.length });
  const length = events.reduce((sum, line) => sum + PART.length + line.length, head.length);
  if (scratch.length < length * MOST_BYTES) scratch = Buffer.alloc(length * MOST_BYTES);
  let to = scratch.write(head);
  for (const line of events) {
    to += scratch.write(PART, to);
    to += scratch.write(line, to);
  }
  return scratch.subarray(0, to);
}

/** Most bytes of UTF-8 that one of a string's characters becomes. */
const MOST_BYTES = 3;
/**
 * Where batches are put together, as large as the largest so far. In one string it would be an object that V8 gives pages of its
 * own, and takes them from the system for each batch.
 */
let scratch = Buffer.alloc(0);

/** Whether a line comes back as it is when it was parted from others and was UTF-8 meanwhile. */
function isPlain(line: string): boolean {
  return !line.includes(PART) && line.isWellFormed();
}

/**
 * The text of a batch, for `parseBatch`.
 *
 * @throws DevsenError `CUSTODY_BROKEN` if the bytes are no frame of Zstandard, or one that is far too large; and what Node
 *   throws where memory is short
 */
export function unpackBatch(packed: Uint8Array): string {
  try {
    return zstdDecompressSync(packed, { maxOutputLength: MOST_UNPACKED_BYTES }).toString();
  } catch (cause) {
    const { code = '' } = cause as { code?: string };
    const isItsFault = code === 'ERR_BUFFER_TOO_LARGE' || (code.startsWith('ZSTD_') && !code.includes('memory'));
    if (!isItsFault) throw cause;
    throw new DevsenError('CUSTODY_BROKEN', 'batch cannot be unpacked', { cause });
  }
}

/**
 * The text whose SHA-256 is the batch's digest, and which is signed: the header and each event's chain hash.
 * An event's hash covers its line and its connection's whole past, so the digest covers every byte of the batch.
 *
 * @param eventHashes - `chainHash` of each event, in the batch's order
 */
export function batchText(header: BatchHeader, eventHashes: readonly string[]): string {
  return [
    'DEVSEN batch 1',
    header.network,
    header.gateway,
    header.generation,
    header.number,
    header.previous,
    header.bootedAtMs,
    header.watermarkMs,
    ...eventHashes,
  ].join('\n');
}

const HEX_64 = /^[0-9a-f]{64}$/;

/**
 * Reads a batch from its JSON text, or from what `unpackBatch` gives; checks shapes only, no signature and no chain.
 *
 * @throws DevsenError `CUSTODY_BROKEN`, naming the field
 */
export function parseBatch(source: string): Batch {
  const [head = '', ...parts] = source.split(PART);
  let raw: unknown;
  try {
    raw = JSON.parse(head);
  } catch (cause) {
    throw new DevsenError('CUSTODY_BROKEN', 'batch is no JSON', { cause });
  }
  if (typeof raw !== 'object' || raw === null) throw new DevsenError('CUSTODY_BROKEN', 'batch is no object');
  const fields = raw as Record<string, unknown>;
  return {
    network: text(fields, 'network', /^\d+:0x[0-9a-f]{40}$/),
    gateway: text(fields, 'gateway', /^0x[0-9a-f]{40}$/),
    generation: count(fields, 'generation'),
    number: count(fields, 'number'),
    previous: text(fields, 'previous', HEX_64),
    bootedAtMs: count(fields, 'bootedAtMs'),
    watermarkMs: count(fields, 'watermarkMs'),
    events: lines(fields, parts),
    publicKey: text(fields, 'publicKey', /^04[0-9a-f]{128}$/),
    signature: text(fields, 'signature', /^[0-9a-f]{128}$/),
  };
}

function text(fields: Record<string, unknown>, name: string, form: RegExp): string {
  const value = fields[name];
  if (typeof value !== 'string' || !form.test(value))
    throw new DevsenError('CUSTODY_BROKEN', `batch: ${name} is malformed`);
  return value;
}

function count(fields: Record<string, unknown>, name: string): number {
  const value = fields[name];
  if (!Number.isSafeInteger(value) || (value as number) < 0) {
    throw new DevsenError('CUSTODY_BROKEN', `batch: ${name} is no whole number`);
  }
  return value as number;
}

/** @param parts - what stands behind the batch's JSON */
function lines(fields: Record<string, unknown>, parts: string[]): string[] {
  const value = fields.events;
  if (parts.length > 0 && value === parts.length) return parts;
  if (parts.length > 0 || !Array.isArray(value) || !value.every((line) => typeof line === 'string')) {
    throw new DevsenError('CUSTODY_BROKEN', 'batch: events is no list of lines');
  }
  return value;
}
