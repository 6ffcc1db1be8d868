import { randomUUID } from 'node:crypto';
import WebSocket from 'ws';
import type { TlsIdentity } from './certificates.ts';

/** What came of one CALL. `frame` is the exact text sent, `reply` the exact text received. */
export type CallOutcome =
  | { kind: 'result'; payload: unknown; frame: string; reply: string }
  | { kind: 'error'; code: string; description: string; frame: string; reply: string }
  /** No answer in time; it may have arrived or not. */
  | { kind: 'unanswered'; frame: string }
  /** The connection went before the answer came. */
  | { kind: 'lost'; frame: string };

/** One connection to a CSMS. It carries one CALL at a time, as OCPP-J demands (OCPP-J 1.6 §4.1.1). */
export interface Link {
  call: (action: string, payload: unknown, timeoutMs: number) => Promise<CallOutcome>;
  /** Settles when the connection is gone. To be awaited once: whoever waits beside it would stay with it. */
  closed: Promise<{ code: number; reason: string }>;
  isClosed: () => boolean;
  /** Closes in good order. */
  close: (reason: string) => Promise<void>;
  /** Drops the connection, as a power cut does. */
  drop: () => void;
}

/** The connection was not made. `status` is the HTTP status of a refusal; without it nobody answered. */
export interface Refusal {
  kind: 'refused';
  status: number | undefined;
  why: string;
}

export interface LinkSettings {
  /** The CSMS's URL without the identity, `ws://…` or `wss://…`. */
  url: string;
  identity: string;
  /** AuthorizationKey, its bytes; none sends no credentials. */
  key: Uint8Array | undefined;
  /** What is trusted and shown over `wss://`. */
  tls?: TlsIdentity;
  subprotocol: string;
  connectTimeoutMs: number;
  /** Answers a CALL of the CSMS; undefined means NotImplemented. */
  command: (action: string, payload: unknown) => object | undefined;
  /** Called once when the connection is gone, before `closed` settles. */
  onClosed?: () => void;
}

/** Connects; a refusal is a value, not a throw. */
export function openLink(settings: LinkSettings): Promise<Link | Refusal> {
  const { url, identity, key, tls, subprotocol, connectTimeoutMs } = settings;
  const authorization = key && `Basic ${Buffer.concat([Buffer.from(`${identity}:`), key]).toString('base64')}`;
  return new Promise((resolve) => {
    const refuse = (why: string, status?: number) => resolve({ kind: 'refused', status, why });
    const socket = new WebSocket(`${url.replace(/\/$/, '')}/${encodeURIComponent(identity)}`, subprotocol, {
      handshakeTimeout: connectTimeoutMs,
      perMessageDeflate: false,
      followRedirects: false,
      ...(authorization ? { headers: { authorization } } : {}),
      ...(tls && tls.trusted.length > 0 ? { ca: [...tls.trusted] } : {}),
      ...(tls?.certificate === undefined ? {} : { cert: tls.certificate, key: tls.key }),
    });
    const link = makeLink(socket, settings);
    socket.on('open', () => resolve(link));
    socket.on('unexpected-response', (request, response) => {
      refuse(`HTTP ${response.statusCode} ${response.statusMessage ?? ''}`.trim(), response.statusCode);
      request.destroy();
    });
    socket.on('error', (error) => refuse(error.message));
  });
}

interface PendingCall {
  id: string;
  settle: (
    answer: { kind: 'answer'; message: unknown[]; reply: string } | { kind: 'unanswered' } | { kind: 'lost' },
  ) => void;
}

function makeLink(socket: WebSocket, settings: LinkSettings): Link {
  let pending: PendingCall | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  let isClosed = false;

  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on('close', (code, reason) => {
      isClosed = true;
      pending?.settle({ kind: 'lost' });
      settings.onClosed?.();
      resolve({ code, reason: reason.toString() });
    });
  });

  socket.on('message', (data) => {
    const text = data.toString();
    const message = parseMessage(text);
    if (!message) return;
    const [type, id] = message;
    if (type === 2) return carryOut(String(id), message);
    if (!pending || pending.id !== id) return;
    if (type === 3 || type === 4) pending.settle({ kind: 'answer', message, reply: text });
  });

  /** Answers at once where it can, so that what the command makes the charger say comes after its answer. */
  function carryOut(id: string, message: unknown[]): void {
    const send = (frame: unknown[]) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
    };
    try {
      const payload = settings.command(String(message[2]), message[3]);
      send(payload === undefined ? [4, id, 'NotImplemented', '', {}] : [3, id, payload]);
    } catch {
      send([4, id, 'InternalError', '', {}]);
    }
  }

  async function send(action: string, payload: unknown, timeoutMs: number): Promise<CallOutcome> {
    const id = randomUUID();
    const frame = JSON.stringify([2, id, action, payload]);
    if (socket.readyState !== WebSocket.OPEN) return { kind: 'lost', frame };
    let timer: NodeJS.Timeout | undefined;
    const outcome = await new Promise<Parameters<PendingCall['settle']>[0]>((settle) => {
      pending = { id, settle };
      timer = setTimeout(() => settle({ kind: 'unanswered' }), timeoutMs);
      socket.send(frame);
    });
    clearTimeout(timer);
    pending = undefined;
    if (outcome.kind !== 'answer') return { kind: outcome.kind, frame };
    const { message, reply } = outcome;
    if (message[0] === 3) return { kind: 'result', payload: message[2], frame, reply };
    return { kind: 'error', code: String(message[2]), description: String(message[3] ?? ''), frame, reply };
  }

  return {
    call: (action, payload, timeoutMs) => {
      const outcome = turn.then(() => send(action, payload, timeoutMs));
      turn = outcome;
      return outcome;
    },
    closed,
    isClosed: () => isClosed,
    close: async (reason) => {
      socket.close(1000, reason);
      const timer = setTimeout(() => socket.terminate(), 2_000);
      await closed;
      clearTimeout(timer);
    },
    drop: () => socket.terminate(),
  };
}

function parseMessage(text: string): unknown[] | undefined {
  try {
    const message: unknown = JSON.parse(text);
    return Array.isArray(message) ? message : undefined;
  } catch {
    return undefined;
  }
}
