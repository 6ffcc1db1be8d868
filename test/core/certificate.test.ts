import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { issuerOf, organisationsOf, signCertificate, writeCommonName } from '../../core/certificate.ts';
import { readCertificateRequest } from '../../core/certificate-request.ts';
import { readDer, readParts, TAG, writeDer, writeInteger, writeObjectId, writeTime } from '../../core/der.ts';
import { DevsenError } from '../../core/errors.ts';
import { makeCertificate, makeSigningRequest } from '../support/certificates.ts';

const pair = (namedCurve = 'P-256') => generateKeyPairSync('ec', { namedCurve });

/** Made by `openssl req -new`: a P-256 key, CN=CP1, O=Acme. */
const FROM_OPENSSL = `-----BEGIN CERTIFICATE REQUEST-----
MIHYMH8CAQAwHTEMMAoGA1UEAwwDQ1AxMQ0wCwYDVQQKDARBY21lMFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAEh9NAT7dpqAhtUGXn98fvNZzD3nxTpyBxVfauZKb7
WL6GD0ZKC8xfwL3Qg9GYR4k7F11GPJsHSgR4bu6q5tX4DqAAMAoGCCqGSM49BAMC
A0kAMEYCIQCfmpXLYmNQE+x0SI3U8SaRYiHwCctrclvAfaXxwF1ejwIhAOWYNrh5
xgXoKAXEPr2717B4xCV0EEr38UojUsHgeTNt
-----END CERTIFICATE REQUEST-----`;

describe('DER', () => {
  it('writes whole numbers, object ids, lengths and times as X.690 has them', () => {
    expect(writeInteger(Buffer.from([0])).toString('hex')).toBe('020100');
    expect(writeInteger(Buffer.from('0080', 'hex')).toString('hex')).toBe('02020080');
    expect(writeObjectId('1.2.840.113549.1.1.11').toString('hex')).toBe('06092a864886f70d01010b');
    expect(writeDer(4, Buffer.alloc(127)).subarray(0, 2).toString('hex')).toBe('047f');
    expect(writeDer(4, Buffer.alloc(128)).subarray(0, 3).toString('hex')).toBe('048180');
    expect(writeDer(4, Buffer.alloc(65_536)).subarray(0, 5).toString('hex')).toBe('0483010000');
    expect(
      writeTime(Date.UTC(2049, 11, 31, 23, 59, 59))
        .subarray(2)
        .toString(),
    ).toBe('491231235959Z');
    expect(
      writeTime(Date.UTC(2050, 0, 1))
        .subarray(2)
        .toString(),
    ).toBe('20500101000000Z');
  });

  it.each(['', '30', '3005', '308000', '30810100', '3082000100', '1f0100', '3000ff', '308401000000'])(
    'finds %p malformed',
    (hex) => {
      expect(() => readDer(Buffer.from(hex, 'hex'))).toThrow(DevsenError);
    },
  );

  it('reads what it writes, at any length', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }), (contents) => {
        const whole = writeDer(TAG.sequence, ...contents.map((content) => writeDer(TAG.octetString, content)));
        const parts = readParts(readDer(whole), TAG.sequence);
        expect(parts.map(({ content }) => content.toString('hex'))).toEqual(
          contents.map((content) => Buffer.from(content).toString('hex')),
        );
      }),
    );
  });
});

describe('a certificate', () => {
  const ca = makeCertificate({ commonName: 'CA', purpose: 'ca' });
  const authority = new X509Certificate(ca.cert);

  it('names its subject and issuer, and is signed by the issuer', () => {
    const { cert, key } = makeCertificate({ commonName: 'CP=1', purpose: 'client', issuer: ca });
    const certificate = new X509Certificate(cert);
    expect(certificate.subject).toBe('CN=CP=1');
    expect(certificate.issuer).toBe('CN=CA');
    expect(certificate.checkIssued(authority)).toBe(true);
    expect(certificate.verify(authority.publicKey)).toBe(true);
    expect(certificate.ca).toBe(false);
    expect(authority.ca).toBe(true);
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    expect(key).toContain('PRIVATE KEY');
  });

  it.each([
    ['rsa', () => generateKeyPairSync('rsa', { modulusLength: 2048 })],
    ['ed25519', () => generateKeyPairSync('ed25519')],
    ['P-384', () => pair('P-384')],
  ])('is signed by a CA with a key of type %s', (_type, make) => {
    const { publicKey, privateKey } = make();
    const spki = publicKey.export({ type: 'spki', format: 'der' });
    const common = { notBeforeMs: Date.UTC(2026, 0, 1), notAfterMs: Date.UTC(2060, 0, 1), publicKey: spki };
    const root = new X509Certificate(
      signCertificate({ ...common, subject: [writeCommonName('Root')], purpose: 'ca' }, { privateKey }),
    );
    const leaf = new X509Certificate(
      signCertificate({ ...common, subject: [writeCommonName('CP')], purpose: 'client' }, issuerOf(root, privateKey)),
    );
    expect(root.verify(publicKey)).toBe(true);
    expect(leaf.checkIssued(root)).toBe(true);
    expect(leaf.verify(publicKey)).toBe(true);
    expect(leaf.validToDate).toEqual(new Date(Date.UTC(2060, 0, 1)));
    expect(leaf.serialNumber).not.toBe(root.serialNumber);
  });
});

describe('a certificate signing request', () => {
  it('gives key and subject, from PEM as OpenSSL writes it, with other line ends, and as bare base64', () => {
    const bare = FROM_OPENSSL.replace(/-----.*-----/g, '').trim();
    for (const text of [
      FROM_OPENSSL,
      FROM_OPENSSL.replaceAll('\n', '\r\n'),
      FROM_OPENSSL.replaceAll('\n', '\\n'),
      bare,
    ]) {
      const { subject, publicKey } = readCertificateRequest(text);
      expect(subject).toHaveLength(2);
      expect(subject[0]?.equals(writeCommonName('CP1'))).toBe(true);
      expect(organisationsOf(subject)).toEqual([subject[1]]);
      expect(publicKey).toHaveLength(91);
    }
  });

  it('counts only if it is signed by the key that it is for', () => {
    const [own, other] = [pair(), pair()];
    expect(readCertificateRequest(makeSigningRequest('CP1', own.privateKey, own.publicKey)).subject).toEqual([
      writeCommonName('CP1'),
    ]);
    expect(() => readCertificateRequest(makeSigningRequest('CP1', other.privateKey, own.publicKey))).toThrow(
      'the certificate signing request is not signed by its own key',
    );
  });

  it('is refused for a key that is too weak, saying so', () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    expect(() => readCertificateRequest(makeSigningRequest('CP1', privateKey, publicKey))).toThrow('is too weak');
    const small = pair('secp224r1');
    expect(() => readCertificateRequest(makeSigningRequest('CP1', small.privateKey, small.publicKey))).toThrow(
      'is too weak',
    );
  });

  it('is never taken with a bit turned, and nothing but a DevsenError comes of any bytes', () => {
    const { publicKey, privateKey } = pair();
    const good = Buffer.from(
      makeSigningRequest('CP1', privateKey, publicKey).replace(/-----.*-----|\s/g, ''),
      'base64',
    );
    const turned = fc.nat({ max: good.length * 8 - 1 }).map((bit) => {
      const bytes = Buffer.from(good);
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
      return bytes;
    });
    fc.assert(
      fc.property(fc.oneof(turned, fc.uint8Array().map(Buffer.from)), (bytes) => {
        expect(() => readCertificateRequest(bytes.toString('base64'))).toThrow(DevsenError);
      }),
      { numRuns: 300 },
    );
  });
});
