import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { WebSocket } from 'ws';
import { openOcppServer } from '../../ocpp-gateway/ocpp-rpc.ts';
import { waitFor } from '../support/wait.ts';

describe('what a connection keeps in memory', () => {
  const http = createServer();
  const failed: unknown[] = [];
  let request: WeakRef<IncomingMessage> | undefined;
  let socket: Socket | undefined;
  let closed: Promise<number> | undefined;
  const ocpp = openOcppServer({
    maxMessageBytes: 1000,
    pingIntervalMs: 0,
    subprotocols: ['ocpp1.6'],
    random: Math.random,
    onCharger: (link) => {
      link.onText(() => false);
      link.onTransportError(() => {});
      closed = new Promise((resolve) => link.onClose(resolve));
    },
    onUpgradeFailed: (session) => void failed.push(session),
  });

  beforeAll(async () => {
    http.on('upgrade', (incoming: IncomingMessage, transport: Socket, head: Buffer) => {
      request = new WeakRef(incoming);
      socket = transport;
      ocpp.upgrade(incoming, transport, head, {});
    });
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
  });
  afterAll(async () => {
    await ocpp.close();
    http.close();
    await once(http, 'close');
  });

  it('is nothing of the request it came with, which holds its key; nor is a later error taken for one of the upgrade', async () => {
    const { port } = http.address() as AddressInfo;
    const charger = new WebSocket(`ws://127.0.0.1:${port}/CP-1`, ['ocpp1.6'], { auth: 'CP-1:key' });
    await once(charger, 'open');
    setFlagsFromString('--expose-gc');
    const collectGarbage: () => void = runInNewContext('gc');
    await waitFor(
      () => {
        collectGarbage();
        return request?.deref() === undefined;
      },
      { what: 'the request to be let go of', timeoutMs: 60_000 },
    );
    socket?.destroy(new Error('broken'));
    expect(await closed).toBe(1006);
    expect(failed).toEqual([]);
    charger.terminate();
  });
});
