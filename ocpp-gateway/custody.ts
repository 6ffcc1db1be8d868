import { hash } from 'node:crypto';
import { isPrivate, pointFromScalar } from 'tiny-secp256k1';
import { type Batch, type BatchHeader, batchText } from '../core/batch.ts';
import { CHAIN_START, type ChargerEventKind, chainHash, decodeEvent, encodeEvent } from '../core/charger-event.ts';
import { DevsenError } from '../core/errors.ts';
import { secp256k1 } from '../runtime/secp256k1.ts';

/** The hash chain of one connection of a charger; only `extendChain` and `redateEvent` move it on. */
export interface ConnectionChain {
  /** OCPP identity. */
  readonly charger: string;
  readonly epoch: number;
  /** The seq of the next event. */
  seq: number;
  /** `chainHash` of the last event, `CHAIN_START` before the first. */
  hash: string;
}

/** @param epoch - from `GatewayRedis.nextEpoch`, one for each connection */
export function makeConnectionChain(charger: string, epoch: number): ConnectionChain {
  return { charger, epoch, seq: 0, hash: CHAIN_START };
}

/**
 * Adds an event to its connection's chain.
 *
 * @returns the event's line; its hash is then `chain.hash`
 */
export function extendChain(
  chain: ConnectionChain,
  kind: ChargerEventKind,
  receivedAtMs: number,
  reply: string,
  frame: string,
): string {
  const { charger, epoch, seq } = chain;
  const line = encodeEvent({ charger, epoch, seq, receivedAtMs, kind, reply, frame });
  chain.seq = seq + 1;
  // As `chainHash` does it. The line is cut out of what was hashed, as that is one piece of memory by then.
  const hashed = chain.hash + line;
  chain.hash = hash('sha256', hashed);
  return hashed.slice(CHAIN_START.length);
}

/**
 * Gives an event that was not handed over yet a later time. Done to all such events of a chain in order, the chain is whole.
 *
 * @param before - hash of the event before it, which may have been dated anew as well
 * @returns the event's new line; its hash is then `chain.hash`
 */
export function redateEvent(chain: ConnectionChain, line: string, before: string, receivedAtMs: number): string {
  const redated = encodeEvent({ ...decodeEvent(line), receivedAtMs });
  chain.hash = chainHash(before, redated);
  return redated;
}

/** Signs with a gateway's key, which does not leave the closure. */
export interface BatchSigner {
  /** Uncompressed (04…), hex without 0x. */
  readonly publicKey: string;
  /** @returns r and s of the ECDSA signature over a 32-byte digest, low s, deterministic (RFC 6979); hex without 0x */
  sign: (digest: Uint8Array) => string;
}

/**
 * @param privateKey - 32 bytes
 * @throws DevsenError `INPUT_INVALID` if the bytes are no secp256k1 private key
 */
export function makeBatchSigner(privateKey: Uint8Array): BatchSigner {
  const point = isPrivate(privateKey) ? pointFromScalar(privateKey, false) : null;
  if (point === null) throw new DevsenError('INPUT_INVALID', 'the gateway key is no secp256k1 private key of 32 bytes');
  return {
    publicKey: Buffer.from(point).toString('hex'),
    sign: (digest) => Buffer.from(secp256k1.sign(digest, privateKey)).toString('hex'),
  };
}

/** A signed batch, and the digest that the next one refers to. */
export interface SignedBatch {
  batch: Batch;
  /** SHA-256 of the batch's text, lower-case hex. */
  digest: string;
}

/** @param hashes - `chainHash` of each line, in the same order */
export function sealBatch(
  header: BatchHeader,
  lines: string[],
  hashes: readonly string[],
  signer: BatchSigner,
): SignedBatch {
  const digest = hash('sha256', batchText(header, hashes), 'buffer');
  return {
    batch: { ...header, events: lines, publicKey: signer.publicKey, signature: signer.sign(digest) },
    digest: digest.toString('hex'),
  };
}
