import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { RPCServer } from 'ocpp-rpc';
import { WebSocket } from 'ws';
import { ChargerSocket, takeWholeMessages } from './charger-socket.ts';
import { closeReason } from './close-reason.ts';
import { makeKeepAlive } from './keep-alive.ts';
import { textFrame } from './text-frame.ts';

/**
 * The one file that knows ocpp-rpc's server.
 *
 * ocpp-rpc does the handshake and carries calls to chargers. Calls *from* chargers never reach it: it would answer a
 * message id twice that is sent twice, bounds nothing, and answers before anything is durable. `ChargerSocket` takes
 * every text frame first and lets through only what answers a call of ours. Nor does it send pings: its timers and
 * promises take a twentieth of a connection's memory.
 */

/** One charger's connection. */
export interface ChargerLink {
  /** Handed in at `upgrade`. */
  session: object;
  /**
   * Who gets each text frame, with its length, in order; it returns whether ocpp-rpc is to see the frame too. Set once, at
   * once.
   */
  onText: (take: (text: string, bytes: number) => boolean) => void;
  /** Who gets the length of what is not text. */
  onBinary: (take: (bytes: number) => void) => void;
  /** Called once, when the socket is gone. */
  onClose: (listener: (code: number, reason: string) => void) => void;
  /** Called with a short constant when the transport breaks the protocol (no UTF-8, …): `too-large` for a message that is. */
  onTransportError: (listener: (code: string) => void) => void;
  /** Called when an answer arrives that belongs to no call of ours. */
  onStrayResponse: (listener: () => void) => void;
  /** Sends a text; false if the socket is closing, or its peer has stopped reading and was cut off. */
  send: (text: string) => boolean;
  /** The same with a text that was made a frame before. */
  sendFrame: (frame: Buffer) => boolean;
  /**
   * Sends a CALL at once; to be used for one call at a time. Its answer comes through `onText` first, like every text.
   *
   * @param payload - JSON text of an object, sent as it is
   * @param messageId - one of its own if not given
   * @returns undefined if the socket does not take it
   */
  call: (action: string, payload: string, timeoutMs: number, messageId?: string) => SentCall | undefined;
  pause: () => void;
  resume: () => void;
  /** Closes with a code and a reason of at most 123 bytes, by force if the peer does not agree in time. */
  close: (code: number, reason: string) => void;
  terminate: () => void;
}

/** A CALL on the wire. */
export interface SentCall {
  messageId: string;
  /** The exact text that was sent. */
  text: string;
  /** Settles when the call was answered, has timed out, or the connection is gone. Never rejects. */
  over: Promise<void>;
}

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

/** Unsent bytes at which a peer counts as not reading. */
const MOST_BUFFERED_BYTES = 1 << 20;
/** How ws calls a message over its `maxPayload`. */
const TOO_LARGE = 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';
const CLOSE_TIMEOUT_MS = 2_000;

/** The parts of an ocpp-rpc client that are used here. */
interface RpcClient {
  session: object;
  /** The upgrade request with all that belongs to it, the charger's key too. */
  _handshake: unknown;
  call: (action: string, payload: object, options: { callTimeoutMs: number }) => Promise<unknown>;
  on: (event: string, listener: (arg: never) => void) => void;
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

/** A class, so that it is one object, and not one for each of its functions: an answer looks at little else. */
class Link implements ChargerLink {
  readonly session: object;
  private readonly socket: ChargerSocket;
  private readonly transport: Socket;
  private readonly client: RpcClient;

  constructor(client: RpcClient, socket: ChargerSocket, transport: Socket) {
    this.session = client.session;
    this.socket = socket;
    this.transport = transport;
    this.client = client;
  }

  onText(take: (text: string, bytes: number) => boolean): void {
    this.socket.whole.takeText = take;
  }

  onBinary(take: (bytes: number) => void): void {
    this.socket.takeBinary = take;
  }

  onClose(listener: (code: number, reason: string) => void): void {
    this.socket.once('close', (code, reason) => listener(code, reason.toString('utf8')));
  }

  onTransportError(listener: (code: string) => void): void {
    this.socket.on('error', ({ code = 'unknown' }: Error & { code?: string }) => {
      listener(code === TOO_LARGE ? 'too-large' : code);
    });
  }

  onStrayResponse(listener: () => void): void {
    this.client.on('badMessage', listener);
  }

  send(text: string): boolean {
    return this.sendFrame(textFrame(text));
  }

  sendFrame(frame: Buffer): boolean {
    const { socket, transport } = this;
    if (socket.readyState !== WebSocket.OPEN) return false;
    // Without compression ws, too, writes a frame at once and whole, so frames never mix.
    if (transport.write(frame) || transport.writableLength <= MOST_BUFFERED_BYTES) return true;
    socket.terminate();
    return false;
  }

  call(action: string, payload: string, timeoutMs: number, messageId?: string): SentCall | undefined {
    const { socket } = this;
    socket.payload = payload;
    socket.messageId = messageId;
    socket.renamed = undefined;
    socket.sentCall = undefined;
    // Sends before it returns. What it makes of the answer is not needed: `onText` has seen the answer's text.
    const over = this.client.call(action, {}, { callTimeoutMs: timeoutMs }).then(
      () => undefined,
      () => undefined,
    );
    const text = socket.sentCall as string | undefined;
    socket.payload = undefined;
    return text === undefined ? undefined : { messageId: JSON.parse(text)[1], text, over };
  }

  pause(): void {
    this.socket.whole.isAtStart = false;
    this.socket.pause();
    // A socket that is read in place is not read at all once it pauses, and so its end would not be seen. It is read on, as any
    // other is, as far as its buffer goes.
    this.transport.read(0);
  }

  resume(): void {
    // What it sent meanwhile is yet to be read.
    this.socket.isSilent = false;
    this.socket.resume();
  }

  close(code: number, reason: string): void {
    const { socket } = this;
    if (socket.readyState === WebSocket.CLOSED) return;
    socket.resume();
    socket.close(code, closeReason(reason));
    const timer = setTimeout(() => socket.terminate(), CLOSE_TIMEOUT_MS);
    socket.once('close', () => clearTimeout(timer));
  }

  terminate(): void {
    this.socket.terminate();
  }
}
