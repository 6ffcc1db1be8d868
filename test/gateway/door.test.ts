import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { addressKey } from '../../ocpp-gateway/address-key.ts';
import { makeDoorLimits } from '../../ocpp-gateway/door-limits.ts';
import type { RunningGateway } from '../../ocpp-gateway/gateway.ts';
import { makeWaitingRoom } from '../../ocpp-gateway/waiting-room.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';
import { connectCharger, HttpRefusal, otherSources, refusalOf, startTestGateway } from './support.ts';

describe('the limits at the door', () => {
  const start = (failuresPerMin: number, connectsPerMin = 3, countsUntold = true) => {
    let nowMs = 1_000;
    const limits = makeDoorLimits({ failuresPerMin, countsUntold, connectsPerMin, now: () => nowMs });
    const fail = (times: number, address: string | undefined, identity: string) => {
      for (let i = 0; i < times; i++) limits.failed(address, identity);
    };
    return { limits, fail, pass: (ms: number) => (nowMs += ms) };
  };

  it('bar an address after so many failures, and let one more be tried when its share of a minute has passed', () => {
    const { limits, fail, pass } = start(60);
    for (let i = 0; i < 60; i++) {
      expect(limits.isBarred('10.0.0.1', `CP${i}`)).toBe(false);
      limits.failed('10.0.0.1', `CP${i}`);
    }
    expect(limits.isBarred('10.0.0.1', 'CPnew')).toBe(true);
    expect(limits.isBarred('10.0.0.2', 'CPnew')).toBe(false);
    pass(1_000);
    expect(limits.isBarred('10.0.0.1', 'CPnew')).toBe(false);
    fail(1, '10.0.0.1', 'CPnew');
    expect(limits.isBarred('10.0.0.1', 'CPnew')).toBe(true);
  });

  it('bar one charger’s name at one address before that, and nowhere else: nobody locks another out', () => {
    const { limits, fail } = start(60);
    fail(10, '10.0.0.66', 'CPvictim');
    expect(limits.isBarred('10.0.0.66', 'CPvictim')).toBe(true);
    expect(limits.isBarred('10.0.0.66', 'CPneighbour')).toBe(false);
    expect(limits.isBarred('10.0.0.1', 'CPvictim')).toBe(false);
  });

  it('count an IPv6 network as one address, and an IPv4 address in IPv6 as what it is', () => {
    const { limits, fail } = start(60);
    for (let i = 1; i <= 60; i++) fail(1, `2001:db8:0:7::${i.toString(16)}`, `CP${i}`);
    expect(limits.isBarred('2001:db8:0:7:1234:5678:9abc:def0', 'CP1')).toBe(true);
    expect(limits.isBarred('2001:db8:0:8::1', 'CP1')).toBe(false);
    fail(60, '::ffff:10.0.0.1', 'CP2');
    expect(limits.isBarred('10.0.0.1', 'CP3')).toBe(true);
    expect(limits.isBarred('::ffff:10.0.0.2', 'CP3')).toBe(false);
    expect(['::1', 'fe80::1%eth0', '1::', '1:2:3:4:5:6:7:8', '::ffff:a00:1', 'x'].map(addressKey)).toEqual([
      '0:0:0:0::/64',
      'fe80:0:0:0::/64',
      '1:0:0:0::/64',
      '1:2:3:4::/64',
      '10.0.0.1',
      'x',
    ]);
  });

  it('bar a name, and then all that never came in, where addresses are not known', () => {
    const { limits, fail, pass } = start(60);
    expect(limits.mayEnter('CPknown')).toBe(true);
    fail(60, undefined, 'CP1');
    expect(limits.isBarred(undefined, 'CP1')).toBe(true);
    expect(limits.isBarred(undefined, 'CP2')).toBe(false);
    fail(1_000, undefined, 'CPknown');
    expect(limits.isBarred(undefined, 'CP2')).toBe(false);
    for (let i = 0; i < 19; i++) fail(60, undefined, `CPguessed${i}`);
    expect(limits.isBarred(undefined, 'CP2')).toBe(true);
    expect(limits.isBarred(undefined, 'CPknown')).toBe(false);
    expect(limits.isBarred('10.0.0.1', 'CP2')).toBe(false);
    pass(1_000);
    expect(limits.isBarred(undefined, 'CP2')).toBe(false);
  });

  it('are let off by chargers that came in before the process began, and by managers', () => {
    const { limits, fail } = start(60);
    limits.cameInBefore(['CPold']);
    for (let i = 0; i < 21; i++) fail(60, undefined, `CPguessed${i}`);
    expect([limits.isBarred(undefined, 'CPold'), limits.isBarred(undefined, 'CPnew')]).toEqual([false, true]);
    const commands = start(60, 3, false);
    commands.fail(5_000, undefined, 'CP1');
    expect(commands.limits.isBarred(undefined, 'CP1')).toBe(false);
    commands.fail(60, '10.0.0.1', 'CP1');
    expect(commands.limits.isBarred('10.0.0.1', 'CP1')).toBe(true);
  });

  it('hold nothing against anybody if switched off', () => {
    const off = start(0, 0);
    off.fail(1_000, '10.0.0.1', 'CP1');
    expect(off.limits.isBarred('10.0.0.1', 'CP1')).toBe(false);
    for (let i = 0; i < 1_000; i++) expect(off.limits.mayEnter('CP1')).toBe(true);
  });

  it('let a charger in so often per minute, and another no less', () => {
    const { limits, pass } = start(60, 3);
    expect([1, 2, 3, 4].map(() => limits.mayEnter('CP1'))).toEqual([true, true, true, false]);
    expect(limits.mayEnter('CP2')).toBe(true);
    pass(20_000);
    expect([1, 2].map(() => limits.mayEnter('CP1'))).toEqual([true, false]);
  });

  it('remember a bounded number of addresses, those seen last', () => {
    const { limits, fail } = start(1);
    for (let i = 0; i < 20_001; i++) fail(1, `a${i}`, 'CP1');
    expect(limits.isBarred('a0', 'CP1')).toBe(false);
    expect(limits.isBarred('a1', 'CP1')).toBe(true);
    expect(limits.isBarred('a20000', 'CP1')).toBe(true);
  });
});

describe('the waiting room', () => {
  it('takes an IPv6 network for one address', () => {
    const room = makeWaitingRoom(3, 1);
    expect(room.enter('s1', '2001:db8::1')).toBe(true);
    expect(room.enter('s2', '2001:db8::2')).toBe(false);
    expect(room.enter('s2', '2001:db8:0:1::2')).toBe(true);
    room.leave('s1');
    expect(room.enter('s3', '2001:db8::2')).toBe(true);
  });

  it('has room for so many, of one address for fewer, and again when one has left', () => {
    const room = makeWaitingRoom(3, 2);
    expect(room.enter('s1', 'a')).toBe(true);
    expect(room.enter('s2', 'a')).toBe(true);
    expect(room.enter('s3', 'a')).toBe(false);
    expect(room.enter('s4', 'b')).toBe(true);
    expect(room.enter('s5', 'c')).toBe(false);
    room.leave('s1');
    room.leave('s1');
    room.leave('s5');
    expect(room.size).toBe(2);
    expect(room.enter('s3', 'a')).toBe(true);
    for (const socket of ['s2', 's3', 's4']) room.leave(socket);
    expect(room.size).toBe(0);
  });
});

describe('a gateway, under those who knock all the time', () => {
  let redis: TestRedis;
  let gateway: RunningGateway;

  beforeAll(async () => {
    redis = await startRedis();
    const startedAtMs = Date.now();
    gateway = await startTestGateway(
      redis.url,
      { TRUST_FORWARDED_FOR: 'true', MAX_FAILURES_PER_MIN: '12', MAX_CONNECTS_PER_MIN: '5' },
      // However long the attempts take, none is forgiven.
      { now: () => startedAtMs },
    );
  });
  afterAll(async () => {
    await gateway.close();
    await redis.close();
  });
  const from = (address: string, key?: string) => ({
    headers: { 'x-forwarded-for': `1.2.3.4, ${address}` },
    ...(key === undefined ? {} : { key }),
  });

  it('hears no more of an address that only fails, and all others', async () => {
    for (let i = 0; i < 6; i++) await refusalOf(gateway.port, `stranger${i}`, from('10.0.0.1'));
    for (let i = 0; i < 6; i++) {
      expect(await refusalOf(gateway.port, `CP${i}`, from('10.0.0.1', 'wrong'))).toBe('401 wrong key');
    }
    const refusal = await connectCharger(gateway.port, 'CP1', from('10.0.0.1')).catch((error) => error);
    expect(refusal).toBeInstanceOf(HttpRefusal);
    expect(refusal.message).toBe('429 too many failed attempts');
    expect(refusal.headers['retry-after']).toBe('60');
    await (await connectCharger(gateway.port, 'CP1', from('10.0.0.2'))).close();
  });

  it('puts a charger off that comes back all the time', async () => {
    for (let i = 0; i < 5; i++) await (await connectCharger(gateway.port, 'CPflap')).close();
    expect(await refusalOf(gateway.port, 'CPflap')).toBe('429 connects too often');
    await (await connectCharger(gateway.port, 'CPcalm')).close();
  });

  it('closes those that are too many to wait, cuts off those that say nothing, and lets chargers in after that', async () => {
    const limits = { MAX_WAITING: '20', AUTH_TIMEOUT_MS: '500' };
    const small = await startTestGateway(redis.url, limits, { sources: otherSources() });
    const idle = Array.from({ length: 30 }, () => {
      const socket = connectTcp(small.port, '127.0.0.1');
      socket.on('error', () => {});
      socket.resume();
      return once(socket, 'close');
    });
    await Promise.all(idle);
    const metrics = await (await fetch(`http://127.0.0.1:${small.adminPort}/metrics`)).text();
    expect(metrics).toMatch(/^devsen_gateway_refused_total\{reason="too many waiting"\} ([1-9]\d*)/m);
    await waitFor(
      async () => {
        const charger = await connectCharger(small.port, 'CPafter').catch(() => undefined);
        await charger?.close();
        return charger !== undefined;
      },
      { what: 'a charger to be let in' },
    );
    await small.close();
  });
});
