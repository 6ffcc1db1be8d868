import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { computeAddress } from 'ethers';
import { type BatchHeader, batchText } from './batch.ts';
import { type ChargerEvent, chainHash, decodeEvent } from './charger-event.ts';
import { DevsenError } from './errors.ts';

/**
 * One charger event with all that shows that its gateway told it: the header and signature of the batch it went out in,
 * and its place in its connection's chain. Whoever knows the gateway's key from `UserDEVSEN` need trust nobody else.
 */
export interface EventProof extends BatchHeader {
  /** Chain hash of each event of the batch, in its order; lower-case hex. */
  eventHashes: string[];
  /** The gateway's secp256k1 public key, uncompressed (04…), hex without 0x. */
  publicKey: string;
  /** r and s over the SHA-256 of the batch's text, 64 bytes, hex without 0x. */
  signature: string;
  /** Which of the batch's events this is, from 0. */
  index: number;
  /** Chain hash of the event before it in its connection; 64 zeros before the first. */
  previousHash: string;
  /** The event as `encodeEvent` writes it. */
  line: string;
}

/** What a proof shows, or why it shows nothing. */
export type Proven =
  | { isProven: true; event: ChargerEvent; hash: string }
  | { isProven: false; reason: 'event' | 'chain' | 'key' | 'signature' };

/**
 * Checks an event's proof.
 *
 * @param signingKey - address of the key that `UserDEVSEN` registers, or registered at the time, for `proof.gateway`
 * @returns not proven: `event` if the line is no event, `chain` if it is not the batch's event of that index, `key` if
 *   another key signed, `signature` if the signature does not verify
 */
export function verifyEventProof(proof: EventProof, signingKey: string): Proven {
  let event: ChargerEvent;
  try {
    event = decodeEvent(proof.line);
  } catch (error) {
    if (error instanceof DevsenError) return { isProven: false, reason: 'event' };
    throw error;
  }
  const hash = chainHash(proof.previousHash, proof.line);
  if (proof.eventHashes[proof.index] !== hash) return { isProven: false, reason: 'chain' };
  const fault = signatureFault(proof, proof.eventHashes, signingKey);
  return fault === undefined ? { isProven: true, event, hash } : { isProven: false, reason: fault };
}

/**
 * What is wrong with the signature of a batch; undefined if nothing is.
 *
 * @param eventHashes - chain hash of each event of the batch, in its order
 * @param signingKey - see `verifyEventProof`
 */
export function signatureFault(
  batch: BatchHeader & { publicKey: string; signature: string },
  eventHashes: readonly string[],
  signingKey: string,
): 'key' | 'signature' | undefined {
  const key = readKey(batch.publicKey);
  if (key === undefined || addressOf(batch.publicKey) !== signingKey.toLowerCase()) return 'key';
  const text = Buffer.from(batchText(batch, eventHashes));
  const signature = Buffer.from(batch.signature, 'hex');
  const isSigned = signature.length === 64 && verify('sha256', text, { key, dsaEncoding: 'ieee-p1363' }, signature);
  return isSigned ? undefined : 'signature';
}

/**
 * Checks that proofs show a connection's events without one left out between the first and the last.
 *
 * @param proofs - in the order of the connection
 * @param signingKey - see `verifyEventProof`
 * @returns the events; or the index of the first proof that shows nothing, or does not follow the one before
 */
export function verifyHistory(
  proofs: readonly EventProof[],
  signingKey: string,
): { isProven: true; events: ChargerEvent[] } | { isProven: false; index: number } {
  const events: ChargerEvent[] = [];
  let before: { event: ChargerEvent; hash: string } | undefined;
  for (const [index, proof] of proofs.entries()) {
    const proven = verifyEventProof(proof, signingKey);
    if (!proven.isProven) return { isProven: false, index };
    const { event, hash } = proven;
    const follows =
      before === undefined ||
      (proof.previousHash === before.hash &&
        event.charger === before.event.charger &&
        event.epoch === before.event.epoch &&
        event.seq === before.event.seq + 1);
    if (!follows) return { isProven: false, index };
    events.push(event);
    before = { event, hash };
  }
  return { isProven: true, events };
}

function readKey(publicKey: string): KeyObject | undefined {
  if (!/^04[0-9a-f]{128}$/.test(publicKey)) return undefined;
  const part = (from: number) => Buffer.from(publicKey.slice(from, from + 64), 'hex').toString('base64url');
  try {
    return createPublicKey({ key: { kty: 'EC', crv: 'secp256k1', x: part(2), y: part(66) }, format: 'jwk' });
  } catch {
    // Thrown for what is no point of the curve.
    return undefined;
  }
}

function addressOf(publicKey: string): string {
  return computeAddress(`0x${publicKey}`).toLowerCase();
}
