import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { createServer as createTlsServer, request as requestTls } from 'node:https';
import type { AddressInfo, Server, Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { readInPlace } from '../../ocpp-gateway/read-in-place.ts';
import { makeCertificate } from '../support/certificates.ts';
import { waitFor } from '../support/wait.ts';

describe.each(['plain', 'TLS'])('what a socket of a %s server receives', (kind) => {
  const ends: (() => void)[] = [];
  afterEach(() => {
    for (const end of ends.splice(0)) end();
  });

  /** A server's socket after an upgrade, and its client. */
  async function upgrade(): Promise<{ socket: Socket; client: Socket }> {
    const certificate = makeCertificate({ commonName: 'localhost', purpose: 'server' });
    const server = kind === 'TLS' ? createTlsServer(certificate) : createServer();
    const upgraded = once(server, 'upgrade');
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = (server as Server).address() as AddressInfo;
    const headers = { connection: 'Upgrade', upgrade: 'test' };
    const options = { port, host: '127.0.0.1', headers, rejectUnauthorized: false };
    const asked = kind === 'TLS' ? requestTls(options) : request(options);
    const answered = once(asked, 'upgrade');
    asked.end();
    const [, socket] = (await upgraded) as [unknown, Socket];
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: test\r\n\r\n');
    const [, client] = (await answered) as [unknown, Socket];
    client.setNoDelay();
    ends.push(() => {
      client.destroy();
      socket.destroy();
      server.close();
    });
    return { socket, client };
  }

  it('is shown to the reader before anybody else, and goes on as a copy where that does not take it', async () => {
    const { socket, client } = await upgrade();
    const heard: string[] = [];
    const chunks: Buffer[] = [];
    readInPlace(socket, {
      takeRead: (memory, length) => {
        const text = memory.bytes.toString('latin1', 0, length);
        if (!text.startsWith('take')) return false;
        heard.push(`taken ${text}`);
        return true;
      },
    });
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      heard.push(`passed ${chunk.toString('latin1')}`);
    });
    for (const [n, text] of ['take 1', 'pass 2', 'take 3', 'pass 4'].entries()) {
      client.write(text);
      await waitFor(() => heard.length === n + 1, { what: text });
    }
    expect(heard).toEqual(['taken take 1', 'passed pass 2', 'taken take 3', 'passed pass 4']);
    expect(chunks.map(String)).toEqual(['pass 2', 'pass 4']);
  });

  it('waits while the socket is paused, and comes in order once that goes on, in whatever pieces', async () => {
    const { socket, client } = await upgrade();
    let taken = 0;
    let passed = '';
    // A read that is not taken is not lost, nor the rest of one that is larger than the memory.
    readInPlace(socket, { takeRead: () => ++taken < 0 });
    socket.on('data', (chunk: Buffer) => {
      passed += chunk.toString('latin1');
    });
    client.write('first,');
    await waitFor(() => passed === 'first,', { what: 'the first piece' });
    socket.pause();
    const large = Array.from({ length: 60_000 }, (_, n) => `${n},`).join('');
    client.write(large);
    await waitFor(() => client.bytesWritten > large.length / 4, { what: 'the rest to be on its way' });
    expect(passed).toBe('first,');
    socket.resume();
    await waitFor(() => passed.length === 6 + large.length, { what: 'all the rest' });
    expect(passed).toBe(`first,${large}`);
    expect(taken).toBeGreaterThan(2);
  });
});
