import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { makeRpc } from '../../jobs/node/rpc.ts';
import type { TaskServices } from '../../jobs/node/task.ts';
import { bridge } from '../../jobs/node/tasks/bridge.ts';

// Seen: with an RPC_URL such as https://user:password@host/ the job node never reached the chain, because fetch refuses
// a URL with credentials, and the error it logged held the whole URL.
describe('an endpoint whose URL holds a user and a password', () => {
  const server = createServer((request, response) => {
    authorizations.push(request.headers.authorization ?? '');
    response.end(JSON.stringify({ jsonrpc: '2.0', id: 1, result: '0x1' }));
  });
  const authorizations: string[] = [];
  let url: string;
  beforeEach(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://operator:s3cret%21@127.0.0.1:${(server.address() as AddressInfo).port}/`;
    authorizations.length = 0;
  });
  afterEach(async () => {
    if (!server.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });
  const close = async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  const call = () => ({
    attributes: { name: 'devsen' },
    inputs: [],
    vars: {},
    key: '1:0:ask',
    runId: 1,
    blockNumber: 1,
    signal: new AbortController().signal,
    timeoutMs: undefined,
    gasLimit: undefined,
    place: 'job:task',
    isForwarded: false,
    worthWei: undefined,
    services: {
      bridges: { devsen: { url, token: '' } },
      httpTimeoutMs: 60_000,
      httpMaxBytes: 32_768,
    } as unknown as TaskServices,
  });
  // printf 'operator:s3cret!' | base64
  const BASIC = 'Basic b3BlcmF0b3I6czNjcmV0IQ==';

  it('is asked with them in the header of HTTP Basic', async () => {
    expect(await makeRpc(url, 60_000)('eth_chainId', [])).toBe('0x1');
    await bridge.run(call());
    expect(authorizations).toEqual([BASIC, BASIC]);
  });

  it('shows neither in the error when it is away', async () => {
    await close();
    const errors = await Promise.all([
      makeRpc(url, 60_000)('eth_chainId', []).then(String, (error) => error),
      Promise.resolve(bridge.run(call())).then(String, (error) => error),
    ]);
    expect(errors.map((error) => (error as Error).message)).toEqual([
      'chain: eth_chainId: ECONNREFUSED',
      'bridge devsen: ECONNREFUSED',
    ]);
    expect(inspect(errors, { depth: 10 })).not.toMatch(/s3cret|operator/);
  });
});
