import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { sendCommand } from '../../network/command.ts';
import type { RunningGateway } from '../../ocpp-gateway/gateway.ts';
import { startGateway } from '../../ocpp-gateway/gateway.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';
import {
  connectCharger,
  MANAGER,
  memorySources,
  OPERATORS,
  readEvents,
  refusalOf,
  silentLog,
  startTestGateway,
  testSettings,
} from './support.ts';

describe('a gateway whose Redis goes away', () => {
  let redis: TestRedis;
  let gateway: RunningGateway | undefined;

  beforeEach(async () => {
    redis = await startRedis();
  });
  afterEach(async () => {
    await gateway?.close();
    gateway = undefined;
    await redis.close();
  });

  const untilGreen = () =>
    waitFor(() => gateway?.health().status === 'green', { what: 'the gateway to be healthy again', timeoutMs: 60_000 });

  it('answers nothing meanwhile, and afterwards has every message it answered, once and in order', async () => {
    gateway = await startTestGateway(redis.url, {}, { outbox: { retryMs: 100 } });
    const { port } = gateway;
    const chargers = await Promise.all(Array.from({ length: 10 }, (_, i) => connectCharger(port, `CP${i}`)));
    await Promise.all(chargers.map((charger) => charger.call('before', 'Heartbeat', {})));
    await redis.kill9();
    for (const charger of chargers) charger.send([2, 'during', 'DataTransfer', { vendorId: 'v' }]);
    await waitFor(() => gateway?.health().problems.includes('outbox is not ready'), { what: 'the gateway to be red' });
    expect(chargers.map(({ received }) => received.length)).toEqual(chargers.map(() => 1));
    expect(await refusalOf(port, 'CPlate')).toBe('503 gateway is not ready');
    await redis.restart();
    await Promise.all(chargers.map((charger) => charger.answerTo('during')));
    await untilGreen();
    await Promise.all(chargers.map((charger) => charger.call('after', 'Heartbeat', {})));
    for (const operator of OPERATORS) {
      const events = await readEvents(redis.url, operator);
      for (const [i, charger] of chargers.entries()) {
        const own = events.filter((event) => event.charger === `CP${i}` && event.kind === 'call');
        expect(own.map(({ frame }) => JSON.parse(frame)[1])).toEqual(['before', 'during', 'after']);
        expect(own.map(({ reply }) => reply)).toEqual(charger.received);
      }
    }
    await Promise.all(chargers.map((charger) => charger.close()));
  });

  it('does not say that a charger is not connected whose gateway it cannot ask for', async () => {
    gateway = await startTestGateway(redis.url);
    const place = {
      gatewayUrl: `http://127.0.0.1:${gateway.port}`,
      network: memorySources().registry.network,
    };
    const reset = { identity: 'CPaway', action: 'ClearCache', payload: '{}', validSec: 60 };
    expect((await sendCommand(place, MANAGER, reset)).body).toContain('NOT_CONNECTED');
    await redis.kill9();
    const { status, body } = await sendCommand(place, MANAGER, reset);
    expect([status, JSON.parse(body).error.code]).toEqual([503, 'REDIS_UNAVAILABLE']);
    await redis.restart();
    await untilGreen();
  });

  it('does not answer a StartTransaction whose id it cannot keep, and answers it when it is sent again', async () => {
    gateway = await startTestGateway(redis.url, {}, { outbox: { retryMs: 100 } });
    const charger = await connectCharger(gateway.port, 'CP1');
    await charger.call('0', 'Heartbeat', {});
    await redis.kill9();
    await waitFor(() => gateway?.health().status === 'red', { what: 'the gateway to be red' });
    const start = { connectorId: 1, idTag: 'Accepted', meterStart: 0, timestamp: '2026-03-01T12:00:00Z' };
    charger.send([2, '1', 'StartTransaction', start]);
    await redis.restart();
    await untilGreen();
    expect(charger.received).toHaveLength(1);
    expect((await charger.call('1', 'StartTransaction', start))[0]).toBe(3);
    expect((await readEvents(redis.url)).map(({ kind }) => kind)).toEqual(['open', 'call', 'call']);
    await charger.close();
  });

  it('stops reading a charger at the bound of its memory, and loses nothing that it answered', async () => {
    gateway = await startTestGateway(
      redis.url,
      { MAX_CALLS_IN_FLIGHT: '1000' },
      { outbox: { maxPendingEvents: 20, redisTimeoutMs: 20_000 } },
    );
    const charger = await connectCharger(gateway.port, 'CP1');
    await charger.call('0', 'Heartbeat', {});
    redis.pause();
    for (let i = 1; i <= 200; i++) charger.socket.send(`[2,"${i}","DataTransfer",{"vendorId":"v"}]`);
    await waitFor(() => gateway?.health().pendingEvents === 20, { what: 'the outbox to be full' });
    expect(charger.received).toHaveLength(1);
    redis.resume();
    await charger.answerTo('20');
    await untilGreen();
    expect((await charger.call('again', 'Heartbeat', {}))[0]).toBe(3);
    const recorded = (await readEvents(redis.url)).filter(({ kind }) => kind === 'call');
    expect(recorded.map(({ reply }) => reply)).toEqual(charger.received);
    await charger.close();
  });

  it('puts a boot off that it cannot record, at once, and answers no Heartbeat with a time that has passed', async () => {
    let leapMs = 0;
    const now = () => Date.now() + leapMs;
    gateway = await startTestGateway(redis.url, {}, { now, outbox: { redisTimeoutMs: 500, retryMs: 100 } });
    const charger = await connectCharger(gateway.port, 'CP1');
    const boot = { chargePointVendor: 'V', chargePointModel: 'M' };
    expect((await charger.call('1', 'BootNotification', boot))[2]).toMatchObject({ status: 'Accepted' });
    redis.pause();
    charger.send([2, 'held', 'Heartbeat', {}]);
    await waitFor(() => gateway?.health().problems.includes('outbox is not ready'), { what: 'the gateway to be red' });
    expect(await charger.call('2', 'BootNotification', boot)).toEqual([
      3,
      '2',
      { status: 'Pending', currentTime: expect.any(String), interval: 10 },
    ]);
    leapMs = 6_000;
    redis.resume();
    await untilGreen();
    expect((await charger.call('3', 'BootNotification', boot))[2]).toMatchObject({ status: 'Accepted' });
    expect((await charger.call('4', 'Heartbeat', {}))[0]).toBe(3);
    expect(charger.received.map((text) => JSON.parse(text)[1])).toEqual(['1', '2', '3', '4']);
    const events = await readEvents(redis.url);
    expect(events.slice(1).map(({ frame }) => JSON.parse(frame)[1])).toEqual(['1', 'held', '3', '4']);
    await charger.close();
  });

  it('waits at its start until Redis is there, red meanwhile, and ends the wait when told', async () => {
    await redis.kill9();
    const settings = testSettings({ REDIS_URL: redis.url, GATEWAY_ADMIN_PORT: '0' });
    const stop = new AbortController();
    const started = startGateway(settings, silentLog, { sources: memorySources(), signal: stop.signal });
    stop.abort();
    await expect(started).rejects.toMatchObject({ code: 'REDIS_UNAVAILABLE' });
    const again = startGateway(settings, silentLog, { sources: memorySources() });
    await redis.restart();
    gateway = await again;
    await untilGreen();
  });

  it('refuses to start, unless told otherwise, with a Redis that could lose what it confirmed', async () => {
    const lossy = await startRedis({ aof: false });
    const settings = testSettings({ REDIS_URL: lossy.url });
    await expect(startGateway(settings, silentLog, { sources: memorySources() })).rejects.toMatchObject({
      code: 'SETTINGS_INVALID',
      message: expect.stringContaining('appendonly no, needs yes'),
    });
    await lossy.close();
  });

  it('has every charger connect anew when Redis has lost its data, so that each is on record from its opening on', async () => {
    gateway = await startTestGateway(redis.url);
    const { port } = gateway;
    const chargers = await Promise.all(['CP1', 'CP2'].map((identity) => connectCharger(port, identity)));
    await Promise.all(chargers.map((charger) => charger.call('before', 'Heartbeat', {})));
    const client = new Redis(redis.url);
    await client.flushall();
    await client.quit();
    for (const { closed } of chargers) expect(await closed).toEqual({ code: 1012, reason: 'the record begins anew' });
    const again = await connectCharger(port, 'CP1');
    await again.call('after', 'Heartbeat', {});
    const events = (await readEvents(redis.url)).filter(({ charger }) => charger === 'CP1');
    expect(events.slice(-2).map(({ seq, kind }) => [seq, kind])).toEqual([
      [0, 'open'],
      [1, 'call'],
    ]);
    await again.close();
  });
});
