import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AbiCoder } from 'ethers';
import { deviceIdOf } from '../../core/identity.ts';
import { sendCommand } from '../../network/command.ts';
import type { RunningGateway } from '../../ocpp-gateway/gateway.ts';
import { makeLog } from '../../runtime/log.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';
import {
  basicAuth,
  CHARGER_KEY,
  connectCharger,
  GATEWAY_KEY,
  MANAGER,
  memoryRegistry,
  memorySources,
  type RawCharger,
  refusalOf,
  startTestGateway,
} from './support.ts';
import { approvalBy, queueApprovals, sourcesOfTwo } from './two-gateways.ts';

type Line = Record<string, unknown> & { msg: string };

const NEW_KEY = 'f1e2d3c4b5a6978800112233445566778899aabb';
const CARD = 'Accepted-card-7A';
const TOKEN = 'token-of-the-admin-server';
const RPC_URL = 'http://rpc-user:rpc-password@127.0.0.1:1/rpc-path-key';
const TIMESTAMP = '2026-03-01T12:00:00Z';

describe('the log of a gateway', () => {
  const texts: string[] = [];
  const { registry, operatorSets } = sourcesOfTwo();
  const sources = {
    ...memorySources(),
    registry: memoryRegistry({ operators: [...registry.operators()] }),
    operatorSets,
  };
  const { network } = sources.registry;
  let redis: TestRedis;
  let gateway: RunningGateway;
  let charger: RawCharger;

  beforeAll(async () => {
    redis = await startRedis();
    const log = makeLog('gateway', 'trace', { write: (text) => void texts.push(text) });
    const env = { GATEWAY_ADMIN_TOKEN: TOKEN, RPC_URL, TRUST_FORWARDED_FOR: 'true' };
    gateway = await startTestGateway(redis.url, env, { sources, outbox: { retryMs: 100 } }, log);
    const headers = { 'x-forwarded-for': '203.0.113.7' };
    expect(await refusalOf(gateway.port, 'CPlogged', { key: 'a-wrong-key', headers })).toBe('401 wrong key');
    charger = await connectCharger(gateway.port, 'CPlogged');
  });
  afterAll(async () => {
    await charger.close();
    await gateway.close();
    await redis.close();
  });

  const lines = () => texts.map((text) => JSON.parse(text) as Line);
  /** What the log says where a field has a value, in order, once it has said the last of it. */
  const told = async (field: string, value: unknown, last: string): Promise<Line[]> => {
    const found = () => lines().filter((line) => line[field] === value);
    await waitFor(() => found().at(-1)?.msg === last, { what: `${last}, of ${field} ${value}` });
    return found();
  };
  /** Answers the next call; gives its message id. */
  const answerNext = async (before = charger.received.length) => {
    const call = await waitFor(() => charger.received.slice(before).find((text) => text.startsWith('[2,')), {
      what: 'a call to reach the charger',
    });
    const messageId = JSON.parse(call)[1] as string;
    charger.send([3, messageId, { status: 'Accepted' }]);
    return messageId;
  };
  const command = (action: string, payload: object) =>
    sendCommand({ gatewayUrl: `http://127.0.0.1:${gateway.port}`, network }, MANAGER, {
      identity: 'CPlogged',
      action,
      payload: JSON.stringify(payload),
      validSec: 60,
    });

  it('tells who was refused, and from where', async () => {
    const [line] = await told('msg', 'charger refused', 'charger refused');
    expect(line).toMatchObject({ chargerId: 'CPlogged', remote: '203.0.113.7', status: 401, reason: 'wrong key' });
  });

  it('tells of a transaction by its connection and its id', async () => {
    const start = { connectorId: 1, idTag: CARD, meterStart: 0, timestamp: TIMESTAMP };
    const [, , started] = await charger.call('start', 'StartTransaction', start);
    const { transactionId } = started as { transactionId: number };
    const [line] = await told('transactionId', transactionId, 'transaction started');
    const [connected] = await told('msg', 'charger connected', 'charger connected');
    expect(line).toMatchObject({ chargerId: 'CPlogged', epoch: connected?.epoch, messageId: 'start' });
    const stop = { transactionId, idTag: CARD, meterStop: 1, timestamp: TIMESTAMP };
    expect((await charger.call('stop', 'StopTransaction', stop))[0]).toBe(3);
  });

  it('tells of a command of a manager by its nonce, from the request to the wire and back', async () => {
    const answered = answerNext();
    expect((await command('ChangeConfiguration', { key: 'AuthorizationKey', value: NEW_KEY })).status).toBe(200);
    const messageId = await answered;
    const [sent] = await told('messageId', messageId, 'command answered');
    const facts = { chargerId: 'CPlogged', action: 'ChangeConfiguration', nonce: sent?.nonce };
    expect(await told('nonce', sent?.nonce, 'command is over')).toEqual([
      expect.objectContaining({ msg: 'command sent', messageId, ...facts }),
      expect.objectContaining({ msg: 'command answered', messageId, ...facts }),
      expect.objectContaining({ manager: MANAGER.address.toLowerCase(), end: 'result', status: 200, ...facts }),
    ]);
    expect((await command('Reset', { type: 'Weird' })).status).toBe(422);
    expect((await told('end', 'refused', 'command is over')).at(-1)).toMatchObject({
      chargerId: 'CPlogged',
      action: 'Reset',
      manager: MANAGER.address.toLowerCase(),
      code: 'SCHEMA',
    });
  });

  it('tells of an approved request by its id, from the approval to the wire and back', async () => {
    const request = {
      requestId: `0x${randomBytes(32).toString('hex')}`,
      deviceId: deviceIdOf('CPlogged'),
      query: 'command' as const,
      params: AbiCoder.defaultAbiCoder().encode(['string', 'string'], ['ClearCache', '{}']),
      asOfSec: Math.floor(Date.now() / 1000),
    };
    const answered = answerNext();
    await queueApprovals(redis.url, await approvalBy(0, network, request));
    await told('requestId', request.requestId, 'approval counted');
    await queueApprovals(redis.url, await approvalBy(1, network, request));
    await answered;
    const story = await told('requestId', request.requestId, 'request was carried out');
    expect(story.map(({ msg }) => msg)).toEqual([
      'approval counted',
      'approval counted',
      'request is carried out',
      'command sent',
      'command answered',
      'request was carried out',
    ]);
    for (const line of story.slice(2)) expect(line).toMatchObject({ chargerId: 'CPlogged', action: 'ClearCache' });
  });

  it('holds no secret in any of its lines, also where Redis goes and the charger is refused', async () => {
    await redis.kill9();
    await waitFor(() => lines().some(({ msg }) => msg === 'Redis connection failed'), { what: 'Redis to be missed' });
    expect(await refusalOf(gateway.port, 'CPlogged')).toMatch(/^503 /);
    await redis.restart();
    await waitFor(() => gateway.health().status === 'green', { what: 'Redis to be back', timeoutMs: 60_000 });
    await charger.close();
    const url = `http://127.0.0.1:${gateway.adminPort}/chargers`;
    await fetch(url, { headers: { authorization: `Bearer ${TOKEN}` } });
    await waitFor(() => lines().some(({ msg }) => msg === 'charger disconnected'), { what: 'the end' });

    const secrets = [CHARGER_KEY, GATEWAY_KEY, Buffer.from(NEW_KEY, 'hex')].flatMap((key) => [
      key.toString('hex'),
      key.toString('base64'),
      JSON.stringify(key.toString('latin1')).slice(1, -1),
      JSON.stringify(key.toString('utf8')).slice(1, -1),
    ]);
    const credentials = [CHARGER_KEY, CHARGER_KEY.toString('hex'), 'a-wrong-key'].map((key) => {
      return basicAuth('CPlogged', key).replace('Basic ', '');
    });
    const words = [CARD, TOKEN, 'a-wrong-key', 'aa'.repeat(16), 'rpc-password', 'rpc-path-key', '://'];
    const log = texts.join('').toLowerCase();
    expect([...secrets, ...credentials, ...words].filter((secret) => log.includes(secret.toLowerCase()))).toEqual([]);
  });
});
