import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { deviceIdOf } from '../../core/identity.ts';
import type { RunningGateway } from '../../ocpp-gateway/gateway.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';
import { postCommand } from './manager-commands.ts';
import { connectCharger, type RawCharger, readEvents } from './support.ts';
import { sourcesOfTwo, startOneOfTwo } from './two-gateways.ts';

/** A balancer that knows nothing but TCP: each connection goes to the next place that takes it. */
async function openBalancer(ports: () => number[]) {
  const sockets = new Set<Socket>();
  let turn = 0;
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).once('close', () => sockets.delete(socket));
  };
  const pass = (client: Socket, places: number[]) => {
    const [port, ...others] = places;
    if (port === undefined) return client.destroy();
    const place = connectTcp(port, '127.0.0.1');
    keep(place);
    const next = () => pass(client, others);
    place.once('error', next);
    place.once('connect', () => {
      place.off('error', next);
      client.pipe(place).pipe(client);
      client.once('close', () => place.destroy());
      place.once('close', () => client.destroy());
    });
  };
  const server = createServer((client) => {
    keep(client);
    const places = ports();
    const first = turn++ % places.length;
    pass(client, [...places.slice(first), ...places.slice(0, first)]);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

describe('gateways of one network', () => {
  let redis: TestRedis;
  let one: RunningGateway;
  let other: RunningGateway;
  const plain = sourcesOfTwo();
  const { network } = plain.registry;
  /** What a look at a card waits for. */
  let beforeVerdict = async () => {};
  const sources = {
    ...plain,
    idTags: {
      verdict: async (idTag: string) => {
        await beforeVerdict();
        return plain.idTags.verdict(idTag);
      },
    },
  };

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

  const command = async (
    gateway: { port: number },
    charger: string,
    { nonce, sent }: { nonce?: string; sent?: string } = {},
  ) => {
    const { status, body } = await postCommand(gateway.port, network, {
      charger,
      payload: '{"type":"Soft"}',
      ...(nonce === undefined ? {} : { nonce }),
      instead: sent === undefined ? {} : { body: sent },
    });
    return `${status} ${body.startsWith('{"error"') ? JSON.parse(body).error.code : body}`;
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

  it('take over a charger in the middle of a start and of what it had queued: nothing is lost, nothing doubled', async () => {
    const identity = 'CPmidway';
    const timestamp = '2026-03-01T12:00:00Z';
    const start = [2, 'start', 'StartTransaction', { connectorId: 1, idTag: 'Accepted', meterStart: 100, timestamp }];
    const meters = (transactionId: number) =>
      Array.from({ length: 20 }, (_, n) => [
        2,
        `meter ${n}`,
        'MeterValues',
        { connectorId: 1, transactionId, meterValue: [{ timestamp, sampledValue: [{ value: `${200 + n}` }] }] },
      ]);
    const asked = Promise.withResolvers<void>();
    const mayAnswer = Promise.withResolvers<void>();
    beforeVerdict = () => {
      asked.resolve();
      return mayAnswer.promise;
    };
    const first = await connectCharger(one.port, identity);
    // Of another transaction, from before; they wait behind the start.
    first.send(start, ...meters(7));
    await asked.promise;
    const second = await connectCharger(other.port, identity);
    expect((await first.closed).code).toBe(1008);
    beforeVerdict = async () => {};
    mayAnswer.resolve();
    expect(first.received).toEqual([]);

    // Back at the first one in the middle of the queue, with what was not answered.
    second.send(start);
    const [, , started] = await second.answerTo('start');
    const { transactionId } = started as { transactionId: number };
    const queued = meters(transactionId);
    second.send(...queued);
    const third = await connectCharger(one.port, identity);
    await second.closed;
    const answered = second.received.map((text) => JSON.parse(text)[1] as string);
    const left = queued.filter(([, id]) => !answered.includes(id as string));
    third.send(...left);
    const again = { ...(start[3] as object) };
    expect((await third.call('start again', 'StartTransaction', again))[2]).toEqual(started);
    const stop = { transactionId, meterStop: 300, timestamp, idTag: 'Accepted' };
    expect((await third.call('stop', 'StopTransaction', stop))[0]).toBe(3);
    await third.close();

    const events = await waitFor(
      async () => {
        const all = (await readEvents(redis.url)).filter(({ charger }) => charger === identity);
        return all.filter(({ kind }) => kind === 'close').length === 3 && all;
      },
      { what: 'the ends of three connections' },
    );
    const epochs = [...new Set(events.map(({ epoch }) => epoch))].sort((a, b) => a - b);
    const [atFirst = [], atSecond = [], atThird = []] = epochs.map((epoch) =>
      events
        .filter((event) => event.epoch === epoch)
        .map(({ kind, frame }) => (kind === 'call' ? JSON.parse(frame)[1] : kind)),
    );
    expect(atFirst).toEqual(['open', 'close']);
    expect(atThird).toEqual(['open', ...left.map(([, id]) => id), 'start again', 'stop', 'close']);
    // What is on record without an answer that came through is sent again, and is the same message by its id.
    expect(atSecond.slice(0, 2)).toEqual(['open', 'start']);
    expect(atSecond.slice(2, -1)).toEqual(queued.map(([, id]) => id).slice(0, atSecond.length - 3));
    for (const id of answered) expect([...atSecond, ...atThird].filter((one) => one === id)).toHaveLength(1);
    for (const [, id] of queued) expect([...atSecond, ...atThird]).toContain(id);
  });

  it('stand behind one address: chargers and commands go to any of them, and to the others when one goes', async () => {
    const balancer = await openBalancer(() => [one.port, other.port]);
    const identities = Array.from({ length: 6 }, (_, n) => `CPbalanced${n}`);
    const connect = async (identity: string) => {
      const charger = await connectCharger(balancer.port, identity);
      charger.socket.on('message', (data) => {
        const [type, id] = JSON.parse(String(data));
        if (type === 2) charger.send([3, id, { status: 'Accepted' }]);
      });
      await charger.call('1', 'Heartbeat', {});
      await known(identity);
      return charger;
    };
    const commandAll = () => Promise.all(identities.map((identity) => command(balancer, identity)));
    const ok = identities.map(() => '200 {"status":"Accepted"}');
    const chargers = await Promise.all(identities.map(connect));
    const here = [one, other].map((gateway) => gateway.chargers().filter((identity) => identities.includes(identity)));
    expect(here.map(({ length }) => length)).toEqual([3, 3]);
    expect(await commandAll()).toEqual(ok);

    const closed = one.close();
    const back = await Promise.all(
      identities.map(async (identity, n) => {
        const charger = chargers[n] as RawCharger;
        if (here[1]?.includes(identity)) return charger;
        await charger.closed;
        return connect(identity);
      }),
    );
    await closed;
    expect(other.chargers()).toEqual(expect.arrayContaining(identities));
    expect(await commandAll()).toEqual(ok);
    for (const charger of back) await charger.close();
    one = await startOneOfTwo(redis.url, 0, sources);
    await balancer.close();
  });
});
