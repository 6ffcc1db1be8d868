import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { withoutMark } from '../core/json.ts';
import { type Reader, readInPlace } from './read-in-place.ts';
import { type ReadMemory, wholeText } from './text-frame.ts';

/** What ocpp-rpc is given as a call's payload, as it then stands at the end of the frame. */
const NO_PAYLOAD = '{}]';

/** A charger's WebSocket, between ws, ocpp-rpc and the gateway. */
export class ChargerSocket extends WebSocket {
  readonly whole = new WholeMessages(this);
  takeBinary: ((bytes: number) => void) | undefined;
  /** The payload that stands in for `NO_PAYLOAD` in the next frame ocpp-rpc sends. */
  payload: string | undefined;
  /** The message id that stands in for ocpp-rpc's own, which has no place for one. */
  messageId: string | undefined;
  /** The last CALL as it was sent. */
  sentCall: string | undefined;
  /** The id of the last CALL that was sent under another id than ocpp-rpc's, and ocpp-rpc's. */
  renamed: { sent: string; own: string } | undefined;

  /** See `Pingable`. */
  get isSilent(): boolean {
    return this.whole.isSilent;
  }

  set isSilent(isSilent: boolean) {
    this.whole.isSilent = isSilent;
  }

  override send(data: Parameters<WebSocket['send']>[0], ...rest: never[]): void {
    if (this.payload === undefined || this.readyState !== WebSocket.OPEN) super.send(data, ...rest);
    else {
      const head = String(data).slice(0, -NO_PAYLOAD.length);
      this.sentCall = `${this.messageId === undefined ? head : this.rename(head, this.messageId)}${this.payload}]`;
      this.payload = undefined;
      super.send(this.sentCall, ...rest);
    }
  }

  override emit(event: string | symbol, ...args: unknown[]): boolean {
    if (event === 'message' || event === 'ping') this.isSilent = false;
    if (event === 'message') {
      const data = args[0] as Buffer;
      if (args[1] === true) {
        this.takeBinary?.(data.length);
        return true;
      }
      return this.takeMessage(String(data), data.length);
    }
    return super.emit(event, ...args);
  }

  private takeMessage(text: string, bytes: number): boolean {
    const { takeText } = this.whole;
    return (takeText !== undefined && !takeText(text, bytes)) || this.passOn(text);
  }

  /** Hands a message to ocpp-rpc. */
  passOn(text: string): boolean {
    const plain = withoutMark(text);
    const { renamed } = this;
    if (renamed !== undefined && JSON.parse(plain)[1] === renamed.sent) {
      // What ocpp-rpc makes of an answer is of no account: it only needs to know that there is one.
      this.renamed = undefined;
      return super.emit('message', Buffer.from(`[3,${JSON.stringify(renamed.own)},{}]`), false);
    }
    return super.emit('message', Buffer.from(plain), false);
  }

  private rename(head: string, messageId: string): string {
    const [type, own, action] = JSON.parse(`${head}null]`) as [number, string, string];
    this.renamed = { sent: messageId, own };
    return `[${type},${JSON.stringify(messageId)},${JSON.stringify(action)},`;
  }
}

/** The parts of ws that are used here. */
interface Parts {
  _socket: Socket;
  _receiver: {
    /** What it waits for: 0 is the head of a frame. */
    _state: number;
    /** Bytes that it has not read yet; opcode of a message whose rest is still to come, else 0. */
    _bufferedBytes: number;
    _fragmented: number;
  };
}

/**
 * Takes what comes as a message by itself at once; ws reads all else, and whatever comes while it is within a message. It reads
 * any stream of frames, which for the plain ones is a tenth of what a message costs in all.
 *
 * A small object, and all of a connection that is looked at between Node's socket and the station: among thousands of
 * connections each further object is one that no cache of the processor has.
 */
class WholeMessages implements Reader {
  takeText: ((text: string, bytes: number) => boolean) | undefined;
  isSilent = false;
  /** Whether what comes next begins a message, as far as that is known without asking ws. */
  isAtStart = false;
  mostBytes = 0;
  private readonly socket: ChargerSocket;

  constructor(socket: ChargerSocket) {
    this.socket = socket;
  }

  takeRead(memory: ReadMemory, length: number): boolean {
    this.isAtStart ||= isBetweenMessages(this.socket);
    const whole = this.isAtStart ? wholeText(memory, length, this.mostBytes) : undefined;
    this.isAtStart = whole !== undefined;
    if (whole === undefined) return false;
    this.isSilent = false;
    const { takeText } = this;
    if (takeText === undefined || takeText(whole.text, whole.bytes)) this.socket.passOn(whole.text);
    return true;
  }
}

/** Whether what comes next begins a message: nothing that came before is still to be read, and ws has read whole frames. */
function isBetweenMessages(socket: ChargerSocket): boolean {
  const { _socket, _receiver } = socket as unknown as Parts;
  return (
    socket.readyState === WebSocket.OPEN &&
    _socket.readableFlowing === true &&
    _socket.readableLength === 0 &&
    // Another ws may do it otherwise.
    _receiver._state === 0 &&
    _receiver._bufferedBytes === 0 &&
    _receiver._fragmented === 0
  );
}

/** Has messages that come by themselves taken at once. */
export function takeWholeMessages(socket: ChargerSocket, transport: Socket, mostBytes: number): void {
  socket.whole.mostBytes = mostBytes;
  readInPlace(transport, socket.whole);
}
