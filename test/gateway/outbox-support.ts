import { createPublicKey, hash, verify } from 'node:crypto';
import { pino } from 'pino';
import { type Batch, batchText, GENERATION_START } from '../../core/batch.ts';
import { CHAIN_START, type ChargerEvent, chainHash, decodeEvent } from '../../core/charger-event.ts';
import type { DevsenError } from '../../core/errors.ts';
import { type Outbox, type OutboxSettings, startOutbox } from '../../ocpp-gateway/outbox.ts';

export const NETWORK = `31337:0x${'aa'.repeat(20)}`;
export const GATEWAY = `0x${'bb'.repeat(20)}`;
export const OPERATORS = ['01', '02', '03', '04'].map((byte) => `0x${byte.repeat(20)}`);
export const PRIVATE_KEY = Buffer.alloc(32, 7);
export const silentLog = pino({ level: 'silent' });

export interface TestOutbox extends Outbox {
  /** What `onFatal` was told, in order. */
  fatal: DevsenError[];
}

/** An outbox that flushes fast and gives a silent Redis up soon; not ready yet. */
export function openTestOutbox(redisUrl: string, changes: Partial<OutboxSettings> = {}): TestOutbox {
  const fatal: DevsenError[] = [];
  const outbox = startOutbox(
    {
      redisUrl,
      network: NETWORK,
      gateway: GATEWAY,
      privateKey: PRIVATE_KEY,
      operators: OPERATORS,
      onFatal: (error) => fatal.push(error),
      ...changes,
      options: {
        minIntervalMs: 1,
        lingerMs: 1,
        redisTimeoutMs: 1_000,
        retryMs: 50,
        idleMs: 60_000,
        ...changes.options,
      },
    },
    silentLog,
  );
  return { ...outbox, fatal };
}

export async function readyTestOutbox(redisUrl: string, changes?: Partial<OutboxSettings>): Promise<TestOutbox> {
  const outbox = openTestOutbox(redisUrl, changes);
  await outbox.whenReady();
  return outbox;
}

/** The events of batches, in order. */
export function eventsOf(batches: readonly Batch[]): ChargerEvent[] {
  return batches.flatMap((batch) => batch.events.map(decodeEvent));
}

/**
 * Checks batches as an operator does that knows nothing of the gateway but its key: numbers and digests without a gap
 * within each generation, every signature, every connection's hash chain and seq, and times against watermarks.
 *
 * @throws Error that names the first batch that does not fit
 */
export function verifyBatches(batches: readonly Batch[]): void {
  const hashes = new Map<string, { hash: string; seq: number }>();
  let before: { batch: Batch; digest: string } | undefined;
  for (const batch of batches) {
    const where = `batch ${batch.generation}/${batch.number}`;
    const isFirst = before?.batch.generation !== batch.generation;
    if (isFirst && before && batch.generation < before.batch.generation) throw new Error(`${where}: older generation`);
    if (batch.number !== (isFirst ? 0 : (before?.batch.number ?? 0) + 1)) throw new Error(`${where}: gap`);
    if (batch.previous !== (isFirst ? GENERATION_START : before?.digest))
      throw new Error(`${where}: wrong digest before`);
    const leastAtMs = before?.batch.watermarkMs ?? -1;
    if (batch.watermarkMs < leastAtMs) throw new Error(`${where}: watermark falls`);
    if (batch.watermarkMs < batch.bootedAtMs) throw new Error(`${where}: watermark lies before the boot`);
    const eventHashes = batch.events.map((line) => {
      const { charger, epoch, seq, receivedAtMs } = decodeEvent(line);
      const connection = `${charger} ${epoch}`;
      const last = hashes.get(connection) ?? { hash: CHAIN_START, seq: -1 };
      if (seq !== last.seq + 1) throw new Error(`${where}: ${connection} has seq ${seq} after ${last.seq}`);
      if (receivedAtMs <= leastAtMs) throw new Error(`${where}: an event is not later than the watermark before`);
      if (receivedAtMs > batch.watermarkMs) throw new Error(`${where}: an event is later than the watermark`);
      const next = chainHash(last.hash, line);
      hashes.set(connection, { hash: next, seq });
      return next;
    });
    const text = batchText(batch, eventHashes);
    if (!isSignedBy(batch.publicKey, text, batch.signature)) throw new Error(`${where}: wrong signature`);
    before = { batch, digest: hash('sha256', text) };
  }
}

function isSignedBy(publicKey: string, text: string, signature: string): boolean {
  const half = (from: number) => Buffer.from(publicKey.slice(from, from + 64), 'hex').toString('base64url');
  const key = createPublicKey({ key: { kty: 'EC', crv: 'secp256k1', x: half(2), y: half(66) }, format: 'jwk' });
  return verify('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'hex'));
}
