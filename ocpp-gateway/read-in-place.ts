import type { Socket } from 'node:net';
import { ReadMemory } from './text-frame.ts';

/** Who gets what a socket receives. */
export interface Reader {
  /**
   * Takes the first `length` bytes of the memory, which is its own until it returns; false if they are to go the usual way.
   * Must not throw.
   */
  takeRead: (memory: ReadMemory, length: number) => boolean;
}

/** One for all sockets: what it holds is used up before the next read. */
const MEMORY = new ReadMemory();
const READER = Symbol('reader');

/** The parts of Node's socket by which `onread` of its public `net.Socket` constructor works. */
interface Handle {
  useUserBuffer?: (memory: Uint8Array) => void;
}

/**
 * Has what a socket receives from now on read into one piece of memory for all sockets, and shown to a reader before anybody
 * else; what it does not take goes the usual way, as a copy. Node would make a buffer for every read, which for small messages
 * costs more than to understand them.
 *
 * Node has this for sockets that one makes oneself (`onread`), and a server's are made by Node: so it is set up here as its
 * constructor does it. Where another Node does it otherwise, all goes the usual way.
 */
export function readInPlace(socket: Socket, reader: Reader): void {
  const handle = (socket as unknown as { _handle: Handle | null })._handle;
  const symbols = Object.getOwnPropertySymbols(socket);
  const [buffer, callback] = ['kBuffer', 'kBufferCb'].map((name) =>
    symbols.find(({ description }) => description === name),
  );
  if (handle?.useUserBuffer === undefined || buffer === undefined || callback === undefined) return;
  Object.assign(socket, { [READER]: reader, [buffer]: MEMORY.bytes, [callback]: onRead });
  handle.useUserBuffer(MEMORY.bytes);
}

/** One function for all sockets, as their memory is one: what each has of its own is far from the processor. */
function onRead(this: Socket & { [READER]: Reader }, length: number): boolean {
  return this[READER].takeRead(MEMORY, length) || this.push(Buffer.from(MEMORY.bytes.subarray(0, length)));
}
