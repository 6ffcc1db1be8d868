import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import type { ChargerSocket } from './charger-socket.ts';
import { closeReason } from './close-reason.ts';
import { textFrame } from './text-frame.ts';

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

/** Unsent bytes at which a peer counts as not reading. */
const MOST_BUFFERED_BYTES = 1 << 20;
/** How ws calls a message over its `maxPayload`. */
const TOO_LARGE = 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';
const CLOSE_TIMEOUT_MS = 2_000;

/** The parts of an ocpp-rpc client that are used here. */
export interface RpcClient {
  session: object;
  /** The upgrade request with all that belongs to it, the charger's key too. */
  _handshake: unknown;
  call: (action: string, payload: object, options: { callTimeoutMs: number }) => Promise<unknown>;
  on: (event: string, listener: (arg: never) => void) => void;
}

/** A class, so that it is one object, and not one for each of its functions: an answer looks at little else. */
export class Link implements ChargerLink {
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
