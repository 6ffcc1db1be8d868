import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { WebSocket, WebSocketServer } from 'ws';
import { textFrame } from '../../ocpp-gateway/text-frame.ts';

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
