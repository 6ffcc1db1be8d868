import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isPrivateAddress } from '../../jobs/node/private-addresses.ts';
import { FinalError } from '../../jobs/node/task.ts';
import { runTask } from './run-task.ts';

describe('http', () => {
  let server: Server;
  let base: string;
  let port: number;
  const asked: { method: string | undefined; path: string | undefined; key: unknown; body: string }[] = [];
  beforeAll(async () => {
    server = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      asked.push({ method: request.method, path: request.url, key: request.headers['x-key'], body });
      answer(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
    base = `http://127.0.0.1:${port}`;
  });
  afterAll(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );

  function answer(request: IncomingMessage, response: ServerResponse) {
    const to = (location: string, status = 302) => response.writeHead(status, { location }).end();
    switch (request.url) {
      case '/price':
        return response.end('{"price": 1.5}');
      case '/long':
        return response.end('x'.repeat(40_000));
      case '/silent':
        return;
      case '/half':
        return response.writeHead(200, { 'content-length': '10' }).write('12345', () => request.socket.destroy());
      case '/bad':
        return response.writeHead(503).end('{"errorMessage": "try later"}');
      case '/there':
        return to('/price');
      case '/keep':
        return to('/price', 307);
      case '/away':
        return to(`http://localhost:${port}/price`);
      case '/file':
        return to('file:///etc/passwd');
      case '/loop':
        return to('/loop');
      default:
        return response.writeHead(404).end('nothing here');
    }
  }
  const ask = (path: string, more: Record<string, string> = {}, services = {}) =>
    runTask('http', { url: base + path, allowunrestrictednetworkaccess: 'true', ...more }, {}, [], services);

  it('gives the answer as text', async () => {
    expect(await ask('/price')).toBe('{"price": 1.5}');
    expect(asked.at(-1)).toMatchObject({ method: 'GET', path: '/price', body: '' });
  });

  it('sends a method, a body with references, and headers', async () => {
    const attributes = { method: 'put', requestdata: '{"foo": $(foo), "n": 123}', headers: '["X-Key", "secret"]' };
    const url = { url: '$(url)', allowunrestrictednetworkaccess: 'true' };
    await runTask('http', { ...url, ...attributes }, { url: `${base}/price`, foo: 'bar' });
    expect(asked.at(-1)).toEqual({ method: 'PUT', path: '/price', key: 'secret', body: '{"foo":"bar","n":123}' });
  });

  it('refuses addresses that are not public, by number or by name, unless the spec allows them', async () => {
    const before = asked.length;
    const refusal = 'http: the address is not public; allowUnrestrictedNetworkAccess="true" in the spec allows it';
    for (const host of ['127.0.0.1', 'localhost', '2130706433', '0x7f.1', '[::1]', '[::ffff:127.0.0.1]', '0']) {
      await expect(runTask('http', { url: `http://${host}:${port}/price` })).rejects.toThrow(refusal);
    }
    expect(asked).toHaveLength(before);
  });

  it('follows redirects, without the spec’s headers to another origin, and not for ever', async () => {
    const key = { headers: '["X-Key", "secret"]', method: 'POST', requestdata: '{"a": 1}' };
    expect(await ask('/there', key)).toBe('{"price": 1.5}');
    expect(asked.at(-1)).toEqual({ method: 'GET', path: '/price', key: 'secret', body: '' });
    await ask('/keep', key);
    expect(asked.at(-1)).toEqual({ method: 'POST', path: '/price', key: 'secret', body: '{"a":1}' });
    await ask('/away', key);
    expect(asked.at(-1)).toEqual({ method: 'GET', path: '/price', key: undefined, body: '' });
    await expect(ask('/loop')).rejects.toThrow('http: more than 10 redirects');
    await expect(ask('/file')).rejects.toThrow('url: expected http://… or https://…');
  });

  it('says what went wrong without naming the URL', async () => {
    await expect(ask('/bad')).rejects.toThrow('http: answered 503: try later');
    await expect(ask('/bad')).rejects.not.toBeInstanceOf(FinalError);
    await expect(ask('/none')).rejects.toThrow('http: answered 404: nothing here');
    await expect(ask('/none')).rejects.toBeInstanceOf(FinalError);
    await expect(ask('/long')).rejects.toThrow('http: the answer is longer than 32768 bytes');
    expect(await ask('/long', {}, { httpMaxBytes: 40_000 })).toHaveLength(40_000);
    await expect(ask('/silent', {}, { httpTimeoutMs: 100 })).rejects.toThrow('http: no answer in time');
    await expect(ask('/half')).rejects.toThrow('http: ECONNRESET');
    await expect(runTask('http', { url: 'ftp://example.org/' })).rejects.toThrow('url: expected http://');
    await expect(runTask('http', { url: '$(missing)' })).rejects.toThrow('$(missing) leads to nothing');
    await expect(ask('/price', { headers: '["X-Key"]' })).rejects.toThrow('headers: expected a JSON list');
  });
});

describe('an address', () => {
  it('is public only if any machine on the internet can be reached by it', () => {
    const open = ['1.1.1.1', '172.32.0.1', '192.169.0.1', '100.128.0.1', '2606:4700::1111', '::ffff:8.8.8.8'];
    const closed = `0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 169.254.169.254 172.16.0.1 172.31.255.255 192.168.1.1
      198.18.0.1 224.0.0.1 255.255.255.255 :: ::1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::7f00:1 64:ff9b::a00:1
      2002:7f00:1:: fc00::1 fe80::1 fec0::1 ff02::1 localhost 1.2.3`;
    expect(open.filter(isPrivateAddress)).toEqual([]);
    expect(closed.split(/\s+/).filter((address) => !isPrivateAddress(address))).toEqual([]);
  });
});
