import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';

/** Who is at the other end of a request, as its socket shows it. */
export interface Peer {
  /** Undefined where only a proxy's would be known. */
  address: string | undefined;
  /** Its TLS client certificate, if it showed one. */
  certificate?: PeerCertificate;
}

export interface PeerCertificate {
  /** SHA-256 of the certificate's DER, 0x-prefixed lower-case hex. */
  fingerprint: string;
  /** Its subject's common name; undefined if it has none, or several. */
  commonName: string | undefined;
  /** Whether one of the client CAs has signed it, and it is valid now. */
  isTrusted: boolean;
}

/**
 * Where a client's address is taken from: its socket; the last entry of `X-Forwarded-For`, which a proxy added; or, behind
 * a proxy that adds none, from nowhere.
 */
export type AddressSource = 'socket' | 'forwarded' | 'none';

export function readPeer(request: IncomingMessage, source: AddressSource): Peer {
  const { socket } = request;
  const certificate = socket instanceof TLSSocket ? readCertificate(socket) : undefined;
  return { address: addressOf(request, source), ...(certificate === undefined ? {} : { certificate }) };
}

function addressOf({ socket, headers }: IncomingMessage, source: AddressSource): string | undefined {
  if (source === 'none') return undefined;
  if (source === 'socket') return socket.remoteAddress;
  return [headers['x-forwarded-for'] ?? []].flat().join(',').split(',').at(-1)?.trim() || undefined;
}

function readCertificate(socket: TLSSocket): PeerCertificate | undefined {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return undefined;
  const commonName: unknown = certificate.toLegacyObject().subject.CN;
  return {
    fingerprint: `0x${certificate.fingerprint256.replaceAll(':', '').toLowerCase()}`,
    commonName: typeof commonName === 'string' ? commonName : undefined,
    isTrusted: socket.authorized,
  };
}
