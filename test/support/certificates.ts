import { createPrivateKey, generateKeyPairSync, type KeyObject, sign, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CertificatePurpose, issuerOf, signCertificate, writeCommonName } from '../../core/certificate.ts';
import { contextTag, writeBitString, writeDer, writeInteger, writeObjectId, writeSequence } from '../../core/der.ts';

/** A private key and the certificate for it, both PEM. */
export interface TestCertificate {
  cert: string;
  key: string;
}

const DAY_MS = 86_400_000;

export interface CertificateOptions {
  commonName: string;
  purpose: CertificatePurpose;
  /** Without it the certificate signs itself. */
  issuer?: TestCertificate;
  notBeforeMs?: number;
  notAfterMs?: number;
}

/** A certificate with a new P-256 key. */
export function makeCertificate({ commonName, purpose, issuer, ...times }: CertificateOptions): TestCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { notBeforeMs = Date.now() - DAY_MS, notAfterMs = Date.now() + DAY_MS } = times;
  const cert = signCertificate(
    {
      subject: [writeCommonName(commonName)],
      publicKey: publicKey.export({ type: 'spki', format: 'der' }),
      purpose,
      notBeforeMs,
      notAfterMs,
    },
    issuer === undefined ? { privateKey } : issuerOf(new X509Certificate(issuer.cert), keyOf(issuer)),
  );
  return { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

function keyOf({ key }: TestCertificate): KeyObject {
  return createPrivateKey(key);
}

/** 0x and the SHA-256 of a certificate, as the chain commits to it. */
export function fingerprintOf({ cert }: { cert: string }): string {
  return `0x${new X509Certificate(cert).fingerprint256.replaceAll(':', '').toLowerCase()}`;
}

/** A certificate signing request, PEM, signed with `signedBy`'s key, which is `key` if it is honest. */
export function makeSigningRequest(commonName: string, key: KeyObject, publicKey: KeyObject): string {
  const info = writeSequence(
    writeInteger(Buffer.from([0])),
    writeSequence(writeCommonName(commonName)),
    publicKey.export({ type: 'spki', format: 'der' }),
    writeDer(contextTag(0)),
  );
  const algorithm = writeSequence(writeObjectId('1.2.840.10045.4.3.2'));
  const der = writeSequence(info, algorithm, writeBitString(sign('sha256', info, key)));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE REQUEST-----\n${lines.join('\n')}\n-----END CERTIFICATE REQUEST-----\n`;
}

/** A folder of files that is gone after `remove`. */
export function makeFiles(files: Record<string, string>) {
  const dir = mkdtempSync(join(tmpdir(), 'devsen-tls-'));
  const write = (name: string, text: string) => writeFileSync(join(dir, name), text, { mode: 0o600 });
  for (const [name, text] of Object.entries(files)) write(name, text);
  return { path: (name: string) => join(dir, name), write, remove: () => rmSync(dir, { recursive: true }) };
}
