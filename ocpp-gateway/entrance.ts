import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import type { Logger } from '../runtime/log.ts';
import type { Admission } from './admission.ts';
import type { OcppServer } from './ocpp-rpc.ts';
import type { Refusal } from './upgrade-request.ts';
import type { WaitingRoom } from './waiting-room.ts';

export interface EntranceOptions {
  host: string;
  port: number;
  /** Undefined: plain WebSocket. */
  tls: { context: SecureContextOptions; asksForCertificate: boolean } | undefined;
  waitingRoom: WaitingRoom;
  /** A client that has not shaken hands, or not sent its request, by then is cut off, ms. */
  requestTimeoutMs: number;
  admit: Admission;
  ocpp: OcppServer;
  /** Takes an HTTP request over; false if it is none for it. */
  onRequest: (request: IncomingMessage, response: ServerResponse) => boolean;
  onRefused: (reason: string) => void;
  log: Logger;
}

/** The HTTP server at which chargers knock, and their managers. */
export interface Entrance {
  readonly port: number;
  /** Shows another certificate from now on; does nothing without TLS. */
  setSecureContext: (context: SecureContextOptions) => void;
  /** Takes no new connection; those let in stay. */
  stop: () => void;
  /** Settles when every socket is gone. */
  close: () => Promise<void>;
}

const GOING_AWAY = { status: 503, reason: 'gateway is going away' } as const;

const REFUSAL_TIMEOUT_MS = 2_000;

const MOST_BETWEEN_CHECKS_MS = 2_000;

/** @throws the error of the operating system if it cannot listen there */
export async function openEntrance({
  host,
  port,
  tls,
  waitingRoom,
  requestTimeoutMs,
  admit,
  ocpp,
  onRequest,
  onRefused,
  log,
}: EntranceOptions): Promise<Entrance> {
  let isStopped = false;
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    if (onRequest(request, response)) return;
    response.writeHead(426, { connection: 'close', upgrade: 'websocket', 'content-type': 'text/plain' });
    response.end('OCPP over WebSocket is spoken here\n');
  };
  const httpOptions = {
    noDelay: true,
    keepAlive: true,
    maxHeaderSize: 8_192,
    headersTimeout: requestTimeoutMs,
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: Math.min(MOST_BETWEEN_CHECKS_MS, requestTimeoutMs),
  };
  const tlsServer =
    tls === undefined
      ? undefined
      : createTlsServer(
          {
            ...httpOptions,
            ...tls.context,
            handshakeTimeout: requestTimeoutMs,
            requestCert: tls.asksForCertificate,
            // Admission decides: only some chargers must have one, and it says why it refuses.
            rejectUnauthorized: false,
          },
          answer,
        );
  const server: Server = tlsServer ?? createServer(httpOptions, answer);
  const secured = new WeakSet<object>();
  server.on('secureConnection', (socket: TLSSocket) => secured.add(socket));
  server.on('connection', (socket: Socket) => {
    const { remoteAddress = '' } = socket;
    const name = nameOf(socket);
    if (!waitingRoom.enter(name, remoteAddress)) {
      onRefused('too many waiting');
      socket.destroy();
    } else socket.once('close', () => waitingRoom.leave(name));
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (tls !== undefined && !secured.has(socket)) {
      onRefused('TLS handshake failed');
      log.debug({ code: error.code, remote: socket.remoteAddress }, 'TLS handshake failed');
    } else {
      onRefused('malformed request');
      if (socket.writable) socket.write('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n');
    }
    socket.destroy();
  });
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on('error', destroyOnError);
    void enter(request, socket, head);
  });

  const enter = async (request: IncomingMessage, socket: Socket, head: Buffer) => {
    const admitted = isStopped ? { ...GOING_AWAY, knocker: {} } : await admit(request);
    if ('status' in admitted) {
      onRefused(admitted.reason);
      const { status, reason, knocker } = admitted;
      const facts = { status, reason, chargerId: knocker.identity, remote: knocker.address ?? socket.remoteAddress };
      // Whoever knocks too often must not fill the log.
      if (status === 429) log.debug(facts, 'charger refused');
      else log.info(facts, 'charger refused');
      refuse(socket, admitted);
    } else if (isStopped) {
      refuse(socket, GOING_AWAY);
    } else {
      waitingRoom.leave(nameOf(socket));
      ocpp.upgrade(request, socket, head, admitted);
    }
  };

  const { promise: listening, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(port, host, resolve);
  await listening;
  server.off('error', reject);
  server.on('error', (error) => log.error({ err: error }, 'entrance failed'));
  const address = server.address();
  const { promise: closed, resolve: setClosed } = Promise.withResolvers<void>();

  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    setSecureContext: (context) => tlsServer?.setSecureContext(context),
    stop: () => {
      if (isStopped) return;
      isStopped = true;
      server.close(() => setClosed());
      server.closeIdleConnections();
    },
    close: () => {
      server.closeAllConnections();
      return closed;
    },
  };
}

/** One for all sockets: a function of its own would keep the request in memory for as long as the socket lives. */
function destroyOnError(this: Socket): void {
  this.destroy();
}

function refuse(socket: Socket, { status, reason }: Refusal): void {
  const body = `${reason}\n`;
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'connection: close',
    'content-type: text/plain',
    `content-length: ${body.length}`,
  ];
  if (status === 401) lines.push('www-authenticate: Basic realm="OCPP"');
  if (status === 503) lines.push('retry-after: 10');
  if (status === 429) lines.push('retry-after: 60');
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
  // Read what still comes, so that the refusal is not lost to a reset, but not for long.
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), REFUSAL_TIMEOUT_MS);
  socket.once('close', () => clearTimeout(timer));
}

/** The same for a TCP socket and the TLS socket over it. */
function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
