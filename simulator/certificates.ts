import { createHash, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { contentOf, contextTag, readDer, readParts, TAG } from '../core/der.ts';
import { signingRequest } from './signing-request.ts';

/** OCPP's way to name a certificate (OCPP 2.0.1 `CertificateHashDataType`), SHA-256. */
export interface CertificateHash {
  hashAlgorithm: 'SHA256';
  issuerNameHash: string;
  issuerKeyHash: string;
  serialNumber: string;
}

/** What a charger shows and trusts in TLS, PEM. */
export interface TlsIdentity {
  /** The charger's own certificate and its key. */
  certificate?: string;
  key?: string;
  /** Who may have signed the CSMS's certificate; none trusts what the system trusts. */
  trusted: readonly string[];
}

/** A charger's certificates. All texts are PEM. */
export interface Certificates {
  tls: () => TlsIdentity;
  /** @param type - the CSMS's word for what it is for; roots of type `…Root…` of a CSMS are trusted in TLS */
  install: (type: string, pem: string) => 'Accepted' | 'Rejected' | 'Failed';
  remove: (hash: CertificateHash) => 'Accepted' | 'Failed' | 'NotFound';
  installed: (types: readonly string[] | undefined) => { type: string; hash: CertificateHash }[];
  /** A new key and the request to have it certified. */
  request: () => string;
  /** Takes the answer to the last request: the charger's certificate and those that lead to a root. */
  signed: (chain: string, nowMs: number) => boolean;
}

const MOST_INSTALLED = 20;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;
const OF_CSMS: ReadonlySet<string> = new Set(['CentralSystemRootCertificate', 'CSMSRootCertificate']);

export function makeCertificates(
  subject: { commonName: string; organisation: string },
  first: TlsIdentity = { trusted: [] },
): Certificates {
  const roots = first.trusted.flatMap((pem) =>
    readCertificates(pem).map((found) => ({ type: 'CSMSRootCertificate', found })),
  );
  let own = { certificate: first.certificate, key: first.key };
  let asked: KeyObject | undefined;

  return {
    tls: () => ({
      ...(own.certificate === undefined ? {} : { certificate: own.certificate }),
      ...(own.key === undefined ? {} : { key: own.key }),
      trusted: roots.filter(({ type }) => OF_CSMS.has(type)).map(({ found }) => found.toString()),
    }),
    install: (type, pem) => {
      const [found, ...more] = readCertificates(pem);
      if (found === undefined || more.length > 0) return 'Rejected';
      if (roots.some(({ found: other }) => other.fingerprint256 === found.fingerprint256)) return 'Accepted';
      if (roots.length >= MOST_INSTALLED) return 'Failed';
      roots.push({ type, found });
      return 'Accepted';
    },
    remove: (hash) => {
      const at = roots.findIndex(({ found }) => isSameHash(hashOf(found), hash));
      if (at < 0) return 'NotFound';
      const trusted = roots.filter(({ type }) => OF_CSMS.has(type));
      // without its last root the charger could not reach its CSMS any more
      if (trusted.length === 1 && trusted[0] === roots[at]) return 'Failed';
      roots.splice(at, 1);
      return 'Accepted';
    },
    installed: (types) =>
      roots
        .filter(({ type }) => types === undefined || types.includes(type))
        .map(({ type, found }) => ({ type, hash: hashOf(found) })),
    request: () => {
      const keys = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
      asked = keys.privateKey;
      return signingRequest(subject, keys);
    },
    signed: (chain, nowMs) => {
      const [leaf] = readCertificates(chain);
      if (leaf === undefined || asked === undefined || !leaf.checkPrivateKey(asked)) return false;
      if (nowMs < leaf.validFromDate.getTime() || nowMs >= leaf.validToDate.getTime()) return false;
      own = { certificate: chain, key: asked.export({ type: 'pkcs8', format: 'pem' }).toString() };
      asked = undefined;
      return true;
    },
  };
}

/** Every certificate in a text; none if one of them is no certificate. */
export function readCertificates(pem: string): X509Certificate[] {
  try {
    return (pem.match(CERTIFICATE) ?? []).map((text) => new X509Certificate(text));
  } catch {
    return [];
  }
}

/** The hash data of a certificate that signed itself, as roots do: it is its own issuer. */
function hashOf(certificate: X509Certificate): CertificateHash {
  const [body] = readParts(readDer(certificate.raw), TAG.sequence);
  const fields = readParts(body, TAG.sequence);
  // version stands first as [0] where there is one; then serial number, algorithm and issuer
  const issuer = fields[fields[0]?.tag === contextTag(0) ? 3 : 2];
  const [, keyBits] = readParts(readDer(certificate.publicKey.export({ type: 'spki', format: 'der' })), TAG.sequence);
  return {
    hashAlgorithm: 'SHA256',
    issuerNameHash: sha256(issuer?.whole),
    // without the bit string's tag, length and count of unused bits (RFC 6960 §4.1.1)
    issuerKeyHash: sha256(contentOf(keyBits, TAG.bitString).subarray(1)),
    serialNumber: certificate.serialNumber.toLowerCase().replace(/^0+(?=.)/, ''),
  };
}

function isSameHash(one: CertificateHash, other: CertificateHash): boolean {
  const normal = (text: string) => text.toLowerCase().replace(/^0+(?=.)/, '');
  return (
    other.hashAlgorithm === one.hashAlgorithm &&
    (['issuerNameHash', 'issuerKeyHash', 'serialNumber'] as const).every(
      (each) => normal(one[each]) === normal(other[each]),
    )
  );
}

function sha256(bytes: Uint8Array = Buffer.alloc(0)): string {
  return createHash('sha256').update(bytes).digest('hex');
}
