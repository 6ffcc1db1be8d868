import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { openProvider } from '../../runtime/chain.ts';

let server: Server;
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
});

/** An endpoint that closes the connection on its first `resets` requests, then says that it is chain 7. */
async function startEndpoint(resets: number): Promise<{ rpcUrl: string; requests: () => number }> {
  let requests = 0;
  server = createServer((request, response) => {
    if (++requests <= resets) return void request.socket.destroy();
    response.setHeader('content-type', 'application/json');
    response.end('{"jsonrpc":"2.0","id":1,"result":"0x7"}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { rpcUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests: () => requests };
}

describe('a provider', () => {
  it('makes a call once more when the endpoint closes the connection on it', async () => {
    const { rpcUrl, requests } = await startEndpoint(1);
    const provider = await openProvider({ rpcUrl });
    expect((await provider.getNetwork()).chainId).toBe(7n);
    expect(requests()).toBe(2);
    provider.destroy();
  });

  it('takes the chain to be away when that happens again', async () => {
    const { rpcUrl, requests } = await startEndpoint(2);
    await expect(openProvider({ rpcUrl })).rejects.toMatchObject({ code: 'CHAIN_UNAVAILABLE' });
    expect(requests()).toBe(2);
  });
});
