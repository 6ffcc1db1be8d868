import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { messageIdOf, type RequestApproval, START_WITHIN_SEC, sessionTag } from '../../core/request-approval.ts';
import { encodeSessionParams, encodeStartParams } from '../../core/session-answers.ts';
import { stopCauseOf } from '../../core/session-stop.ts';
import type { RunningGateway } from '../../ocpp-gateway/gateway.ts';
import { register, transactionEvent } from '../core/samples20.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';
import type { Version20 } from './samples20.ts';
import { callsTo, connectCharger, nthCallTo, type RawCharger } from './support.ts';
import { approveNow, sourcesOfTwo, startOneOfTwo } from './two-gateways.ts';

type Call = [number, string, string, Record<string, unknown>];

const HOUR_MS = 3_600_000;
const NO_METER = { meterValue: undefined };

describe('a session that a contract opened, at a charger of OCPP 2.x', () => {
  let redis: TestRedis;
  let one: RunningGateway;
  let other: RunningGateway;
  let skewMs = 0;
  let count = 0;
  const now = () => Date.now() + skewMs;
  const sources = sourcesOfTwo();
  const chargers: RawCharger[] = [];

  beforeAll(async () => {
    redis = await startRedis();
    one = await startOneOfTwo(redis.url, 0, sources, {}, now);
    other = await startOneOfTwo(redis.url, 1, sources, {}, now);
  });
  afterEach(() => Promise.all(chargers.splice(0).map((charger) => charger.close())));
  afterAll(async () => {
    await one.close();
    await other.close();
    await redis.close();
  });

  describe.each<Version20>(['ocpp2.0.1', 'ocpp2.1'])('%s', (version) => {
    const connect = async (gateway: RunningGateway, identity: string) => {
      const charger = await connectCharger(gateway.port, identity, { subprotocols: [version] });
      chargers.push(charger);
      // On a slow machine one may be asked for its meter more often than a test expects.
      charger.socket.on('message', (data) => {
        const [type, id, action] = JSON.parse(String(data)) as Call;
        if (type === 2 && action === 'TriggerMessage') charger.send([3, id, { status: 'Accepted' }]);
      });
      return charger;
    };
    const approve = (identity: string, query: RequestApproval['query'], params: string) =>
      approveNow(redis.url, sources.registry.network, identity, { query, params }, now());
    const stopsOf = (charger: RawCharger) =>
      callsTo(charger).filter(([, , action]) => action === 'RequestStopTransaction');
    /** The nth call of an action; it is answered with a status, as TriggerMessage is anyway. */
    const nthCall = async (charger: RawCharger, action: string, n = 1, status = 'Accepted') => {
      const call = await nthCallTo(charger, action, n);
      if (action !== 'TriggerMessage') charger.send([3, call[1], { status }]);
      return call;
    };
    /** The nth call that ends a transaction: why, and its payload. */
    const nthStop = async (charger: RawCharger, sessionId: string, n = 1, status = 'Accepted') => {
      const [, messageId, , payload] = await nthCall(charger, 'RequestStopTransaction', n, status);
      return { cause: stopCauseOf(messageId, sessionId), payload, messageId };
    };
    /** Has a charger connect, and a session of at most 5 kWh opened at its EVSE 1. */
    const open = async () => {
      const identity = `CPsession${++count}`;
      const charger = await connect(one, identity);
      const sessionId = await approve(identity, 'start-charge', encodeStartParams(1, 5_000n));
      const [, messageId, , payload] = await nthCall(charger, 'RequestStartTransaction');
      const idToken = { idToken: sessionTag(sessionId), type: 'Central' };
      expect([messageId, payload]).toEqual([
        messageIdOf(sessionId),
        { evseId: 1, remoteStartId: expect.any(Number), idToken },
      ]);
      // Chargers may well choose texts that look like numbers.
      return { identity, charger, sessionId, idToken, transactionId: `${100 + count}` };
    };
    type Open = Awaited<ReturnType<typeof open>>;
    const told = (...sampledValue: object[]) => ({
      meterValue: [{ timestamp: new Date(now()).toISOString(), sampledValue }],
    });
    const tell = async (charger: RawCharger, ...event: Parameters<typeof transactionEvent>) => {
      const [eventType, seqNo, change] = event;
      const timestamp = new Date(now()).toISOString();
      const payload = transactionEvent(eventType, seqNo, { timestamp, ...change });
      const [type, , answer] = await charger.call(randomBytes(4).toString('hex'), 'TransactionEvent', payload);
      expect(type).toBe(3);
      return answer as { idTokenInfo?: { status: string }; transactionLimit?: object };
    };
    /** Begins the session's transaction at a register of 1 kWh. */
    const start = ({ charger, idToken, transactionId }: Open, change: object = {}) =>
      tell(charger, 'Started', 0, {
        evse: { id: 1, connectorId: 1 },
        idToken,
        transactionInfo: { transactionId, chargingState: 'Charging' },
        ...told(register(1_000, 'Transaction.Begin')),
        ...change,
      });
    const update = ({ transactionId }: Open, charger: RawCharger, registerWh: number, ...more: object[]) =>
      tell(charger, 'Updated', 1, { transactionInfo: { transactionId }, ...told(register(registerWh), ...more) });
    const end = ({ charger, transactionId }: Open) =>
      tell(charger, 'Ended', 9, { transactionInfo: { transactionId, stoppedReason: 'Remote' } });
    const authorise = async ({ charger, idToken }: Open) => {
      const [, , answer] = await charger.call(randomBytes(4).toString('hex'), 'Authorize', { idToken });
      return (answer as { idTokenInfo: { status: string } }).idTokenInfo.status;
    };

    it('is ended at its limit of energy, asked for again until its transaction has ended', async () => {
      const session = await open();
      const { charger, sessionId, transactionId } = session;
      const accepted = { idTokenInfo: { status: 'Accepted' } };
      // 2.1 has the charger itself end it.
      const answer = version === 'ocpp2.1' ? { ...accepted, transactionLimit: { maxEnergy: 5_000 } } : accepted;
      expect(await start(session)).toEqual(answer);
      await update(session, charger, 5_999);
      await charger.call('beside', 'MeterValues', { evseId: 2, ...told(register(90_000)) });
      expect(stopsOf(charger)).toEqual([]);
      await update(session, charger, 6_000);
      const first = await nthStop(charger, sessionId, 1, 'Rejected');
      expect(first).toMatchObject({ cause: 'limit', payload: { transactionId } });

      await update(session, charger, 6_100);
      expect(stopsOf(charger)).toHaveLength(1);
      skewMs += 31_000;
      const second = await nthStop(charger, sessionId, 2);
      expect(second).toMatchObject({ cause: 'limit', payload: { transactionId } });
      expect(second.messageId).not.toBe(first.messageId);

      await end(session);
      await waitFor(async () => (await authorise(session)) === 'Expired', { what: 'the session to be over' });
      skewMs += 31_000;
      await update(session, charger, 6_200);
      expect(stopsOf(charger)).toHaveLength(2);
    });

    it('is ended at its limit also by MeterValues of its EVSE, and where the start told no register', async () => {
      const session = await open();
      const { charger, sessionId, transactionId } = session;
      await start(session, NO_METER);
      const meter = (id: string, registerWh: number) =>
        charger.call(id, 'MeterValues', { evseId: 1, ...told(register(registerWh)) });
      await meter('m1', 100_000);
      await meter('m2', 104_999);
      expect(stopsOf(charger)).toEqual([]);
      await meter('m3', 105_000);
      expect(await nthStop(charger, sessionId)).toMatchObject({ cause: 'limit', payload: { transactionId } });
    });

    it('is ended at its limit also at another gateway, where it is stopped by its transaction as well', async () => {
      const session = await open();
      const { identity, charger, sessionId, transactionId } = session;
      await start(session);
      await update(session, charger, 2_000);
      const moved = await connect(other, identity);
      await charger.closed;
      const requestId = await approve(identity, 'stop-charge', encodeSessionParams(sessionId));
      const [, messageId, , payload] = await nthCall(moved, 'RequestStopTransaction', 1, 'Rejected');
      expect([messageId, payload]).toEqual([messageIdOf(requestId), { transactionId }]);
      await update(session, moved, 6_000);
      expect(await nthStop(moved, sessionId, 2)).toMatchObject({ cause: 'limit', payload: { transactionId } });
    });

    it('is ended when no energy has flowed for an hour, by what the meter says', async () => {
      const session = await open();
      const { charger, sessionId, transactionId } = session;
      await start(session);
      await update(session, charger, 2_000);
      for (let hour = 0; hour < 2; hour++) {
        skewMs += HOUR_MS - 10_000;
        await update(session, charger, 2_001);
      }
      expect(stopsOf(charger)).toEqual([]);
      skewMs += 10_000;
      await update(session, charger, 2_001);
      expect(await nthStop(charger, sessionId)).toMatchObject({ cause: 'idle', payload: { transactionId } });
    });

    it('is ended when the car has taken no energy for an hour, by what the charger says, without its meter', async () => {
      const session = await open();
      const { charger, sessionId, transactionId } = session;
      await start(session, NO_METER);
      const turn = (seqNo: number, chargingState: string) =>
        tell(charger, 'Updated', seqNo, { transactionInfo: { transactionId, chargingState } });
      await turn(1, 'SuspendedEVSE');
      skewMs += HOUR_MS;
      await turn(2, 'SuspendedEV');
      skewMs += HOUR_MS - 10_000;
      await turn(3, 'SuspendedEV');
      expect(stopsOf(charger)).toEqual([]);
      skewMs += 10_000;
      expect(await nthStop(charger, sessionId)).toMatchObject({ cause: 'idle', payload: { transactionId } });
    });

    it('has its charger asked for the meter of the EVSE while it tells none', async () => {
      const session = await open();
      await start(session, NO_METER);
      skewMs += 121_000;
      const [, , , payload] = await nthCall(session.charger, 'TriggerMessage');
      expect(payload).toEqual({ requestedMessage: 'MeterValues', evse: { id: 1 } });
    });

    it('has its charger asked for the meter when by its power it should be at its limit', async () => {
      const session = await open();
      const { charger, sessionId } = session;
      await start(session);
      // 100 Wh are left: 10 s at 36 kW.
      const power = { value: 36, measurand: 'Power.Active.Import', unitOfMeasure: { unit: 'kW' } };
      await update(session, charger, 5_900, power);
      skewMs += 11_000;
      const [, , , payload] = await nthCall(charger, 'TriggerMessage');
      expect(payload).toEqual({ requestedMessage: 'MeterValues', evse: { id: 1 } });
      await update(session, charger, 6_010);
      expect((await nthStop(charger, sessionId)).cause).toBe('limit');
    });

    it('does not begin any more after its time, and a transaction that begins all the same is ended', async () => {
      const session = await open();
      const { identity, charger, sessionId, transactionId } = session;
      skewMs += START_WITHIN_SEC * 1000;
      expect(await authorise(session)).toBe('Expired');
      expect(await start(session)).toEqual({ idTokenInfo: { status: 'Expired' } });
      const first = await nthStop(charger, sessionId);
      expect(first).toMatchObject({ cause: 'late', payload: { transactionId } });
      skewMs += 31_000;
      const second = await nthStop(charger, sessionId, 2);
      expect(second).toMatchObject({ cause: 'late', payload: { transactionId } });
      // It has not ended yet when its charger is at another gateway.
      const third = await nthStop(await connect(other, identity), sessionId);
      expect(third).toMatchObject({ cause: 'late', payload: { transactionId } });
      expect(new Set([first, second, third].map(({ messageId }) => messageId)).size).toBe(3);
    });
  });
});
