import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

/** A CALL as it reached the CSMS, with the ways to deal with it. */
export interface Received {
  identity: string;
  authorization: string | undefined;
  id: string;
  action: string;
  payload: Record<string, unknown>;
  answer: (payload: unknown) => void;
  fail: (code: string) => void;
  socket: WebSocket;
}

export interface Csms {
  url: string;
  /** Every CALL so far. */
  received: Received[];
  actions: () => string[];
  connections: () => number;
  call: (action: string, payload: unknown) => void;
  /** Texts that were no CALL: the answers to `call`. */
  answers: unknown[][];
  close: () => Promise<void>;
}

/** A CSMS over real WebSockets that does what the test says with each CALL. */
export async function startCsms(rule: (call: Received) => void): Promise<Csms> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'ocpp1.6' });
  await once(server, 'listening');
  const received: Received[] = [];
  const answers: unknown[][] = [];
  let connections = 0;
  let last: WebSocket | undefined;
  server.on('connection', (socket, request) => {
    connections++;
    last = socket;
    socket.on('message', (data) => {
      const message = JSON.parse(data.toString()) as [number, string, string, Record<string, unknown>];
      if (message[0] !== 2) return void answers.push(message);
      const [, id, action, payload] = message;
      const call: Received = {
        identity: decodeURIComponent((request.url ?? '').slice(1)),
        authorization: request.headers.authorization,
        id,
        action,
        payload,
        answer: (reply) => socket.send(JSON.stringify([3, id, reply])),
        fail: (code) => socket.send(JSON.stringify([4, id, code, '', {}])),
        socket,
      };
      received.push(call);
      rule(call);
    });
  });
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    actions: () => received.map((call) => call.action),
    connections: () => connections,
    call: (action, payload) => last?.send(JSON.stringify([2, 'csms-1', action, payload])),
    answers,
    close: async () => {
      for (const socket of server.clients) socket.terminate();
      await new Promise((done) => server.close(done));
    },
  };
}

/** What a friendly CSMS answers. */
export function usualAnswer(action: string): unknown {
  switch (action) {
    case 'BootNotification':
      return { status: 'Accepted', interval: 300, currentTime: '2026-01-01T00:00:00Z' };
    case 'Heartbeat':
      return { currentTime: '2026-01-01T00:00:00Z' };
    case 'Authorize':
      return { idTagInfo: { status: 'Accepted' } };
    case 'StartTransaction':
      return { transactionId: 77, idTagInfo: { status: 'Accepted' } };
    default:
      return {};
  }
}
