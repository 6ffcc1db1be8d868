import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { WebSocket } from 'ws';
import type { ChargerLink } from '../../ocpp-gateway/charger-link.ts';
import { closeReason } from '../../ocpp-gateway/close-reason.ts';
import { type OcppServer, openOcppServer } from '../../ocpp-gateway/ocpp-rpc.ts';
import { waitFor } from '../support/wait.ts';

const MEBIBYTE = 1 << 20;

describe('a link to a charger', () => {
  let http: Server;
  let ocpp: OcppServer;
  let onLink: (link: ChargerLink) => void = () => {};

  beforeAll(async () => {
    ocpp = openOcppServer({
      maxMessageBytes: 4_096,
      pingIntervalMs: 0,
      subprotocols: ['ocpp1.6'],
      random: () => 0.5,
      onCharger: (link) => onLink(link),
      onUpgradeFailed: () => {},
    });
    http = createServer();
    http.on('upgrade', (request, socket, head) => ocpp.upgrade(request, socket as never, head, {}));
    await once(http.listen(0, '127.0.0.1'), 'listening');
  });
  afterAll(async () => {
    await ocpp.close();
    http.closeAllConnections();
    http.close();
  });

  const connect = async () => {
    const linked = new Promise<ChargerLink>((resolve) => {
      onLink = (link) => {
        link.onTransportError(() => {});
        resolve(link);
      };
    });
    const socket = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}/CP1`, ['ocpp1.6']);
    await once(socket, 'open');
    return { socket, link: await linked };
  };

  it('is cut off when its charger has stopped reading, after a bounded number of bytes', async () => {
    const { socket, link } = await connect();
    const gone = new Promise<number>((resolve) => link.onClose(resolve));
    socket.pause();
    const text = 'x'.repeat(64 * 1024);
    let taken = 0;
    while (taken < 256 * MEBIBYTE && link.send(text)) taken += text.length;
    // What the two kernels hold for the socket, and no more than a mebibyte and one message here.
    expect(taken).toBeLessThan(128 * MEBIBYTE);
    expect(await gone).toBe(1006);
    expect(link.send('{}')).toBe(false);
    socket.terminate();
  });

  it('is gone when its charger is, also while it is not read', async () => {
    const { socket, link } = await connect();
    let isGone = false;
    link.onClose(() => {
      isGone = true;
    });
    link.pause();
    socket.terminate();
    await waitFor(() => isGone, { what: 'the end of the connection to be seen' });
  });

  it.each([
    ['a reason that is too long', 'x'.repeat(500), 'x'.repeat(123)],
    ['a reason of wide characters', 'é'.repeat(100), 'é'.repeat(61)],
    ['a reason that fits', 'replaced', 'replaced'],
  ])('is closed with %s, and does not hang', async (_what, reason, shown) => {
    const { socket, link } = await connect();
    const gone = new Promise<number>((resolve) => link.onClose(resolve));
    const closed = once(socket, 'close');
    link.close(1008, reason);
    const [code, told] = (await closed) as [number, Buffer];
    expect([code, told.toString()]).toEqual([1008, shown]);
    expect(await gone).toBe(1008);
  });
});

describe('the reason of a close frame', () => {
  it.each([
    ['', 0],
    ['€'.repeat(41), 123],
    ['€'.repeat(42), 123],
    [`x${'€'.repeat(41)}`, 121],
    [`xx${'😀'.repeat(31)}`, 122],
  ])('of %p takes %d bytes', (reason, bytes) => {
    const cut = closeReason(reason);
    expect(cut).toHaveLength(bytes);
    expect(reason.startsWith(cut.toString())).toBe(true);
  });
});
