import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CommandReply, CommandRequest } from './command-desk.ts';
import type { DoorLimits } from './door-limits.ts';
import { type AddressSource, readPeer } from './peer.ts';
import type { RunningWork } from './running-work.ts';

const ROUTE = /^\/v1\/chargers\/([^/]+)\/commands\/([^/]+)$/;

export interface CommandEntranceOptions {
  handle: (request: CommandRequest) => Promise<CommandReply>;
  /** A longer body is refused. */
  maxBodyBytes: number;
  /** Of those who send commands; chargers have limits of their own, since both may come from one address. */
  limits: Pick<DoorLimits, 'isBarred' | 'failed'>;
  addressSource: AddressSource;
  /** Holds each request until its answer is out, or it broke off. */
  running: RunningWork;
}

/**
 * Serves commands on the HTTP server that chargers knock at. Whoever has failed too often is refused before anything is
 * worked out or looked up.
 *
 * @returns takes a request over; false if it is none for it
 */
export function makeCommandEntrance(
  options: CommandEntranceOptions,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  const { handle, maxBodyBytes, limits, addressSource, running } = options;
  const serve = async (request: IncomingMessage, response: ServerResponse, names: [string, string]) => {
    const [identity, action] = names.map(decoded);
    if (identity === undefined || action === undefined) return refuse(response, 400, 'MALFORMED', 'malformed URL');
    if (request.method !== 'POST') return refuse(response, 405, 'MALFORMED', 'only POST', { allow: 'POST' });
    const { address } = readPeer(request, addressSource);
    if (limits.isBarred(address, identity)) {
      return refuse(response, 429, 'TOO_OFTEN', 'too many failed attempts', {
        'retry-after': '60',
        connection: 'close',
      });
    }
    const body = await readBody(request, maxBodyBytes);
    if (body === undefined) {
      return refuse(response, 413, 'MALFORMED', `the body is over ${maxBodyBytes} bytes`, { connection: 'close' });
    }
    const reply = await handle({ identity, action, headers: request.headers, body });
    if (reply.isDenied === true) limits.failed(address, identity);
    send(response, reply.status, reply.body);
  };

  return (request, response) => {
    const [, identity, action] = ROUTE.exec(request.url?.split('?')[0] ?? '') ?? [];
    if (identity === undefined || action === undefined) return false;
    running.add(new Promise((resolve) => response.once('close', resolve)));
    // The request broke off: there is nobody to answer.
    serve(request, response, [identity, action]).catch(() => response.destroy());
    return true;
  };
}

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}

async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function refuse(
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): void {
  send(response, status, JSON.stringify({ error: { code, message } }), headers);
}

function send(response: ServerResponse, status: number, body: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers });
  response.end(body);
}
