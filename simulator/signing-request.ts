import { type KeyObject, sign } from 'node:crypto';
import { der, objectId, TAG } from './der.ts';

const COMMON_NAME = '2.5.4.3';
const ORGANISATION = '2.5.4.10';
const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2';

/**
 * A PKCS #10 request for a certificate, PEM, signed with an elliptic key over SHA-256.
 *
 * @see RFC 2986
 */
export function signingRequest(
  subject: { commonName: string; organisation: string },
  keys: { publicKey: KeyObject; privateKey: KeyObject },
): string {
  const info = der(
    TAG.sequence,
    der(TAG.integer, Buffer.from([0])),
    der(TAG.sequence, attribute(ORGANISATION, subject.organisation), attribute(COMMON_NAME, subject.commonName)),
    keys.publicKey.export({ type: 'spki', format: 'der' }),
    der(TAG.context0),
  );
  const signature = sign('sha256', info, keys.privateKey);
  const algorithm = der(TAG.sequence, objectId(ECDSA_WITH_SHA256));
  const request = der(TAG.sequence, info, algorithm, der(TAG.bitString, Buffer.from([0]), signature));
  const lines = request.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE REQUEST-----\n${lines.join('\n')}\n-----END CERTIFICATE REQUEST-----\n`;
}

function attribute(type: string, value: string): Buffer {
  return der(TAG.set, der(TAG.sequence, objectId(type), der(TAG.utf8, Buffer.from(value, 'utf8'))));
}
