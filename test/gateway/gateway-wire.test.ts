import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { makeCommandRelay } from '../../ocpp-gateway/command-relay.ts';
import { type GatewayWire, openGatewayWire } from '../../ocpp-gateway/gateway-wire.ts';
import { connectRedis } from '../../ocpp-gateway/redis.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';
import { openRedisProxy, type RedisProxy } from './redis-proxy.ts';
import { silentLog } from './support.ts';

const SOON_MS = 10_000;

describe('the wire between gateways', () => {
  let server: TestRedis;
  let proxy: RedisProxy;
  let redis: Redis;
  /** Sends nothing again after a break. */
  let impatient: Redis;
  let wires: [GatewayWire, GatewayWire, GatewayWire];
  const heard: string[] = [];

  beforeAll(async () => {
    server = await startRedis();
    proxy = await openRedisProxy(server.port, 'publish');
    redis = connectRedis(proxy.url, 'test', silentLog);
    impatient = redis.duplicate({ maxRetriesPerRequest: 0 });
    const both = () => [redis, impatient].every(({ status }) => status === 'ready');
    await waitFor(both, { what: 'the connections' });
    const open = (by: Redis) => openGatewayWire(by, 'network', 'bull', silentLog);
    wires = [await open(redis), await open(impatient), await open(redis)];
    wires[2].on('question', async (body) => {
      heard.push(body);
      return `answer to ${body}`;
    });
  });
  afterAll(async () => {
    for (const wire of wires) wire.close();
    for (const one of [redis, impatient]) one.disconnect();
    await proxy.close();
    await server.close();
  });

  it('brings a question once, though its sending is repeated after a break, and the answer back', async () => {
    proxy.plan(['lose-reply']);
    expect(await wires[0].ask(wires[2].name, 'question', 'a', SOON_MS)).toEqual({ text: 'answer to a' });
    await waitFor(() => redis.status === 'ready', { what: 'the connection to be back' });
    expect(await wires[0].ask(wires[2].name, 'question', 'b', SOON_MS)).toEqual({ text: 'answer to b' });
    expect(heard).toEqual(['a', 'b']);
  });

  it('is not waited on for a command longer than it may take after its deadline, where the holder has died', async () => {
    wires[2].on('manager-command', () => new Promise<never>(() => {}));
    const relay = makeCommandRelay({
      holders: { elsewhere: async () => wires[2].name },
      wire: wires[0],
      timeoutMs: 60_000,
      afterDeadlineMs: 100,
      now: () => 1_000,
    });
    const command = { identity: 'CP1', action: 'Reset', headers: {}, body: Buffer.from('{}') };
    expect(await relay.forward(command, 1_050)).toMatchObject({ status: 504 });
  });

  it('takes a gateway for gone where nobody hears the question, and not where Redis is away', async () => {
    expect(await wires[1].ask('nobody', 'question', 'c', SOON_MS)).toBe('gone');
    proxy.plan(['lose-request']);
    await expect(wires[1].ask(wires[2].name, 'question', 'd', SOON_MS)).rejects.toMatchObject({
      code: 'REDIS_UNAVAILABLE',
    });
  });
});
