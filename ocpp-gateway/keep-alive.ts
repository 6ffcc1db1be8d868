/** A connection that can be pinged. */
export interface Pingable {
  ping: () => void;
  /** Cuts it off. */
  terminate: () => void;
  on: (event: 'pong' | 'close', listener: (this: Pingable) => void) => unknown;
}

/** Pings connections, and cuts off those that have not answered one ping when the next one is due. */
export interface KeepAlive {
  add: (connection: Pingable) => void;
  close: () => void;
}

/** A round goes over so many slots; each slot holds the connections that are pinged at its time. */
const SLOTS = 64;

/**
 * One timer for all connections: a timer and a promise of its own for each is a good part of what an idle one costs.
 *
 * @param intervalMs - between two pings of a connection; 0: none
 * @param random - uniform in [0, 1); spreads connections that came at once over the interval
 */
export function makeKeepAlive(intervalMs: number, random: () => number): KeepAlive {
  const slots = Array.from({ length: SLOTS }, () => new Set<Pingable>());
  const slotOf = new Map<Pingable, Set<Pingable>>();
  /** Those that were pinged and have not answered. */
  const silent = new Set<Pingable>();
  let turn = 0;

  const visit = () => {
    turn = (turn + 1) % SLOTS;
    for (const connection of slots[turn] ?? []) {
      if (silent.has(connection)) connection.terminate();
      else {
        silent.add(connection);
        connection.ping();
      }
    }
  };
  const timer = intervalMs > 0 ? setInterval(visit, intervalMs / SLOTS) : undefined;
  // A process that has nothing else to do may end.
  timer?.unref();

  // Shared by all, for the same reason.
  function heard(this: Pingable) {
    silent.delete(this);
  }
  function gone(this: Pingable) {
    silent.delete(this);
    slotOf.get(this)?.delete(this);
    slotOf.delete(this);
  }

  return {
    add: (connection) => {
      if (timer === undefined) return;
      const slot = slots[Math.floor(random() * SLOTS)] as Set<Pingable>;
      slot.add(connection);
      slotOf.set(connection, slot);
      connection.on('pong', heard);
      connection.on('close', gone);
    },
    close: () => clearInterval(timer),
  };
}
