import { createServer, type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from '../runtime/log.ts';
import type { Admission } from './admission.ts';
import type { OcppServer } from './ocpp-rpc.ts';
import type { Refusal } from './upgrade-request.ts';

export interface EntranceOptions {
  host: string;
  port: number;
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
  /** Takes no new connection; those let in stay. */
  stop: () => void;
  /** Settles when every socket is gone. */
  close: () => Promise<void>;
}

/** A client that has not sent its request's head by then is cut off. */
const HEAD_TIMEOUT_MS = 10_000;
const REFUSAL_TIMEOUT_MS = 2_000;

/** @throws the error of the operating system if it cannot listen there */
export async function openEntrance({
  host,
  port,
  admit,
  ocpp,
  onRequest,
  onRefused,
  log,
}: EntranceOptions): Promise<Entrance> {
  let isStopped = false;
  const server = createServer(
    {
      noDelay: true,
      keepAlive: true,
      maxHeaderSize: 8_192,
      headersTimeout: HEAD_TIMEOUT_MS,
      requestTimeout: HEAD_TIMEOUT_MS,
      connectionsCheckingInterval: 2_000,
    },
    (request, response) => {
      if (onRequest(request, response)) return;
      response.writeHead(426, { connection: 'close', upgrade: 'websocket', 'content-type': 'text/plain' });
      response.end('OCPP over WebSocket is spoken here\n');
    },
  );
  server.on('clientError', (_error, socket) => {
    onRefused('malformed request');
    if (socket.writable) socket.write('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n');
    socket.destroy();
  });
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    void enter(request, socket, head);
  });

  const enter = async (request: IncomingMessage, socket: Socket, head: Buffer) => {
    const admitted = isStopped ? { status: 503 as const, reason: 'gateway is going away' } : await admit(request);
    if ('status' in admitted) {
      onRefused(admitted.reason);
      log.info({ status: admitted.status, reason: admitted.reason, remote: socket.remoteAddress }, 'charger refused');
      refuse(socket, admitted);
    } else if (isStopped) {
      refuse(socket, { status: 503, reason: 'gateway is going away' });
    } else {
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
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
  // Read what still comes, so that the refusal is not lost to a reset, but not for long.
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), REFUSAL_TIMEOUT_MS);
  socket.once('close', () => clearTimeout(timer));
}
