import { computeAddress } from 'ethers';
import { isPoint } from 'tiny-secp256k1';
import { secp256k1 } from '../runtime/secp256k1.ts';

/** A gateway's key as its batches carry it, made ready once. */
export interface GatewayKey {
  /** The key's Ethereum address, lower case: what the chain registers. */
  address: string;
  point: Uint8Array;
}

const MOST_KEYS = 1_000;

/**
 * Reads public keys and keeps the ones it has read.
 *
 * @returns undefined for a text that is no point of the curve
 */
export function makeKeyRing(): (publicKey: string) => GatewayKey | undefined {
  const ring = new Map<string, GatewayKey | undefined>();
  return (publicKey) => {
    if (ring.has(publicKey)) return ring.get(publicKey);
    if (ring.size >= MOST_KEYS) ring.clear();
    const point = Buffer.from(publicKey, 'hex');
    const key = isPoint(point) ? { point, address: computeAddress(`0x${publicKey}`).toLowerCase() } : undefined;
    ring.set(publicKey, key);
    return key;
  };
}

/**
 * Whether a signature was made with the key.
 *
 * @param digest - what was signed, 32 bytes, hex
 * @param signature - r and s, hex; one with a high s, which the EVM's libraries refuse, is not taken
 */
export function isSignedBy(key: GatewayKey, digest: string, signature: string): boolean {
  return secp256k1.verify(Buffer.from(digest, 'hex'), key.point, Buffer.from(signature, 'hex'));
}
