import type { AddressInfo } from 'node:net';
import { RPCServer } from 'ocpp-rpc';
import { reportServer } from './gateway-server.ts';

/** The floor: a bare `ocpp-rpc` server, strict, that answers from memory and keeps nothing. */
const server = new RPCServer({ protocols: ['ocpp1.6'], strictMode: ['ocpp1.6'] });
let transactionId = 0;

server.auth((accept: (session: object) => void) => accept({}));
server.on('client', (client: { handle: (action: string, handler: () => object) => void }) => {
  const idTagInfo = { status: 'Accepted' };
  client.handle('Heartbeat', () => ({ currentTime: new Date().toISOString() }));
  client.handle('StatusNotification', () => ({}));
  client.handle('MeterValues', () => ({}));
  client.handle('StartTransaction', () => ({ transactionId: ++transactionId, idTagInfo }));
  client.handle('StopTransaction', () => ({ idTagInfo }));
});

const http = await server.listen(0, '127.0.0.1');
const { port } = http.address() as AddressInfo;
reportServer(`ws://127.0.0.1:${port}`, () => server.close({ force: true }));
