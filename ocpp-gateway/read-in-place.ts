import type { Socket } from 'node:net';
import { ReadMemory } from './text-frame.ts';

/** One for all sockets: what it holds is used up before the next read. */
const MEMORY = new ReadMemory();

/** The parts of Node's socket by which `onread` of its public `net.Socket` constructor works. */
interface Handle {
  useUserBuffer?: (memory: Uint8Array) => void;
}

/**
 * Has what a socket receives from now on read into one piece of memory for all sockets, and shown to `take` before anybody else;
 * what it does not take goes the usual way, as a copy. Node would make a buffer for every read, which for small messages costs
 * more than to understand them.
 *
 * Node has this for sockets that one makes oneself (`onread`), and a server's are made by Node: so it is set up here as its
 * constructor does it. Where another Node does it otherwise, all goes the usual way.
 *
 * @param take - gets what has come, in order: the first `length` bytes of the memory, its own until it returns; whether it
 *   took them. Must not throw. Not asked while bytes wait that came before
 */
export function readInPlace(socket: Socket, take: (memory: ReadMemory, length: number) => boolean): void {
  const handle = (socket as unknown as { _handle: Handle | null })._handle;
  const symbols = Object.getOwnPropertySymbols(socket);
  const [buffer, callback] = ['kBuffer', 'kBufferCb'].map((name) =>
    symbols.find(({ description }) => description === name),
  );
  if (handle?.useUserBuffer === undefined || buffer === undefined || callback === undefined) return;
  const onRead = (length: number): boolean => {
    if (socket.readableFlowing && socket.readableLength === 0 && take(MEMORY, length)) return true;
    return socket.push(Buffer.from(MEMORY.bytes.subarray(0, length)));
  };
  Object.assign(socket, { [buffer]: MEMORY.bytes, [callback]: onRead });
  handle.useUserBuffer(MEMORY.bytes);
}
