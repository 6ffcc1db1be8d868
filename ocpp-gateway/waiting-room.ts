import { addressKey } from './address-key.ts';

/** Sockets that are connected and not let in yet: they cost memory, and anybody can open them. */
export interface WaitingRoom {
  /** Takes a socket in; false if there is no room for it. */
  enter: (socket: string, address: string) => boolean;
  /** The socket was let in, or is gone. */
  leave: (socket: string) => void;
  readonly size: number;
}

/**
 * @param most - sockets that may wait at once
 * @param mostOfOne - of them, from one address
 */
export function makeWaitingRoom(most: number, mostOfOne: number): WaitingRoom {
  /** `addressKey` by socket. */
  const waiting = new Map<string, string>();
  const byAddress = new Map<string, number>();
  return {
    enter: (socket, from) => {
      const address = addressKey(from);
      const ofOne = byAddress.get(address) ?? 0;
      if (waiting.size >= most || ofOne >= mostOfOne) return false;
      waiting.set(socket, address);
      byAddress.set(address, ofOne + 1);
      return true;
    },
    leave: (socket) => {
      const address = waiting.get(socket);
      if (address === undefined) return;
      waiting.delete(socket);
      const left = (byAddress.get(address) ?? 1) - 1;
      if (left === 0) byAddress.delete(address);
      else byAddress.set(address, left);
    },
    get size() {
      return waiting.size;
    },
  };
}
