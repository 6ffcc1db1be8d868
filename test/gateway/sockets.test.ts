import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { WebSocket } from 'ws';
import type { RunningGateway } from '../../ocpp-gateway/gateway.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';
import { clientFrame } from './client-frame.ts';
import { checkPartedMessages } from './parted-messages.ts';
import { basicAuth, connectCharger, otherSources, readEvents, startTestGateway } from './support.ts';

describe('a gateway, against what sockets do', () => {
  let redis: TestRedis;
  let gateway: RunningGateway;
  /** What the gateway warned of. */
  const warnings: Record<string, unknown>[] = [];

  beforeAll(async () => {
    redis = await startRedis();
    const env = {
      MAX_MESSAGES_PER_SEC: '100',
      MAX_BAD_MESSAGES: '20',
      MAX_MESSAGE_BYTES: '4096',
      MAX_CALLS_IN_FLIGHT: '4',
    };
    const log = pino({ level: 'warn' }, { write: (line) => void warnings.push(JSON.parse(line)) });
    gateway = await startTestGateway(redis.url, env, {}, log);
  });
  afterAll(async () => {
    await gateway.close();
    await redis.close();
  });

  it('keeps the newer of two sockets of one identity, and the older one’s end does not deregister it', async () => {
    const older = await connectCharger(gateway.port, 'CPtwice');
    await older.call('1', 'Heartbeat', {});
    const newer = await connectCharger(gateway.port, 'CPtwice');
    expect(await older.closed).toEqual({ code: 1008, reason: 'replaced by a newer connection' });
    expect(gateway.chargers()).toEqual(['CPtwice']);
    expect((await newer.call('2', 'Heartbeat', {}))[0]).toBe(3);
    const events = (await readEvents(redis.url)).filter(({ charger }) => charger === 'CPtwice');
    const epochs = [...new Set(events.map(({ epoch }) => epoch))].sort();
    expect(events.map(({ epoch, seq, kind }) => [epochs.indexOf(epoch), seq, kind])).toEqual([
      [0, 0, 'open'],
      [0, 1, 'call'],
      [0, 2, 'close'],
      [1, 0, 'open'],
      [1, 1, 'call'],
    ]);
    await newer.close();
    await waitFor(() => gateway.chargers().length === 0, { what: 'the charger to be gone' });
  });

  it('cuts off an older socket that hangs half open', async () => {
    const older = await connectCharger(gateway.port, 'CPhang');
    older.socket.pause();
    const newer = await connectCharger(gateway.port, 'CPhang');
    expect((await newer.call('1', 'Heartbeat', {}))[0]).toBe(3);
    await newer.close();
    await waitFor(() => gateway.chargers().length === 0, { what: 'the charger to be gone' });
    older.socket.resume();
    await older.closed;
  });

  it('survives many sockets of one identity at once and keeps one', async () => {
    const sockets = await Promise.all(Array.from({ length: 20 }, () => connectCharger(gateway.port, 'CPstorm')));
    await waitFor(() => sockets.filter(({ socket }) => socket.readyState === WebSocket.OPEN).length === 1, {
      what: 'one socket to be left',
    });
    const left = sockets.find(({ socket }) => socket.readyState === WebSocket.OPEN);
    expect((await left?.call('1', 'Heartbeat', {}))?.[0]).toBe(3);
    await left?.close();
  });

  it('closes the socket of a message that is too large, with 1009, warns of it with the limit, and closes no other', async () => {
    const good = await connectCharger(gateway.port, 'CPgood');
    const bad = await connectCharger(gateway.port, 'CPlarge');
    bad.send('x'.repeat(4_097));
    expect((await bad.closed).code).toBe(1009);
    expect(warnings).toContainEqual(
      expect.objectContaining({ chargerId: 'CPlarge', maxMessageBytes: 4_096, msg: 'message too large' }),
    );
    expect((await good.call('1', 'Heartbeat', {}))[0]).toBe(3);
    await good.close();
  });

  it('closes the socket of a message that is no UTF-8, with 1007', async () => {
    const bad = await connectCharger(gateway.port, 'CPutf8');
    bad.socket.send(Buffer.from('c328', 'hex'), { binary: false });
    expect((await bad.closed).code).toBe(1007);
  });

  it('answers a binary message with a CALLERROR', async () => {
    const bad = await connectCharger(gateway.port, 'CPbinary');
    bad.socket.send(Buffer.from('[2,"1","Heartbeat",{}]'));
    expect(await bad.answerTo('-1')).toEqual([4, '-1', 'FormationViolation', 'a frame must be text', {}]);
    await bad.close();
  });

  it('closes the socket of one who sends only garbage, with 1002, and no other', async () => {
    const good = await connectCharger(gateway.port, 'CPgood');
    const bad = await connectCharger(gateway.port, 'CPgarbage');
    bad.send(...Array.from({ length: 21 }, () => 'garbage'));
    expect(await bad.closed).toEqual({ code: 1002, reason: 'too many malformed frames' });
    expect((await good.call('1', 'Heartbeat', {}))[0]).toBe(3);
    await good.close();
  });

  it('bears garbage between good messages for as long as it likes', async () => {
    const charger = await connectCharger(gateway.port, 'CPmixed');
    for (let i = 0; i < 5; i++) {
      charger.send(...Array.from({ length: 15 }, () => '{'));
      await charger.call(`${i}`, 'Heartbeat', {});
    }
    await charger.close();
  });

  it('takes late answers to calls it never sent as bad frames, without answering them', async () => {
    const charger = await connectCharger(gateway.port, 'CPlate');
    charger.send(...Array.from({ length: 5 }, () => [3, 'nobody', {}]), [4, 'nobody', 'GenericError', '', {}]);
    await charger.call('1', 'Heartbeat', {});
    expect(charger.received).toHaveLength(1);
    await charger.close();
  });

  it('closes the socket of a flood, with 1008, and no other', async () => {
    const good = await connectCharger(gateway.port, 'CPgood');
    const bad = await connectCharger(gateway.port, 'CPflood');
    for (let i = 0; i < 3_000; i++) bad.socket.send(`[2,"${i}","Heartbeat",{}]`);
    expect(await bad.closed).toEqual({ code: 1008, reason: 'too many messages' });
    expect((await good.call('1', 'Heartbeat', {}))[0]).toBe(3);
    await good.close();
  });

  it('closes the socket of one who sends more bytes than it may, with 1008, and lets it send no more on the next', async () => {
    const narrow = await startTestGateway(
      redis.url,
      { MAX_BYTES_PER_SEC: '1024', MAX_MESSAGE_BYTES: '131072' },
      { sources: otherSources() },
    );
    const good = await connectCharger(narrow.port, 'CPgood');
    const bad = await connectCharger(narrow.port, 'CPbytes');
    // 64 s of 1,024 bytes hold one largest message, of 131,072 bytes, and no more.
    const data = (bytes: number) => `[2,"1","DataTransfer",{"vendorId":"x","data":"${'ä'.repeat(bytes / 2)}"}]`;
    bad.send(data(100_000));
    expect((await bad.answerTo('1'))[0]).toBe(3);
    bad.socket.send(Buffer.alloc(20_000));
    expect((await bad.answerTo('-1'))[0]).toBe(4);
    bad.send(data(30_000));
    expect(await bad.closed).toEqual({ code: 1008, reason: 'too many bytes' });
    const again = await connectCharger(narrow.port, 'CPbytes');
    again.send(data(30_000));
    expect(await again.closed).toEqual({ code: 1008, reason: 'too many bytes' });
    expect((await good.call('1', 'Heartbeat', {}))[0]).toBe(3);
    const page = await (await fetch(`http://127.0.0.1:${narrow.adminPort}/metrics`)).text();
    expect(page).toContain('devsen_gateway_bad_frames_total{what="flood"} 2');
    await good.close();
    await narrow.close();
  });

  it('reads no further where as many calls are in flight as may be, and answers every one of them in the end', async () => {
    const charger = await connectCharger(gateway.port, 'CPpipe');
    const other = await connectCharger(gateway.port, 'CPother');
    await Promise.all([charger, other].map((each) => each.call('first', 'Heartbeat', {})));
    charger.received.length = 0;
    await waitFor(() => gateway.health().pendingEvents === 0, { what: 'all before to be in Redis' });
    redis.pause();
    // What came in one read with the last call that may be in flight is taken in yet: 64 KiB, or 16 calls, at most.
    const payload = JSON.stringify({ vendorId: 'x', data: 'x'.repeat(4_000) });
    for (let i = 0; i < 200; i++) charger.socket.send(`[2,"${i}","DataTransfer",${payload}]`);
    await waitFor(() => gateway.health().pendingEvents >= 4, { what: 'the bound to be reached' });
    // Each time around it would have read the charger's socket as well.
    for (let i = 0; i < 30; i++) {
      const ponged = once(other.socket, 'pong');
      other.socket.ping();
      await ponged;
    }
    expect(gateway.health().pendingEvents).toBeLessThanOrEqual(4 + 16);
    expect(charger.received).toHaveLength(0);
    redis.resume();
    await charger.answerTo('199');
    await other.close();
    expect(charger.received.map((text) => JSON.parse(text)[1])).toEqual(Array.from({ length: 200 }, (_, i) => `${i}`));
    await charger.close();
  });

  it('takes in each message once and in order, however its bytes are parted and whatever frames are among them', async () => {
    await checkPartedMessages(await connectCharger(gateway.port, 'CPparted'));
  });

  it('does not take for a message what only looks like one within another', async () => {
    const charger = await connectCharger(gateway.port, 'CPwithin');
    const { _socket: tcp } = charger.socket as unknown as { _socket: Socket };
    tcp.setNoDelay();
    const inner = clientFrame(Buffer.alloc(26, '.'), Buffer.alloc(4, 0xc1));
    const outerMask = Buffer.alloc(4, 0xa0);
    const data = inner.map((byte) => byte ^ 0xa0).toString();
    const outer = clientFrame(Buffer.from(`[2,"1","DataTransfer",{"vendorId":"v","data":"${data}"}]`), outerMask);
    const at = outer.indexOf(inner);
    expect(at).toBeGreaterThan(0);
    const first = clientFrame(Buffer.from(`${data}x`), outerMask);
    // Its second byte and those after it are an empty text.
    const short = clientFrame(Buffer.from('a'), Buffer.from([0x80, 0xe1, 0xe1, 0xe1]));
    const pieces = [
      ...[outer.subarray(0, at), inner, outer.subarray(at + inner.length)],
      ...[first.subarray(0, 6), inner, first.subarray(6 + inner.length)],
      ...[short.subarray(0, 1), short.subarray(1)],
    ];
    for (const piece of pieces) {
      tcp.write(piece);
      // Until it has most likely come by itself.
      for (let n = 0; n < 20; n++) await nextTurn();
    }
    charger.send([2, '2', 'Heartbeat', {}]);
    await charger.answerTo('2');
    expect(charger.received.map((text) => JSON.parse(text)[1]).toSorted()).toEqual(['-1', '-1', '1', '2']);
    await charger.close();
  });

  it('does not lose a message that comes in the same segment as the upgrade request', async () => {
    const socket = connectTcp(gateway.port, '127.0.0.1');
    const frame = clientFrame(Buffer.from('[2,"early","Heartbeat",{}]'), Buffer.from([1, 2, 3, 4]));
    const request = [
      'GET /CPearly HTTP/1.1',
      'Host: x',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Protocol: ocpp1.6',
      `Authorization: ${basicAuth('CPearly')}`,
      '',
      '',
    ].join('\r\n');
    let received = '';
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
    });
    socket.write(Buffer.concat([Buffer.from(request), frame]));
    await waitFor(() => received.includes('[3,"early",{"currentTime":'), { what: 'the answer to the early frame' });
    socket.destroy();
    await waitFor(() => !gateway.chargers().includes('CPearly'), { what: 'the charger to be gone' });
  });

  it('notices a charger of which nothing is heard, not one that answers pings or talks, nor one that it does not read', async () => {
    const limits = { PING_INTERVAL_SEC: '1', MAX_CALLS_IN_FLIGHT: '2' };
    const quick = await startTestGateway(redis.url, limits, { sources: otherSources() });
    const mute = await connectCharger(quick.port, 'CPmute', { autoPong: false });
    const alive = await connectCharger(quick.port, 'CPalive');
    let pings = 0;
    alive.socket.on('ping', () => pings++);
    const talker = await connectCharger(quick.port, 'CPtalker', { autoPong: false });
    let said = 0;
    talker.socket.on('ping', () => talker.send([2, `${said++}`, 'NoSuchAction', {}]));
    const waiting = await connectCharger(quick.port, 'CPwaiting');
    await Promise.all([alive, talker, waiting].map((charger) => charger.call('first', 'Heartbeat', {})));
    redis.pause();
    waiting.send([2, '1', 'DataTransfer', { vendorId: 'v' }], [2, '2', 'DataTransfer', { vendorId: 'v' }]);
    expect((await mute.closed).code).toBe(1006);
    // Each of the others is due three times between four pings of one.
    const before = pings;
    await waitFor(() => pings >= before + 4, { what: 'four pings' });
    redis.resume();
    await waiting.answerTo('2');
    await waitFor(() => quick.chargers().length < 4, { what: 'the mute charger to be gone' });
    expect(quick.chargers().toSorted()).toEqual(['CPalive', 'CPtalker', 'CPwaiting']);
    expect(said).toBeGreaterThan(2);
    await Promise.all([alive, talker, waiting].map((charger) => charger.close()));
    await quick.close();
  });
});
