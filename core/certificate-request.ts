import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { contentOf, contextTag, type Der, readDer, readParts, TAG, writeObjectId } from './der.ts';
import { DevsenError } from './errors.ts';

/** A certificate signing request (PKCS #10, RFC 2986) whose signature is good: who made it has the private key. */
export interface CertificateRequest {
  /** SubjectPublicKeyInfo, DER. */
  publicKey: Buffer;
  /** RelativeDistinguishedNames of the subject, DER, in order. */
  subject: Buffer[];
}

/** Signature algorithm → hash, and whether RSA's padding is PSS. */
const ALGORITHMS: Record<string, { hash: string | null; isPss?: boolean }> = {
  '1.2.840.10045.4.3.2': { hash: 'sha256' },
  '1.2.840.10045.4.3.3': { hash: 'sha384' },
  '1.2.840.10045.4.3.4': { hash: 'sha512' },
  '1.2.840.113549.1.1.11': { hash: 'sha256' },
  '1.2.840.113549.1.1.12': { hash: 'sha384' },
  '1.2.840.113549.1.1.13': { hash: 'sha512' },
  '1.2.840.113549.1.1.10': { hash: null, isPss: true },
  '1.3.101.112': { hash: null },
};

const LEAST_RSA_BITS = 2_048;
const CURVES: ReadonlySet<string> = new Set(['prime256v1', 'secp384r1', 'secp521r1', 'secp256k1']);
const LONGEST_CHARACTERS = 10_000;

/**
 * Reads and verifies a signing request.
 *
 * @param text - PEM, or the bare base64 of the DER, which some chargers send
 * @throws DevsenError `INPUT_INVALID` saying why it is none that a certificate may be issued for
 */
export function readCertificateRequest(text: string): CertificateRequest {
  if (text.length > LONGEST_CHARACTERS) throw invalid('is too long');
  const base64 = text.replace(/-----(BEGIN|END) (NEW )?CERTIFICATE REQUEST-----/g, '').replace(/\s|\\n/g, '');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) throw invalid('is no PEM');
  const [info, algorithm, signature] = readParts(readDer(Buffer.from(base64, 'base64')), TAG.sequence);
  const [, subject, publicKey] = readParts(info, TAG.sequence);
  if (info === undefined || publicKey === undefined) throw invalid('lacks a part');
  const key = readKey(publicKey.whole);
  const bits = contentOf(signature, TAG.bitString);
  if (bits[0] !== 0 || !isSignatureOf(key, algorithm, info.whole, bits.subarray(1)))
    throw invalid('is not signed by its own key');
  return { publicKey: publicKey.whole, subject: readParts(subject, TAG.sequence).map((part) => part.whole) };
}

function readKey(spki: Buffer): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  } catch {
    throw invalid('has no public key');
  }
  const { modulusLength = 0, namedCurve = '' } = key.asymmetricKeyDetails ?? {};
  const isStrong =
    key.asymmetricKeyType === 'ed25519' ||
    (key.asymmetricKeyType === 'ec' && CURVES.has(namedCurve)) ||
    (key.asymmetricKeyType?.startsWith('rsa') === true && modulusLength >= LEAST_RSA_BITS);
  if (!isStrong) throw invalid('has a key that is too weak');
  return key;
}

function isSignatureOf(key: KeyObject, algorithm: Der | undefined, signed: Buffer, signature: Buffer): boolean {
  const [objectId] = readParts(algorithm, TAG.sequence);
  for (const [name, { hash, isPss }] of Object.entries(ALGORITHMS)) {
    if (objectId === undefined || !objectId.whole.equals(writeObjectId(name))) continue;
    const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO };
    try {
      return verify(isPss ? pssHash(algorithm) : hash, signed, isPss ? { key, ...pss } : key, signature);
    } catch {
      return false;
    }
  }
  return false;
}

/** The hash that RSASSA-PSS-params name, where it is one of those that count. */
function pssHash(algorithm: Der | undefined): string {
  const [, parameters] = readParts(algorithm, TAG.sequence);
  const named = readParts(parameters, TAG.sequence).find(({ tag }) => tag === contextTag(0));
  const [hash] = readParts(readParts(named, contextTag(0))[0], TAG.sequence);
  const last = hash?.content.at(-1) ?? 0;
  const name = { 1: 'sha256', 2: 'sha384', 3: 'sha512' }[last];
  if (name === undefined || !hash?.whole.equals(writeObjectId(`2.16.840.1.101.3.4.2.${last}`))) {
    throw invalid('is signed with a weak hash');
  }
  return name;
}

function invalid(what: string): DevsenError {
  return new DevsenError('INPUT_INVALID', `the certificate signing request ${what}`);
}
