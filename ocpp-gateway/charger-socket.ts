import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { withoutMark } from '../core/json.ts';
import { readInPlace } from './read-in-place.ts';
import { type ReadMemory, wholeText } from './text-frame.ts';

/** What ocpp-rpc is given as a call's payload, as it then stands at the end of the frame. */
const NO_PAYLOAD = '{}]';

/** A charger's WebSocket, between ws, ocpp-rpc and the gateway. */
export class ChargerSocket extends WebSocket {
  isSilent = false;
  takeText: ((text: string, bytes: number) => boolean) | undefined;
  takeBinary: ((bytes: number) => void) | undefined;
  /** The payload that stands in for `NO_PAYLOAD` in the next frame ocpp-rpc sends. */
  payload: string | undefined;
  /** The message id that stands in for ocpp-rpc's own, which has no place for one. */
  messageId: string | undefined;
  /** The last CALL as it was sent. */
  sentCall: string | undefined;
  /** The id of the last CALL that was sent under another id than ocpp-rpc's, and ocpp-rpc's. */
  renamed: { sent: string; own: string } | undefined;

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

  /** Whether what was received is a message by itself, and is taken. */
  takeWhole(memory: ReadMemory, length: number, mostBytes: number): boolean {
    const whole = this.readyState === WebSocket.OPEN ? wholeText(memory, length, mostBytes) : undefined;
    if (whole === undefined) return false;
    this.isSilent = false;
    this.takeMessage(whole.text, whole.bytes);
    return true;
  }

  private takeMessage(text: string, bytes: number): boolean {
    if (this.takeText !== undefined && !this.takeText(text, bytes)) return true;
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

/** The parts of ws' reading side that are used here. */
interface Receiver {
  /** What it waits for: 0 is the head of a frame. */
  _state: number;
  /** Bytes that it has not read yet; opcode of a message whose rest is still to come, else 0. */
  _bufferedBytes: number;
  _fragmented: number;
}

/**
 * Has what comes as a message by itself taken at once; ws reads all else, and whatever comes while it is within a message.
 * It reads any stream of frames, which for the plain ones is a tenth of what a message costs in all.
 */
export function takeWholeMessages(socket: ChargerSocket, transport: Socket, mostBytes: number): void {
  const receiver = (socket as unknown as { _receiver: Receiver })._receiver;
  const isBetween = () => receiver._state === 0 && receiver._bufferedBytes === 0 && receiver._fragmented === 0;
  // Another ws may do it otherwise.
  if (!isBetween()) return;
  readInPlace(transport, (memory, length) => isBetween() && socket.takeWhole(memory, length, mostBytes));
}
