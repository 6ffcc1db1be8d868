import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** What a silent link swallows: all that either end says, or only what the gateway answers. */
export type Swallowed = 'all' | 'answers';

/**
 * The way from chargers to gateways: one address before all gateways, which takes them in turn, and passes over one that
 * is not there.
 */
export interface LinkProxy {
  readonly url: string;
  links: () => number;
  /**
   * A share of the links passes nothing on any more, and neither end is told, also not that the other one has gone: each
   * has to find out by itself. @returns how many
   */
  silence: (share: number, swallowed: Swallowed, random: () => number) => number;
  /** Ends all links, at both ends. */
  cut: () => void;
  close: () => Promise<void>;
}

interface Link {
  charger: Socket;
  gateway: Socket;
  swallowed: Swallowed | undefined;
}

/** @param ports - of the gateways on the loopback interface */
export async function openLinkProxy(ports: readonly number[]): Promise<LinkProxy> {
  const links = new Set<Link>();
  const sockets = new Set<Socket>();
  let turn = 0;

  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.setNoDelay();
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  };

  const server = createServer((charger) => {
    keep(charger);
    const first = turn++;
    reach(
      charger,
      ports.map((_, n) => ports[(first + n) % ports.length] as number),
    );
  });

  /** Tries the gateways one after the other. */
  function reach(charger: Socket, [port, ...others]: number[]): void {
    if (port === undefined || charger.destroyed) {
      charger.destroy();
      return;
    }
    const gateway = connect(port, '127.0.0.1');
    keep(gateway);
    const next = () => reach(charger, others);
    gateway.once('error', next);
    gateway.once('connect', () => {
      gateway.off('error', next);
      join(charger, gateway);
    });
  }

  function join(charger: Socket, gateway: Socket): void {
    const link: Link = { charger, gateway, swallowed: undefined };
    links.add(link);
    const pass = (from: Socket, to: Socket, isSwallowed: () => boolean) => {
      from.on('data', (data) => {
        if (!isSwallowed()) to.write(data);
      });
      from.on('close', () => {
        if (link.swallowed === undefined) to.destroySoon();
        if (from.destroyed && to.destroyed) links.delete(link);
      });
    };
    pass(charger, gateway, () => link.swallowed === 'all');
    pass(gateway, charger, () => link.swallowed !== undefined);
    if (charger.destroyed) gateway.destroy();
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };

  return {
    url: `ws://127.0.0.1:${port}`,
    links: () => links.size,
    silence: (share, swallowed, random) => {
      const chosen = [...links].filter((link) => link.swallowed === undefined && random() < share);
      for (const link of chosen) link.swallowed = swallowed;
      return chosen.length;
    },
    cut,
    close: async () => {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
