import { concat, keccak256 } from 'ethers';
import { type ChargerEvent, chainHash, decodeEvent } from './charger-event.ts';
import { DevsenError } from './errors.ts';
import { signatureFault } from './event-proof.ts';
import { isObject, isWhole } from './json.ts';
import { readSealedBatch, type SealedBatch } from './sealed-batch.ts';

/** The charger events that an answer was read from, each batch they went out in but once. */
export interface EvidenceDocument {
  batches: SealedBatch[];
  events: EvidenceEvent[];
}

export interface EvidenceEvent {
  /** Which of the document's batches it went out in, and which of that batch's events it is; both from 0. */
  batch: number;
  index: number;
  /** Chain hash of the event before it in its connection; 64 zeros before the first. */
  previousHash: string;
  /** The event as `encodeEvent` writes it. */
  line: string;
}

/** What evidence shows, or what in it shows nothing. */
export type Evidenced =
  | {
      isProven: true;
      events: ChargerEvent[];
      /** keccak256 of the events' chain hashes, one after the other, 0x-hex: of a session the `evidence` that the chain was told. */
      hash: string;
    }
  | { isProven: false; reason: string };

/** The hash of events of these chain hashes, lower-case hex without 0x, in this order. */
export function evidenceHash(hashes: readonly string[]): string {
  return keccak256(concat(hashes.map((hash) => `0x${hash}`)));
}

/**
 * Checks evidence: that each event is the one of its batch, with its connection's past, and that its gateway signed the batch.
 * What else was said in between, or after, it does not show; `verifyHistory` does where there is no gap.
 *
 * @param text - the document's JSON, put together from the pages
 * @param signingKeyOf - address of the key that `UserDEVSEN` registers, or registered at the time, for a gateway
 */
export function verifyEvidence(text: string, signingKeyOf: (gateway: string) => string | undefined): Evidenced {
  try {
    const { batches, events } = readDocument(text);
    for (const [n, batch] of batches.entries()) {
      const fault = signatureFault(batch, batch.eventHashes, signingKeyOf(batch.gateway) ?? '');
      if (fault !== undefined) return { isProven: false, reason: `batch ${n}: ${fault}` };
    }
    const hashes: string[] = [];
    for (const [n, { batch, index, previousHash, line }] of events.entries()) {
      const hash = chainHash(previousHash, line);
      if (batches[batch]?.eventHashes[index] !== hash) return { isProven: false, reason: `event ${n}: chain` };
      hashes.push(hash);
    }
    return { isProven: true, events: events.map(({ line }) => decodeEvent(line)), hash: evidenceHash(hashes) };
  } catch (error) {
    if (error instanceof DevsenError) return { isProven: false, reason: error.message };
    throw error;
  }
}

function readDocument(text: string): EvidenceDocument {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (cause) {
    throw new DevsenError('CUSTODY_BROKEN', 'evidence is no JSON', { cause });
  }
  if (!isObject(raw) || !Array.isArray(raw.batches) || !Array.isArray(raw.events)) {
    throw new DevsenError('CUSTODY_BROKEN', 'evidence has no batches or no events');
  }
  return { batches: raw.batches.map(readSealedBatch), events: raw.events.map(readEvent) };
}

function readEvent(value: unknown): EvidenceEvent {
  const { batch, index, previousHash, line } = isObject(value) ? value : {};
  if (!isWhole(batch) || !isWhole(index) || typeof previousHash !== 'string' || typeof line !== 'string') {
    throw new DevsenError('CUSTODY_BROKEN', 'evidence: event is malformed');
  }
  return { batch, index, previousHash, line };
}
