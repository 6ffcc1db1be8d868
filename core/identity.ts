import { hash, timingSafeEqual } from 'node:crypto';
import { getBytes, id, keccak256 } from 'ethers';
import { DevsenError } from './errors.ts';

/** OCPP identity: up to 48 characters that are safe in a URL path (OCPP 2.0.1 `identifierString` without `*` and `+`). */
const IDENTITY = /^[A-Za-z0-9_=:|@.-]{1,48}$/;

export function isChargerIdentity(text: string): boolean {
  return IDENTITY.test(text);
}

/**
 * A charger's id on chain: keccak256 of the UTF-8 bytes of its OCPP identity.
 *
 * @returns 32 bytes, 0x-prefixed hex
 * @throws DevsenError `INPUT_INVALID` if the text is no OCPP identity
 */
export function deviceIdOf(identity: string): string {
  if (!isChargerIdentity(identity)) {
    throw new DevsenError('INPUT_INVALID', 'an OCPP identity is 1 to 48 of A-Z a-z 0-9 _ = : | @ . -');
  }
  return id(identity);
}

/**
 * What the chain stores of a charger's OCPP AuthorizationKey.
 *
 * @param key - the key's bytes: 16 to 64, random (so a plain hash gives nothing away)
 * @returns keccak256 of the bytes, 0x-prefixed hex
 */
export function authorizationKeyHash(key: Uint8Array): string {
  return keccak256(key);
}

/** Whether a presented AuthorizationKey is the committed one; the comparison takes the same time for every wrong key. */
export function isAuthorizationKey(key: Uint8Array, committedHash: string): boolean {
  return timingSafeEqual(getBytes(authorizationKeyHash(key)), getBytes(committedHash));
}

/**
 * What the chain stores of an RFID card: HMAC-SHA-256 of the idTag under the network's pepper.
 * idTags have too few digits for a bare hash, and compare without regard to case (OCPP 1.6 §3.12, CiString20).
 *
 * @returns 32 bytes, 0x-prefixed hex
 */
export function idTagCommitment(idTag: string, pepper: Uint8Array): string {
  const { inner, outer } = hmacPads(pepper);
  const digest = hash('sha256', Buffer.concat([inner, Buffer.from(idTag.toLowerCase())]), 'buffer');
  return `0x${hash('sha256', Buffer.concat([outer, digest]))}`;
}

/**
 * What all RFID cards of one user have in common: OCPP's `parentIdTag`, `groupIdToken` in 2.x. Whoever may charge with one of
 * them may end with another. It gives nothing away, is no card's own idTag, and is not of the form that a session's tag has.
 *
 * @param user - account in UserDEVSEN, 0x-hex
 * @returns 20 characters of `0-9A-Z`, which is all that OCPP 1.6 has room for
 */
export function parentIdTag(user: string, pepper: Uint8Array): string {
  return `P${idTagCommitment(`parent of ${user}`, pepper).slice(2, 21).toUpperCase()}`;
}

const BLOCK_BYTES = 64;
const pads = new WeakMap<Uint8Array, { inner: Buffer; outer: Buffer }>();

/** The two pads of RFC 2104. Node's own Hmac sets up a key at each call, which costs twenty times the two hashes. */
function hmacPads(key: Uint8Array): { inner: Buffer; outer: Buffer } {
  const known = pads.get(key);
  if (known !== undefined) return known;
  const block = Buffer.alloc(BLOCK_BYTES);
  block.set(key.length > BLOCK_BYTES ? hash('sha256', key, 'buffer') : key);
  const made = { inner: block.map((byte) => byte ^ 0x36) as Buffer, outer: block.map((byte) => byte ^ 0x5c) as Buffer };
  pads.set(key, made);
  return made;
}

/** SHA-256 of text or bytes, lower-case hex without 0x. */
export function sha256Hex(data: string | Uint8Array): string {
  return hash('sha256', data);
}
