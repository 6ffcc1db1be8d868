import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { RPCServer } from 'ocpp-rpc';
import type { WebSocket } from 'ws';
import { type ChargerLink, Link, type RpcClient } from './charger-link.ts';
import { ChargerSocket, takeWholeMessages } from './charger-socket.ts';
import { makeKeepAlive } from './keep-alive.ts';

/**
 * The one file that knows ocpp-rpc's server.
 *
 * ocpp-rpc does the handshake and carries calls to chargers. Calls *from* chargers never reach it: it would answer a
 * message id twice that is sent twice, bounds nothing, and answers before anything is durable. `ChargerSocket` takes
 * every text frame first and lets through only what answers a call of ours. Nor does it send pings: its timers and
 * promises take a twentieth of a connection's memory.
 */

export interface OcppServer {
  /** Takes over an upgrade request that has been admitted. */
  upgrade: (request: IncomingMessage, socket: Socket, head: Buffer, session: object) => void;
  close: () => Promise<void>;
}

export interface OcppServerOptions {
  /** Largest message, bytes. */
  maxMessageBytes: number;
  /** Between two pings of a connection, ms; 0: none. */
  pingIntervalMs: number;
  subprotocols: readonly string[];
  /** Uniform in [0, 1). */
  random: () => number;
  onCharger: (link: ChargerLink) => void;
  /** Called when an admitted upgrade still fails. */
  onUpgradeFailed: (session: unknown) => void;
}

export function openOcppServer(options: OcppServerOptions): OcppServer {
  let latest: ChargerSocket | undefined;
  class ServedSocket extends ChargerSocket {
    constructor(...args: ConstructorParameters<typeof WebSocket>) {
      super(...args);
      latest = this;
    }
  }
  const server = new RPCServer({
    protocols: [...options.subprotocols],
    pingIntervalMs: 0,
    // One at a time is for `ChargerCalls` to see to: ocpp-rpc's own queue has no bound.
    callConcurrency: Infinity,
    respondWithDetailedErrors: false,
    wssOptions: {
      maxPayload: options.maxMessageBytes,
      perMessageDeflate: false,
      WebSocket: ServedSocket as never,
    },
  });
  const keepAlive = makeKeepAlive(options.pingIntervalMs, options.random);
  const sessions = new WeakMap<IncomingMessage, object>();
  const transports = new WeakMap<object, Socket>();
  /** What listened for the end of the socket before ocpp-rpc did, of the upgrade that is under way. */
  let earlier: ReadonlySet<unknown> = new Set();
  server.auth((accept, _reject, handshake) => {
    const session = sessions.get(handshake.request) as Record<string, unknown>;
    const socket = transports.get(session) as Socket;
    const ofUpgrade = endListeners(socket).filter(({ listener }) => !earlier.has(listener));
    accept(session);
    // They would answer in HTTP to what happens to the socket later, and keep the request for as long as it lives.
    for (const { event, listener } of ofUpgrade) socket.off(event, listener);
  });
  server.on('upgradeAborted', ({ request }: { request: IncomingMessage }) => {
    options.onUpgradeFailed(sessions.get(request));
  });
  // ws makes the socket and ocpp-rpc announces it without a pause between, so `latest` is this client's socket.
  server.on('client', (client: RpcClient) => {
    const socket = latest as ChargerSocket;
    client._handshake = undefined;
    const transport = transports.get(client.session) as Socket;
    takeWholeMessages(socket, transport, options.maxMessageBytes);
    keepAlive.add(socket);
    options.onCharger(new Link(client, socket, transport));
  });

  return {
    upgrade: (request, socket, head, session) => {
      sessions.set(request, session);
      transports.set(session, socket);
      earlier = new Set(endListeners(socket).map(({ listener }) => listener));
      server.handleUpgrade(request, socket, head).catch(() => {
        socket.destroy();
        options.onUpgradeFailed(session);
      });
    },
    close: async () => {
      keepAlive.close();
      await server.close({ force: true });
    },
  };
}

/** What listens for the end of a socket. */
function endListeners(socket: Socket) {
  return ['error', 'end', 'close'].flatMap((event) =>
    socket.rawListeners(event).map((listener) => ({ event, listener: listener as () => void })),
  );
}
