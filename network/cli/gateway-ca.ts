import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { DevsenError } from '../../core/errors.ts';

/** What a charger must trust to connect over TLS. */
export interface GatewayCa {
  file: string;
  pem: string;
  /** Its certificates: SHA-256 fingerprints as hex digits, and when each ends, Unix seconds. */
  certificates: { subject: string; sha256: string; endsAtSec: number }[];
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/**
 * Reads the CAs of a gateway's certificate.
 *
 * @throws DevsenError `INPUT_INVALID` if a charger that is given them could not connect: none in the file, one that is no
 *   CA, or one that has ended
 */
export async function readGatewayCa(file: string, nowMs: number): Promise<GatewayCa> {
  const text = await readFile(file, 'utf8').catch((cause) => {
    throw new DevsenError('INPUT_INVALID', `${file} cannot be read: ${(cause as NodeJS.ErrnoException).code}`);
  });
  const blocks = text.match(CERTIFICATE) ?? [];
  if (blocks.length === 0) throw new DevsenError('INPUT_INVALID', `${file} holds no certificate as PEM`);
  const certificates = blocks.map((block) => {
    const { subject, ca, fingerprint256, validToDate } = certificateIn(block, file);
    const name = subject?.replaceAll('\n', ', ') ?? '';
    if (!ca) throw new DevsenError('INPUT_INVALID', `${file}: ${name} is no CA`);
    if (validToDate.getTime() <= nowMs) throw new DevsenError('INPUT_INVALID', `${file}: ${name} has ended`);
    const sha256 = fingerprint256.replaceAll(':', '').toLowerCase();
    return { subject: name, sha256, endsAtSec: Math.floor(validToDate.getTime() / 1_000) };
  });
  return { file, pem: `${blocks.join('\n')}\n`, certificates };
}

function certificateIn(pem: string, file: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw new DevsenError('INPUT_INVALID', `${file} holds a certificate that cannot be read`);
  }
}
