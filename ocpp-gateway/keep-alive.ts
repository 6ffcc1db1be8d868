/** A connection that can be pinged. */
export interface Pingable {
  /** Whether it is not read at present: what it sends is not heard then. */
  readonly isPaused: boolean;
  /** Whether it was pinged and nothing was heard of it since. Whoever hears of it, or can again, unsets it. */
  isSilent: boolean;
  ping: () => void;
  /** Cuts it off. */
  terminate: () => void;
  on: (event: 'pong' | 'close', listener: (this: unknown) => void) => unknown;
}

/** Pings connections, and cuts off those from which nothing has come since one ping when the next one is due. */
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
  let turn = 0;

  const visit = () => {
    turn = (turn + 1) % SLOTS;
    for (const connection of slots[turn] ?? []) {
      if (connection.isPaused) connection.isSilent = false;
      else if (connection.isSilent) connection.terminate();
      else {
        connection.isSilent = true;
        connection.ping();
      }
    }
  };
  const timer = intervalMs > 0 ? setInterval(visit, intervalMs / SLOTS) : undefined;
  // A process that has nothing else to do may end.
  timer?.unref();

  // Shared by all, for the same reason.
  function answered(this: unknown) {
    (this as Pingable).isSilent = false;
  }
  function gone(this: unknown) {
    const connection = this as Pingable;
    slotOf.get(connection)?.delete(connection);
    slotOf.delete(connection);
  }

  return {
    add: (connection) => {
      if (timer === undefined) return;
      const slot = slots[Math.floor(random() * SLOTS)] as Set<Pingable>;
      slot.add(connection);
      slotOf.set(connection, slot);
      connection.on('pong', answered);
      connection.on('close', gone);
    },
    close: () => clearInterval(timer),
  };
}
