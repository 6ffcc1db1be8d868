import { connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP relay that can be cut, so that what listens behind it seems away while it runs on. */
export interface Relay {
  readonly port: number;
  /** Breaks every connection and takes none until `restore`. */
  cut: () => Promise<void>;
  restore: () => Promise<void>;
  close: () => Promise<void>;
}

/** Relays a port of 127.0.0.1 to another one there. */
export async function startRelay(targetPort: number): Promise<Relay> {
  const sockets = new Set<Socket>();
  let server: Server | undefined;
  let port = 0;

  const open = async () => {
    const relay = createServer((inbound) => {
      const outbound = connect(targetPort, '127.0.0.1');
      for (const [one, other] of [
        [inbound, outbound],
        [outbound, inbound],
      ] as const) {
        sockets.add(one);
        one.pipe(other);
        one.on('error', () => other.destroy());
        one.on('close', () => {
          sockets.delete(one);
          other.destroy();
        });
      }
    });
    await new Promise<void>((resolve, reject) => {
      relay.once('error', reject);
      relay.listen(port, '127.0.0.1', resolve);
    });
    const address = relay.address();
    if (typeof address === 'object' && address !== null) port = address.port;
    server = relay;
  };
  const cut = async () => {
    if (server === undefined) return;
    const closing = server;
    server = undefined;
    const closed = new Promise<void>((resolve) => closing.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  await open();
  return { port, cut, restore: open, close: cut };
}
