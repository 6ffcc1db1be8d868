import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { deviceIdOf } from '../../core/identity.ts';
import { type RequestApproval, sessionTag } from '../../core/request-approval.ts';
import { encodeStartParams } from '../../core/session-answers.ts';
import { makeSessionDesk, SESSION_MEMORY_MS } from '../../ocpp-gateway/session-desk.ts';
import { makeSessionStore } from '../../ocpp-gateway/session-store.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { NETWORK, silentLog } from './outbox-support.ts';

const CHARGER = 'CP-1';
const AUTHORIZE = { action: 'Authorize', payload: {} };

describe('the sessions of a charger that stays connected', () => {
  let redis: TestRedis;
  let client: Redis;

  beforeAll(async () => {
    redis = await startRedis();
    client = new Redis(redis.url);
  });
  afterAll(async () => {
    client.disconnect();
    await redis.close();
  });

  it('are let go of, here and in Redis, once they are as old as a new connection would forget them', async () => {
    let nowMs = 1_700_000_000_000;
    const desk = makeSessionDesk({
      store: makeSessionStore(client, NETWORK, 'bull', SESSION_MEMORY_MS),
      stations: () => undefined,
      versionOf: () => 'ocpp1.6',
      isOthers: async () => false,
      idleMs: 0,
      onEnd: () => {},
      log: silentLog,
      now: () => nowMs,
    });
    const open = async (number: number) => {
      const requestId = `0x${String(number).padEnd(64, '0')}`;
      const request: RequestApproval = {
        requestId,
        deviceId: deviceIdOf(CHARGER),
        query: 'start-charge',
        params: encodeStartParams(1, 1000n),
        asOfSec: Math.floor(nowMs / 1000),
      };
      await desk.open(CHARGER, request);
      return sessionTag(requestId);
    };
    const isKnown = async (tag: string) => (await desk.verdict(CHARGER, tag, AUTHORIZE)) !== undefined;
    const key = `bull:sessions:${NETWORK}:${CHARGER}`;

    desk.connected(CHARGER, 1);
    const first = await open(1);
    nowMs += SESSION_MEMORY_MS;
    const second = await open(2);
    expect([await isKnown(first), await isKnown(second)]).toEqual([true, true]);
    nowMs += 1;
    const third = await open(3);
    expect([await isKnown(first), await isKnown(second), await isKnown(third)]).toEqual([false, true, true]);
    expect((await client.hkeys(key)).sort()).toEqual([second, third].sort());
    desk.close();
  });
});
