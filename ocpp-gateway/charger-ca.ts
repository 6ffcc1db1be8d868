import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { issuerOf, organisationsOf, signCertificate, writeCommonName } from '../core/certificate.ts';
import { type CertificateRequest, readCertificateRequest } from '../core/certificate-request.ts';
import { DevsenError } from '../core/errors.ts';

/** The CA that whoever runs the gateway gives it, to issue chargers the certificates of security profile 3. */
export interface ChargerCa {
  /** Its own certificate and those above it, up to the root; PEM. */
  certificates: string;
  /**
   * Checks a charger's request.
   *
   * @throws DevsenError `INPUT_INVALID` saying why no certificate can be issued for it
   */
  read: (csr: string) => CertificateRequest;
  /** Issues a certificate whose CN is the charger's identity, whatever name the charger asked for. */
  issue: (charger: string, request: CertificateRequest, nowMs: number) => IssuedCertificate;
}

export interface IssuedCertificate {
  /** The certificate, and those that lead to the root, which is left out; PEM. */
  chain: string;
  /** 0x-prefixed lower-case hex, as the chain commits to it. */
  fingerprint: string;
  /** Unix ms. */
  expiresAtMs: number;
}

export interface ChargerCaSettings {
  /** The CA's certificate, then those above it, up to the root; PEM. */
  certificateFile: string;
  keyFile: string;
  validDays: number;
}

const DAY_MS = 86_400_000;
/** A charger whose clock is behind must not find its new certificate not yet valid. */
const BACKDATED_MS = 3_600_000;
/** `certificateChain` has at most so many characters (OCPP 1.6 security whitepaper, CertificateSigned.req). */
const LONGEST_CHAIN = 10_000;

/** @throws DevsenError `SETTINGS_INVALID` if the files cannot be read, or are no CA and its key */
export function openChargerCa({ certificateFile, keyFile, validDays }: ChargerCaSettings): ChargerCa {
  const [own, ...others] = readChain(certificateFile);
  const privateKey = readFile(keyFile, 'CHARGER_CA_KEY_FILE', createPrivateKey);
  if (!own?.ca || !own.publicKey.equals(createPublicKey(privateKey)))
    throw wrong('CHARGER_CA_CERT_FILE', 'it is no CA, or the key is not its own');
  const isRoot = (certificate: X509Certificate) => certificate.checkIssued(certificate);
  if (![own, ...others].some(isRoot)) throw wrong('CHARGER_CA_CERT_FILE', 'the root is missing above the CA');
  const above = [own, ...others].filter((certificate) => !isRoot(certificate));
  const issuer = issuerOf(own, privateKey);

  return {
    certificates: [own, ...others].map(String).join(''),
    read: readCertificateRequest,
    issue: (charger, request, nowMs) => {
      // What the CA itself does not outlive is worth nothing.
      const notAfterMs = Math.min(nowMs + validDays * DAY_MS, own.validToDate.getTime());
      const pem = signCertificate(
        {
          subject: [...organisationsOf(request.subject), writeCommonName(charger)],
          publicKey: request.publicKey,
          purpose: 'client',
          notBeforeMs: nowMs - BACKDATED_MS,
          notAfterMs,
        },
        issuer,
      );
      const chain = [pem, ...above.map(String)].join('');
      if (chain.length > LONGEST_CHAIN) throw new DevsenError('INPUT_INVALID', 'the chain of certificates is too long');
      const { fingerprint256 } = new X509Certificate(pem);
      const fingerprint = `0x${fingerprint256.replaceAll(':', '').toLowerCase()}`;
      return { chain, fingerprint, expiresAtMs: notAfterMs };
    },
  };
}

function readChain(file: string): X509Certificate[] {
  return readFile(file, 'CHARGER_CA_CERT_FILE', (text) => {
    const pems = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
    return pems.map((pem) => new X509Certificate(pem));
  });
}

function readFile<T>(path: string, setting: string, read: (text: string) => T): T {
  try {
    return read(readFileSync(path, 'utf8'));
  } catch (error) {
    throw wrong(setting, (error as NodeJS.ErrnoException).code ?? 'unreadable');
  }
}

function wrong(setting: string, why: string): DevsenError {
  return new DevsenError('SETTINGS_INVALID', `${setting} is wrong: ${why}`);
}
