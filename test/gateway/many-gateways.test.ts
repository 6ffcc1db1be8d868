import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { deviceIdOf } from '../../core/identity.ts';
import {
  COMMAND_HEADERS,
  commandDomain,
  commandMessage,
  MANAGER_COMMAND_TYPES,
  type ManagerCommand,
} from '../../core/manager-command.ts';
import type { RunningGateway } from '../../ocpp-gateway/gateway.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';
import { connectCharger, MANAGER, type RawCharger, readEvents } from './support.ts';
import { sourcesOfTwo, startOneOfTwo } from './two-gateways.ts';

describe('gateways of one network', () => {
  let redis: TestRedis;
  let one: RunningGateway;
  let other: RunningGateway;
  const sources = sourcesOfTwo();
  const { network } = sources.registry;

  beforeAll(async () => {
    redis = await startRedis();
    one = await startOneOfTwo(redis.url, 0, sources);
    other = await startOneOfTwo(redis.url, 1, sources, { CALL_TIMEOUT_MS: '1500' });
  });
  afterAll(async () => {
    await one.close();
    await other.close();
    await redis.close();
  });

  const command = async (gateway: RunningGateway, charger: string, instead: { nonce?: string; sent?: string } = {}) => {
    const deadlineSec = Math.floor(Date.now() / 1000) + 60;
    const nonce = instead.nonce ?? `0x${randomBytes(32).toString('hex')}`;
    const signed: ManagerCommand = { charger, action: 'Reset', payload: '{"type":"Soft"}', nonce, deadlineSec };
    const message = commandMessage(signed);
    const response = await fetch(`http://127.0.0.1:${gateway.port}/v1/chargers/${charger}/commands/Reset`, {
      method: 'POST',
      headers: {
        [COMMAND_HEADERS.signature]: await MANAGER.signTypedData(
          commandDomain(network),
          MANAGER_COMMAND_TYPES,
          message,
        ),
        [COMMAND_HEADERS.nonce]: nonce,
        [COMMAND_HEADERS.deadline]: String(deadlineSec),
      },
      body: instead.sent ?? signed.payload,
    });
    const body = await response.text();
    return `${response.status} ${body.startsWith('{"error"') ? JSON.parse(body).error.code : body}`;
  };
  const nthCall = (charger: RawCharger, n: number) =>
    waitFor(() => charger.received.filter((text) => text.startsWith('[2,'))[n - 1], {
      what: 'a call to reach the charger',
    });
  const answerNext = async (charger: RawCharger, n = 1) => {
    const call = await nthCall(charger, n);
    charger.send(`[3,"${JSON.parse(call)[1]}",{ "status":"Accepted" }]`);
  };
  /** Until the charger's gateway is on record. */
  const known = async (identity: string) => {
    const client = new Redis(redis.url);
    const held = () => client.hget(`bull:holders:${network}`, deviceIdOf(identity));
    await waitFor(held, { what: 'the holder to be on record' });
    await client.quit();
  };

  it('pass a command on to the one that holds the charger, and its answer back', async () => {
    const charger = await connectCharger(other.port, 'CPfar');
    await known('CPfar');
    void answerNext(charger);
    expect(await command(one, 'CPfar')).toBe('200 { "status":"Accepted" }');
    expect(await command(one, 'CPfar')).toBe('504 SILENT');
    expect(await command(one, 'CPfar', { sent: '{"type":"Hard"}' })).toBe('403 NOT_MANAGER');
    await charger.close();
    await waitFor(() => !other.chargers().includes('CPfar'), { what: 'the charger to be gone' });
    await waitFor(async () => (await command(one, 'CPfar')) === '404 NOT_CONNECTED', { what: 'nobody to hold it' });
  });

  it('wait, when one of them goes, for what it has passed on, and for what was passed on to it', async () => {
    const charger = await connectCharger(other.port, 'CPout');
    await known('CPout');
    for (const [n, goes] of [one, other].entries()) {
      const reply = command(one, 'CPout');
      await nthCall(charger, n + 1);
      const closed = goes.close();
      await answerNext(charger, n + 1);
      expect(await reply).toBe('200 { "status":"Accepted" }');
      await closed;
      if (goes === one) one = await startOneOfTwo(redis.url, 0, sources);
      else other = await startOneOfTwo(redis.url, 1, sources, { CALL_TIMEOUT_MS: '1500' });
    }
    expect((await charger.closed).code).toBe(1001);
  });

  it('use a nonce once among them', async () => {
    const nonce = `0x${randomBytes(32).toString('hex')}`;
    const charger = await connectCharger(other.port, 'CPnonce');
    await known('CPnonce');
    void answerNext(charger);
    expect(await command(one, 'CPnonce', { nonce })).toMatch(/^200 /);
    expect(await command(other, 'CPnonce', { nonce })).toBe('409 NONCE_USED');
    expect(await command(one, 'CPnonce', { nonce })).toBe('409 NONCE_USED');
    await charger.close();
  });

  it('say that a charger is not connected whose gateway is gone without a word', async () => {
    const client = new Redis(redis.url);
    await client.hset(`bull:holders:${network}`, deviceIdOf('CPlost'), `${Date.now()} gone-gateway`);
    await client.quit();
    expect(await command(one, 'CPlost')).toBe('404 NOT_CONNECTED');
  });

  it('keep the newer connection of a charger that comes to another one', async () => {
    const first = await connectCharger(one.port, 'CPmoves');
    await first.call('a', 'Heartbeat', {});
    const second = await connectCharger(other.port, 'CPmoves');
    expect(await first.closed).toEqual({ code: 1008, reason: 'replaced by a newer connection' });
    await second.call('b', 'Heartbeat', {});
    const third = await connectCharger(one.port, 'CPmoves');
    expect((await second.closed).code).toBe(1008);
    await third.call('c', 'Heartbeat', {});
    expect([one.chargers().includes('CPmoves'), other.chargers().includes('CPmoves')]).toEqual([true, false]);
    await third.close();

    const told = await waitFor(
      async () => {
        const events = (await readEvents(redis.url)).filter(({ charger }) => charger === 'CPmoves');
        return events.length === 9 && events;
      },
      { what: 'the events of three connections' },
    );
    const byEpoch = Map.groupBy(told, ({ epoch }) => epoch);
    const story = [...byEpoch].sort(([a], [b]) => a - b).map(([, events]) => events.map(({ kind }) => kind));
    expect(story).toEqual([
      ['open', 'call', 'close'],
      ['open', 'call', 'close'],
      ['open', 'call', 'close'],
    ]);
  });

  it('leave a charger to the others when one of them goes, and commands find it there', async () => {
    const charger = await connectCharger(one.port, 'CPdrained');
    await known('CPdrained');
    const closed = one.close();
    expect(await charger.closed).toEqual({ code: 1001, reason: 'gateway is going away' });
    await closed;
    const back = await connectCharger(other.port, 'CPdrained');
    one = await startOneOfTwo(redis.url, 0, sources);
    await known('CPdrained');
    void answerNext(back);
    expect(await command(one, 'CPdrained')).toBe('200 { "status":"Accepted" }');
    await back.close();
  });
});
