import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import type { OcmfRecord } from './ocmf.ts';

/** The curves by their names in OCMF and in OpenSSL, with the bytes of a coordinate. */
const CURVES: Readonly<Record<string, { name: string; bytes: number }>> = {
  secp192k1: { name: 'secp192k1', bytes: 24 },
  secp192r1: { name: 'prime192v1', bytes: 24 },
  secp256k1: { name: 'secp256k1', bytes: 32 },
  secp256r1: { name: 'prime256v1', bytes: 32 },
  secp384r1: { name: 'secp384r1', bytes: 48 },
  secp521r1: { name: 'secp521r1', bytes: 66 },
  brainpool256r1: { name: 'brainpoolP256r1', bytes: 32 },
  brainpoolP256r1: { name: 'brainpoolP256r1', bytes: 32 },
  brainpool384r1: { name: 'brainpoolP384r1', bytes: 48 },
  brainpoolP384r1: { name: 'brainpoolP384r1', bytes: 48 },
};

const ALGORITHM = /^ECDSA-([A-Za-z0-9]+)-SHA(256|384|512)$/;

/**
 * The public key of a meter.
 *
 * @param bytes - DER `SubjectPublicKeyInfo` of an elliptic curve's key, as `DeviceDEVSEN.meterKey` has it
 * @returns undefined if the bytes are none
 */
export function readMeterKey(bytes: Uint8Array): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: Buffer.from(bytes), format: 'der', type: 'spki' });
    return key.asymmetricKeyType === 'ec' ? key : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the record's exact payload was signed with this key, by the algorithm that the record names. Never throws. */
export function isSignedByMeter(record: OcmfRecord, key: KeyObject): boolean {
  const [, curveName = '', bits] = ALGORITHM.exec(record.algorithm) ?? [];
  const curve = Object.hasOwn(CURVES, curveName) ? CURVES[curveName] : undefined;
  if (curve === undefined || key.asymmetricKeyDetails?.namedCurve !== curve.name) return false;
  const signature = rawSignature(record.signature, curve.bytes);
  if (signature === undefined) return false;
  try {
    return verify(`sha${bits}`, Buffer.from(record.payload), { key, dsaEncoding: 'ieee-p1363' }, signature);
  } catch {
    return false;
  }
}

const SEQUENCE = 0x30;
const INTEGER = 0x02;

/**
 * r and s of a DER signature, each of the curve's width. Meters write their integers in a fixed width, with the sign's byte
 * missing or superfluous: strict DER would refuse their true signatures.
 */
function rawSignature(der: Uint8Array, width: number): Uint8Array | undefined {
  const body = readValue(der, 0, SEQUENCE);
  if (body === undefined || body.end !== der.length) return undefined;
  const r = readValue(der, body.start, INTEGER);
  const s = r && readValue(der, r.end, INTEGER);
  if (r === undefined || s === undefined || s.end !== der.length) return undefined;
  const raw = new Uint8Array(2 * width);
  for (const [{ start, end }, place] of [
    [r, width],
    [s, 2 * width],
  ] as const) {
    let from = start;
    while (from < end && der[from] === 0) from += 1;
    if (end - from > width) return undefined;
    raw.set(der.subarray(from, end), place - (end - from));
  }
  return raw;
}

function readValue(der: Uint8Array, at: number, tag: number): { start: number; end: number } | undefined {
  if (der[at] !== tag) return undefined;
  let length = der[at + 1];
  let start = at + 2;
  if (length === 0x81) {
    length = der[at + 2];
    start += 1;
  } else if (length === undefined || length > 0x7f) return undefined;
  const end = start + (length as number);
  return Number.isNaN(end) || end > der.length ? undefined : { start, end };
}
