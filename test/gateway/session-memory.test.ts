import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { deviceIdOf } from '../../core/identity.ts';
import type { JsonObject } from '../../core/json.ts';
import { type RequestApproval, sessionTag } from '../../core/request-approval.ts';
import { encodeStartParams } from '../../core/session-answers.ts';
import { DIALECT_16 } from '../../ocpp-gateway/answers16.ts';
import { meterSeries } from '../../ocpp-gateway/meter-pace.ts';
import { recordedMessage } from '../../ocpp-gateway/recorded-message.ts';
import { makeSessionDesk, SESSION_MEMORY_MS } from '../../ocpp-gateway/session-desk.ts';
import { makeSessionStore } from '../../ocpp-gateway/session-store.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';
import { NETWORK, silentLog } from './outbox-support.ts';

const CHARGER = 'CP-1';
const AUTHORIZE = { action: 'Authorize', payload: {} };

describe('the sessions of a charger that stays connected', () => {
  let redis: TestRedis;
  let client: Redis;
  let nowMs = 1_700_000_000_000;

  beforeAll(async () => {
    redis = await startRedis();
    client = new Redis(redis.url);
  });
  afterAll(async () => {
    client.disconnect();
    await redis.close();
  });

  /** What chargers were asked. */
  const asked: string[] = [];
  const storeOf = () => makeSessionStore(client, NETWORK, 'bull', SESSION_MEMORY_MS);
  const openDesk = (store = storeOf(), isOver: (charger: string, transactionId: unknown) => boolean = () => false) =>
    makeSessionDesk({
      store,
      stations: () => ({
        command: async (charger, { action }) => {
          asked.push(`${charger} ${action}`);
          return { kind: 'result', payload: '{"status":"Accepted"}' };
        },
      }),
      dialectOf: () => DIALECT_16,
      isOthers: async () => false,
      isOver: async (charger, transactionId) => isOver(charger, transactionId),
      idleMs: 0,
      onEnd: () => {},
      log: silentLog,
      now: () => nowMs,
    });
  const requestOf = (number: number): RequestApproval => ({
    requestId: `0x${String(number).padEnd(64, '0')}`,
    deviceId: deviceIdOf(CHARGER),
    query: 'start-charge',
    params: encodeStartParams(1, 1000n),
    asOfSec: Math.floor(nowMs / 1000),
  });

  it('are let go of, here and in Redis, once they are as old as a new connection would forget them', async () => {
    const desk = openDesk();
    const open = async (number: number) => {
      const request = requestOf(number);
      await desk.open(CHARGER, request);
      return sessionTag(request.requestId);
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

  it('cannot be begun once they are withdrawn, though a gateway knew them before, nor withdrawn once they have begun', async () => {
    const [charger, desk, other] = ['CP-2', openDesk(), openDesk()];
    const [first, second] = [requestOf(4), requestOf(5)];
    const start = { action: 'StartTransaction', payload: { connectorId: 1, meterStart: 0 } };
    for (const each of [first, second]) await desk.open(charger, each);
    for (const each of [desk, other]) each.connected(charger, 1);
    const statusAt = async (at: typeof desk, { requestId }: RequestApproval, transactionId: number) =>
      (await at.verdict(charger, sessionTag(requestId), start, transactionId))?.status;
    // Both know them by now.
    expect(await other.verdict(charger, sessionTag(first.requestId), AUTHORIZE)).toEqual({ status: 'Accepted' });
    const withdrawal = desk.withdraw(charger, first);
    expect(await statusAt(desk, first, 1)).toBe('Expired');
    await withdrawal;
    expect([await statusAt(other, first, 1), await statusAt(other, second, 2)]).toEqual(['Expired', 'Accepted']);
    await desk.withdraw(charger, second);
    const anew = openDesk();
    anew.connected(charger, 2);
    expect([await statusAt(anew, first, 1), await statusAt(anew, second, 2)]).toEqual(['Expired', 'Accepted']);
    for (const each of [desk, other, anew]) each.close();
  });

  it('are withdrawn before it goes on record that the charger let go of them, as often as it says so until Redis has it', async () => {
    const charger = 'CP-3';
    const store = storeOf();
    let isAway = true;
    const withdraw: typeof store.withdraw = async (...of) => {
      if (isAway) throw new Error('Redis is away');
      await store.withdraw(...of);
    };
    const [desk, other] = [openDesk({ ...store, withdraw }), openDesk()];
    const request = requestOf(6);
    const statusAt = async (at: typeof desk) =>
      (await at.verdict(charger, sessionTag(request.requestId), AUTHORIZE))?.status;
    const tell = (status: string, connectorId = 1) =>
      desk.heard(
        charger,
        'StatusNotification',
        JSON.stringify([2, 'm', 'StatusNotification', { connectorId, status, errorCode: 'NoError' }]),
      );
    desk.connected(charger, 1);
    expect(tell('Available')).toBeUndefined();
    await desk.open(charger, request);
    expect([tell('Available'), tell('Preparing'), tell('Available', 2)]).toEqual([undefined, undefined, undefined]);
    await expect(tell('Available')).rejects.toThrow('Redis is away');
    expect(await statusAt(desk)).toBe('Accepted');
    isAway = false;
    const withdrawal = tell('Available');
    expect(await statusAt(desk)).toBe('Expired');
    await withdrawal;
    other.connected(charger, 2);
    expect(await statusAt(other)).toBe('Expired');
    expect([tell('Preparing'), tell('Available')]).toEqual([undefined, undefined]);
    desk.close();
    other.close();
  });

  describe('and tells many meter values', () => {
    /** A session of 1 kWh that has begun, and how its charger tells meter values. */
    const begun = async (charger: string, transactionId: number) => {
      const [desk, request] = [openDesk(), requestOf(transactionId)];
      desk.connected(charger, 1);
      await desk.open(charger, request);
      const start = { connectorId: 1, meterStart: 0, timestamp: new Date(nowMs).toISOString() };
      const call = { action: 'StartTransaction', payload: start };
      await desk.verdict(charger, sessionTag(request.requestId), call, transactionId);
      const tell = (connectorId: number, value: number, of: object = {}) => {
        const meterValue = [{ timestamp: new Date(nowMs).toISOString(), sampledValue: [{ value: `${value}`, ...of }] }];
        const payload = { connectorId, transactionId, meterValue };
        const frame = JSON.stringify([2, 'm', 'MeterValues', payload]);
        const message = recordedMessage({ kind: 'call', frame, reply: '[3,"m",{}]' }, 'ocpp1.6', nowMs);
        desk.recorded(charger, 'meter', message, meterSeries(connectorId, payload));
      };
      return { desk, tell };
    };

    it('has the last read at the next look, of each connector and measurand', async () => {
      const { desk, tell } = await begun('CP-8', 8);
      tell(1, 10);
      tell(1, 1_000);
      tell(1, 7_000, { measurand: 'Power.Active.Import' });
      tell(2, 20);
      expect(asked).not.toContain('CP-8 RemoteStopTransaction');
      await waitFor(() => asked.includes('CP-8 RemoteStopTransaction'), { what: 'the session to be stopped' });
      desk.close();
    });

    it('has what was left of them read before what is told a second later', async () => {
      const { desk, tell } = await begun('CP-9', 9);
      tell(1, 10);
      tell(1, 1_000);
      nowMs += 1_000;
      // Its own register is no reason to end the session: the one before it is.
      tell(1, 20);
      expect(asked).toContain('CP-9 RemoteStopTransaction');
      desk.close();
    });
  });

  describe('that has ended', () => {
    const start = (more: object = {}) => ({
      action: 'StartTransaction',
      payload: { connectorId: 1, meterStart: 0, timestamp: new Date(nowMs).toISOString(), ...more },
    });
    const record = (desk: ReturnType<typeof openDesk>, charger: string, action: string, payload: object, result = {}) =>
      desk.recorded(
        charger,
        DIALECT_16.subjects.get(action),
        recordedMessage(
          { kind: 'call', frame: JSON.stringify([2, 'm', action, payload]), reply: JSON.stringify([3, 'm', result]) },
          'ocpp1.6',
          nowMs,
        ),
        action === 'MeterValues' ? meterSeries(1, payload as JsonObject) : undefined,
      );
    /** A session that transaction 7 has begun. */
    const begun = async (charger: string, number: number) => {
      const [desk, request] = [openDesk(), requestOf(number)];
      desk.connected(charger, 1);
      await desk.open(charger, request);
      const tag = sessionTag(request.requestId);
      expect(await desk.verdict(charger, tag, start(), 7)).toMatchObject({ status: 'Accepted' });
      return { desk, tag };
    };
    const isOver = async (desk: ReturnType<typeof openDesk>, charger: string, tag: string) =>
      (await desk.verdict(charger, tag, AUTHORIZE))?.status === 'Expired';
    const stop = { transactionId: 7, meterStop: 1, timestamp: '2023-11-14T22:13:20Z' };

    it('is over though its end was told before its gateway had heard of it from Redis', async () => {
      const { desk, tag } = await begun('CP-4', 7);
      const { promise, resolve } = Promise.withResolvers<void>();
      const store = storeOf();
      const load: typeof store.load = (...of) => promise.then(() => store.load(...of));
      const next = openDesk({ ...store, load });
      next.connected('CP-4', 2);
      record(next, 'CP-4', 'StopTransaction', stop);
      resolve();
      expect(await isOver(next, 'CP-4', tag)).toBe(true);
      for (const each of [desk, next]) each.close();
    });

    it('is over where it is known that its transaction is, though that was not kept with it', async () => {
      const { desk, tag } = await begun('CP-5', 8);
      const [next, other] = [openDesk(storeOf(), (...of) => of.join() === 'CP-5,7'), openDesk(storeOf(), () => false)];
      next.connected('CP-5', 2);
      expect(await isOver(next, 'CP-5', tag)).toBe(true);
      // It is kept from now on.
      const [progress] = (await storeOf().load('CP-5', 0)).map((kept) => kept.progress);
      expect(progress?.endedAtMs).toBe(nowMs);
      other.connected('CP-5', 3);
      expect(await isOver(other, 'CP-5', tag)).toBe(true);
      for (const each of [desk, next, other]) each.close();
    });

    it('is over once another transaction has begun at its connector, but by none that was before it or elsewhere', async () => {
      const { desk, tag } = await begun('CP-6', 9);
      const accepted = (transactionId: number, status = 'Accepted') => ({ transactionId, idTagInfo: { status } });
      const tell = (more: object, result: object) => {
        const { action, payload } = start({ idTag: 'CARD', ...more });
        record(desk, 'CP-6', action, payload, result);
      };
      tell({ connectorId: 2 }, accepted(8));
      tell({}, accepted(8, 'Invalid'));
      tell({}, accepted(7));
      tell({ timestamp: new Date(nowMs - 3_600_000).toISOString() }, accepted(8));
      expect(await isOver(desk, 'CP-6', tag)).toBe(false);
      tell({}, accepted(8));
      expect(await isOver(desk, 'CP-6', tag)).toBe(true);
      // One that was kept while its charger was offline, and had begun since.
      const later = await begun('CP-7', 10);
      const atMs = nowMs;
      nowMs += 3_600_000;
      const { action, payload } = start({ idTag: 'CARD', timestamp: new Date(atMs + 1_800_000).toISOString() });
      record(later.desk, 'CP-7', action, payload, accepted(8));
      expect(await isOver(later.desk, 'CP-7', later.tag)).toBe(true);
      for (const each of [desk, later.desk]) each.close();
    });
  });
});
