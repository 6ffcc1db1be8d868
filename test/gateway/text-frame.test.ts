import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { WebSocket, WebSocketServer } from 'ws';
import { ReadMemory, textFrame, wholeText } from '../../ocpp-gateway/text-frame.ts';
import { clientFrame } from './client-frame.ts';

describe('a text frame', () => {
  it('is written with the shortest form of its length', () => {
    expect(textFrame('[3]').toString('hex')).toBe('81035b335d');
    expect(textFrame('ä').toString('hex')).toBe('8102c3a4');
    expect(textFrame('a'.repeat(125)).subarray(0, 3).toString('hex')).toBe('817d61');
    expect(textFrame('a'.repeat(126)).subarray(0, 5).toString('hex')).toBe('817e007e61');
    expect(textFrame('a'.repeat(65_535)).subarray(0, 5).toString('hex')).toBe('817effff61');
    expect(textFrame('a'.repeat(65_536)).subarray(0, 11).toString('hex')).toBe('817f000000000001000061');
  });

  it('reaches a WebSocket client as the text it was made of, among frames of ws itself', async () => {
    const texts = ['', '[3,"1",{}]', 'é😀\u0000', 'x'.repeat(126), 'ü'.repeat(40_000), 'last'];
    const http = createServer().listen(0, '127.0.0.1');
    const server = new WebSocketServer({ noServer: true, perMessageDeflate: false });
    http.on('upgrade', (request, socket, head) => {
      server.handleUpgrade(request, socket, head, (webSocket) => {
        for (const text of texts) {
          socket.write(textFrame(text));
          webSocket.ping();
        }
        webSocket.close(1000);
      });
    });
    await once(http, 'listening');
    const client = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`);
    const heard: string[] = [];
    client.on('message', (data) => heard.push(String(data)));
    const [code] = await once(client, 'close');
    expect(heard).toEqual(texts);
    expect(code).toBe(1000);
    http.close();
    await once(http, 'close');
  });
});

/** What is read of a chunk, and what is in memory then. */
function read(chunk: Buffer, mostBytes: number) {
  const memory = new ReadMemory();
  memory.bytes.set(chunk);
  return { whole: wholeText(memory, chunk.length, mostBytes), after: memory.bytes.subarray(0, chunk.length) };
}

describe('a chunk that a client sends', () => {
  const mask = fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => Buffer.from(bytes));
  const text = fc.string({ unit: fc.constantFrom('a', '"', '\u00e9', '\u{1f600}', '\0', '\ufeff'), maxLength: 200 });

  it('is one whole text frame, and gives its text', () => {
    fc.assert(
      fc.property(text, mask, (sent, key) => {
        const payload = Buffer.from(sent);
        expect(read(clientFrame(payload, key), 1_000).whole).toEqual({ text: sent, bytes: payload.length });
      }),
    );
    const long = Buffer.alloc(65_535, 'x');
    expect(read(clientFrame(long, Buffer.from('abcd')), 65_535).whole?.text).toBe(long.toString());
  });

  it('is anything else, and is left as it is', () => {
    const notUtf8 = fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from([...bytes, 0xff]));
    const kinds = fc.constantFrom(0x01, 0x80, 0x82, 0x88, 0x89, 0x8a, 0xc1, 0x00);
    const spoilt = fc.oneof(
      fc.tuple(text, mask, kinds).map(([sent, key, kind]) => clientFrame(Buffer.from(sent), key, kind)),
      fc.tuple(text, mask, fc.nat(500)).map(([sent, key, at]) => {
        const frame = clientFrame(Buffer.from(sent), key);
        return frame.subarray(0, at % frame.length);
      }),
      fc
        .tuple(text, mask, text)
        .map(([sent, key, more]) =>
          Buffer.concat([clientFrame(Buffer.from(sent), key), clientFrame(Buffer.from(more), key)]),
        ),
      fc.tuple(notUtf8, mask).map(([payload, key]) => clientFrame(payload, key)),
      text.map((sent) => textFrame(sent)),
      mask.map((key) => clientFrame(Buffer.alloc(1_001, 'x'), key)),
    );
    fc.assert(
      fc.property(spoilt, (chunk) => {
        const { whole, after } = read(chunk, 1_000);
        expect(whole).toBeUndefined();
        expect(after.equals(chunk)).toBe(true);
      }),
    );
  });
});
