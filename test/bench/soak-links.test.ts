import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type LinkProxy, openLinkProxy } from '../../bench/soak/link-proxy.ts';
import { waitFor } from '../support/wait.ts';

describe('the way from chargers to gateways', () => {
  const closers: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });

  /** A gateway that says its name to whoever comes, and then repeats what it is told. */
  async function gatewayOf(name: string) {
    const sockets = new Set<Socket>();
    const heard: string[] = [];
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => sockets.delete(socket));
      socket.on('data', (data) => {
        heard.push(data.toString());
        socket.write(data);
      });
      socket.write(name);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const kill = async () => {
      for (const socket of sockets) socket.destroy();
      if (server.listening) await new Promise((done) => server.close(done));
    };
    closers.push(kill);
    return { port: (server.address() as AddressInfo).port, sockets, heard, kill };
  }

  async function chargerAt({ url }: LinkProxy) {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    let heard = '';
    let isClosed = false;
    socket
      .on('error', () => {})
      .on('close', () => {
        isClosed = true;
      });
    socket.on('data', (data) => {
      heard += data;
    });
    closers.push(() => socket.destroy());
    const hears = (text: string) => waitFor(() => heard.endsWith(text), { what: `a charger to hear ${text}` });
    return { socket, hears, heard: () => heard, isClosed: () => isClosed };
  }

  async function proxyTo(...gateways: { port: number }[]) {
    const proxy = await openLinkProxy(gateways.map(({ port }) => port));
    closers.push(proxy.close);
    return proxy;
  }

  it('leads to each gateway in turn, and to the other while one is away', async () => {
    const [one, other] = [await gatewayOf('one'), await gatewayOf('other')];
    const proxy = await proxyTo(one, other);
    const first = await chargerAt(proxy);
    await first.hears('one');
    await (await chargerAt(proxy)).hears('other');
    await one.kill();
    await waitFor(() => first.isClosed(), { what: 'the charger to be told' });
    await (await chargerAt(proxy)).hears('other');
    await (await chargerAt(proxy)).hears('other');
    expect(proxy.links()).toBe(3);
  });

  it('falls silent without a word to either end', async () => {
    const gateway = await gatewayOf('one');
    const proxy = await proxyTo(gateway);
    const dead = await chargerAt(proxy);
    await dead.hears('one');
    expect(proxy.silence(1, 'all', () => 0)).toBe(1);
    const deaf = await chargerAt(proxy);
    await deaf.hears('one');
    expect(proxy.silence(1, 'answers', () => 0)).toBe(1);
    dead.socket.write('lost');
    deaf.socket.write('heard');
    await waitFor(() => gateway.heard.includes('heard'), { what: 'the gateway to hear one of them' });
    const well = await chargerAt(proxy);
    await well.hears('one');
    well.socket.write('well');
    await well.hears('well');
    expect(gateway.heard).toEqual(['heard', 'well']);
    expect([dead.heard(), deaf.heard()]).toEqual(['one', 'one']);

    // neither end learns that the other has gone
    dead.socket.destroy();
    well.socket.destroy();
    await waitFor(() => gateway.sockets.size === 2, { what: 'the gateway to be told of one of them' });
    for (const socket of gateway.sockets) socket.destroy();
    await waitFor(() => proxy.links() === 1, { what: 'the link to be forgotten that has no end any more' });
    expect(deaf.isClosed()).toBe(false);
    proxy.cut();
    await waitFor(() => deaf.isClosed(), { what: 'all to be cut' });
  });
});
