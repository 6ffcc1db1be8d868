import { type KeyObject, sign } from 'node:crypto';
import { contextTag, TAG, writeBitString, writeDer, writeInteger, writeObjectId, writeSequence } from '../core/der.ts';

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
  const info = writeSequence(
    writeInteger(Buffer.from([0])),
    writeSequence(attribute(ORGANISATION, subject.organisation), attribute(COMMON_NAME, subject.commonName)),
    keys.publicKey.export({ type: 'spki', format: 'der' }),
    writeDer(contextTag(0)),
  );
  const algorithm = writeSequence(writeObjectId(ECDSA_WITH_SHA256));
  const request = writeSequence(info, algorithm, writeBitString(sign('sha256', info, keys.privateKey)));
  const lines = request.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE REQUEST-----\n${lines.join('\n')}\n-----END CERTIFICATE REQUEST-----\n`;
}

function attribute(type: string, value: string): Buffer {
  return writeDer(TAG.set, writeSequence(writeObjectId(type), writeDer(TAG.utf8String, Buffer.from(value, 'utf8'))));
}
