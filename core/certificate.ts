import { createHash, type KeyObject, randomBytes, sign, X509Certificate } from 'node:crypto';
import {
  contentOf,
  contextTag,
  type Der,
  readDer,
  readParts,
  TAG,
  writeBitString,
  writeDer,
  writeInteger,
  writeObjectId,
  writeSequence,
  writeTime,
} from './der.ts';

/** What a certificate may be used for. */
export type CertificatePurpose = 'ca' | 'client' | 'server';

/** What goes into a certificate (X.509 v3, RFC 5280). */
export interface CertificateContent {
  /** RelativeDistinguishedNames, DER. */
  subject: readonly Uint8Array[];
  /** SubjectPublicKeyInfo, DER. */
  publicKey: Uint8Array;
  purpose: CertificatePurpose;
  /** Unix ms. */
  notBeforeMs: number;
  notAfterMs: number;
}

/** Who signs: its name and key identifier as they stand in its own certificate. */
export interface CertificateIssuer {
  /** Name, DER. */
  name: Uint8Array;
  keyId: Uint8Array | undefined;
  privateKey: KeyObject;
}

const COMMON_NAME = '2.5.4.3';
const ORGANISATION = '2.5.4.10';
const SUBJECT_KEY_ID = '2.5.29.14';
const PURPOSES = { client: '1.3.6.1.5.5.7.3.2', server: '1.3.6.1.5.5.7.3.1' } as const;
const SERIAL_BYTES = 16;

/** @returns a RelativeDistinguishedName, DER */
export function writeCommonName(text: string): Buffer {
  return writeDer(
    TAG.set,
    writeSequence(writeObjectId(COMMON_NAME), writeDer(TAG.utf8String, Buffer.from(text, 'utf8'))),
  );
}

/** Those of a subject's names that say which organisation it belongs to. */
export function organisationsOf(subject: readonly Buffer[]): Buffer[] {
  return subject.filter((name) => {
    const [attribute, ...more] = readParts(readDer(name), TAG.set);
    const [type] = readParts(attribute, TAG.sequence);
    return more.length === 0 && type?.whole.equals(writeObjectId(ORGANISATION));
  });
}

/** The issuer that a CA's certificate and private key make. */
export function issuerOf(certificate: X509Certificate, privateKey: KeyObject): CertificateIssuer {
  const [content] = readParts(readDer(certificate.raw), TAG.sequence);
  const fields = readParts(content, TAG.sequence);
  const from = fields[0]?.tag === contextTag(0) ? 1 : 0;
  const name = fields[from + 4]?.whole ?? Buffer.alloc(0);
  return { name, keyId: keyIdOf(fields), privateKey };
}

function keyIdOf(fields: readonly Der[]): Buffer | undefined {
  const extensions = fields.find(({ tag }) => tag === contextTag(3));
  if (extensions === undefined) return undefined;
  for (const extension of readParts(readParts(extensions, contextTag(3))[0], TAG.sequence)) {
    const parts = readParts(extension, TAG.sequence);
    if (!parts[0]?.whole.equals(writeObjectId(SUBJECT_KEY_ID))) continue;
    return contentOf(readDer(contentOf(parts.at(-1), TAG.octetString)), TAG.octetString);
  }
  return undefined;
}

/**
 * Signs a certificate.
 *
 * @param issuer - undefined: the subject signs itself, with `privateKey`
 * @returns PEM
 */
export function signCertificate(
  content: CertificateContent,
  issuer: CertificateIssuer | { privateKey: KeyObject },
): string {
  const { privateKey } = issuer;
  const subject = writeSequence(...content.subject);
  const ownKeyId = keyIdOfKey(content.publicKey);
  const { algorithm, hash } = signatureOf(privateKey);
  const serial = Buffer.concat([Buffer.from([0x01]), randomBytes(SERIAL_BYTES)]);
  const authorityKeyId = 'name' in issuer ? issuer.keyId : ownKeyId;
  const signed = writeSequence(
    writeDer(contextTag(0), writeInteger(Buffer.from([2]))),
    writeInteger(serial),
    algorithm,
    'name' in issuer ? issuer.name : subject,
    writeSequence(writeTime(content.notBeforeMs), writeTime(content.notAfterMs)),
    subject,
    content.publicKey,
    writeDer(contextTag(3), writeSequence(...extensionsOf(content.purpose, ownKeyId, authorityKeyId))),
  );
  const der = writeSequence(signed, algorithm, writeBitString(sign(hash, signed, privateKey)));
  return new X509Certificate(der).toString();
}

function extensionsOf(purpose: CertificatePurpose, keyId: Buffer, authorityKeyId: Uint8Array | undefined): Buffer[] {
  const isTrue = writeDer(TAG.boolean, Buffer.from([0xff]));
  const extension = (id: string, isCritical: boolean, value: Buffer) =>
    writeSequence(writeObjectId(id), ...(isCritical ? [isTrue] : []), writeDer(TAG.octetString, value));
  const isCa = purpose === 'ca';
  // Bits from the left: digitalSignature is the first, keyCertSign and cRLSign are the sixth and seventh.
  const usage = isCa ? Buffer.from([1, 0b0000_0110]) : Buffer.from([7, 0b1000_0000]);
  return [
    extension('2.5.29.19', true, isCa ? writeSequence(isTrue) : writeSequence()),
    extension('2.5.29.15', true, writeDer(TAG.bitString, usage)),
    ...(isCa ? [] : [extension('2.5.29.37', false, writeSequence(writeObjectId(PURPOSES[purpose])))]),
    extension(SUBJECT_KEY_ID, false, writeDer(TAG.octetString, keyId)),
    ...(authorityKeyId === undefined
      ? []
      : [extension('2.5.29.35', false, writeSequence(writeDer(0x80, authorityKeyId)))]),
  ];
}

/** SHA-1 of the key's bits, as RFC 5280 §4.2.1.2 suggests: a name, not a proof. */
function keyIdOfKey(publicKey: Uint8Array): Buffer {
  const [, bits] = readParts(readDer(publicKey), TAG.sequence);
  return createHash('sha1').update(contentOf(bits, TAG.bitString).subarray(1)).digest();
}

function signatureOf(privateKey: KeyObject): { algorithm: Buffer; hash: string | null } {
  const { asymmetricKeyType: type } = privateKey;
  if (type === 'ec') return { algorithm: writeSequence(writeObjectId('1.2.840.10045.4.3.2')), hash: 'sha256' };
  if (type === 'ed25519') return { algorithm: writeSequence(writeObjectId('1.3.101.112')), hash: null };
  if (type !== 'rsa') throw new RangeError('a CA signs with a key of type ec, rsa or ed25519');
  const none = writeDer(0x05);
  return { algorithm: writeSequence(writeObjectId('1.2.840.113549.1.1.11'), none), hash: 'sha256' };
}
