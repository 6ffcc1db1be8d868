import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import type { ChargerEvent } from '../../core/charger-event.ts';
import { deviceIdOf, idTagCommitment } from '../../core/identity.ts';
import { messageIdOf, type RequestApproval, START_WITHIN_SEC, sessionTag } from '../../core/request-approval.ts';
import { cardSessionId, encodeSessionParams, encodeStartParams } from '../../core/session-answers.ts';
import { stopCauseOf } from '../../core/session-stop.ts';
import type { CardLimit } from '../../ocpp-gateway/card-budgets.ts';
import type { RunningGateway } from '../../ocpp-gateway/gateway.ts';
import { OUTBOX_DEFAULTS } from '../../ocpp-gateway/outbox-options.ts';
import { startCharger } from '../../simulator/charger.ts';
import type { Dialect } from '../../simulator/dialect.ts';
import { ocpp16 } from '../../simulator/ocpp16.ts';
import { ocpp201 } from '../../simulator/ocpp20.ts';
import { register, transactionEvent } from '../core/samples20.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';
import { CHARGER_KEY, callsTo, connectCharger, nthCallTo, type RawCharger, readEvents } from './support.ts';
import { approveNow, sourcesOfTwo, startOneOfTwo } from './two-gateways.ts';

type Call = [number, string, string, Record<string, unknown>];

const PEPPER = Buffer.alloc(16, 0xaa);

describe('a session', () => {
  let redis: TestRedis;
  let one: RunningGateway;
  let other: RunningGateway;
  let skewMs = 0;
  let count = 0;
  const now = () => Date.now() + skewMs;
  /** What the users of cards can pay for, by the card's commitment. */
  const limits = new Map<string, CardLimit>();
  const cardBudgets = { limitOf: async (_: string, card: string) => limits.get(card) ?? ('unlimited' as const) };
  const sources = { ...sourcesOfTwo(), cardBudgets };
  const mustPay = { CARDS_MUST_PAY: 'true' };
  const chargers: RawCharger[] = [];

  beforeAll(async () => {
    redis = await startRedis();
    one = await startOneOfTwo(redis.url, 0, sources, {}, now);
    other = await startOneOfTwo(redis.url, 1, sources, mustPay, now);
  });
  afterEach(() => Promise.all(chargers.splice(0).map((charger) => charger.close())));
  afterAll(async () => {
    await one.close();
    await other.close();
    await redis.close();
  });

  const connect = async (gateway: RunningGateway, identity: string) => {
    const charger = await connectCharger(gateway.port, identity);
    chargers.push(charger);
    return charger;
  };
  const approve = (identity: string, query: RequestApproval['query'], params: string) =>
    approveNow(redis.url, sources.registry.network, identity, { query, params }, now());
  /** The nth call of an action; it is answered with a status. */
  const nthCall = async (charger: RawCharger, action: string, n = 1, status = 'Accepted') => {
    const call = await nthCallTo(charger, action, n);
    charger.send([3, call[1], { status }]);
    return call;
  };
  /** Has every further call of an action answered. */
  const answerAll = ({ socket }: RawCharger, action: string) =>
    socket.on('message', (data) => {
      const [type, id, called] = JSON.parse(String(data)) as Call;
      if (type === 2 && called === action) socket.send(JSON.stringify([3, id, { status: 'Accepted' }]));
    });
  /** Has a charger connect, and a session opened at its connector 1; gives the idTag that begins it. */
  const open = async (limitWh = 5_000n) => {
    const identity = `CPsession${++count}`;
    const charger = await connect(one, identity);
    const sessionId = await approve(identity, 'start-charge', encodeStartParams(1, limitWh));
    const [, messageId, , payload] = await nthCall(charger, 'RemoteStartTransaction');
    expect([messageId, payload]).toEqual([messageIdOf(sessionId), { connectorId: 1, idTag: sessionTag(sessionId) }]);
    return { identity, charger, sessionId, idTag: sessionTag(sessionId) };
  };
  const start = async (charger: RawCharger, idTag: string, more: object = {}) => {
    const timestamp = new Date(now()).toISOString();
    const payload = { connectorId: 1, idTag, meterStart: 1_000, timestamp, ...more };
    const [, , answer] = await charger.call(randomBytes(4).toString('hex'), 'StartTransaction', payload);
    const { idTagInfo, transactionId } = answer as { idTagInfo: { status: string }; transactionId: number };
    return { status: idTagInfo.status, transactionId };
  };
  const authorise = async (charger: RawCharger, idTag: string) => {
    const [, , answer] = await charger.call(randomBytes(4).toString('hex'), 'Authorize', { idTag });
    return (answer as { idTagInfo: { status: string } }).idTagInfo.status;
  };
  const meter = (charger: RawCharger, transactionId: number, value: string, ...more: object[]) =>
    charger.call(randomBytes(4).toString('hex'), 'MeterValues', {
      connectorId: 1,
      transactionId,
      meterValue: [{ timestamp: new Date(now()).toISOString(), sampledValue: [{ value, unit: 'Wh' }, ...more] }],
    });
  const end = (charger: RawCharger, transactionId: number) =>
    charger.call(randomBytes(4).toString('hex'), 'StopTransaction', {
      transactionId,
      meterStop: 9_000,
      timestamp: new Date(now()).toISOString(),
    });

  it('begins by its idTag, at its charger and connector, by one transaction', async () => {
    const { charger, idTag } = await open();
    const stranger = await connect(other, `CPsession${++count}`);
    expect(await authorise(stranger, idTag)).toBe('Invalid');
    expect((await start(stranger, idTag)).status).toBe('Invalid');
    expect(await authorise(charger, idTag.toLowerCase())).toBe('Accepted');
    expect((await start(charger, idTag, { connectorId: 2 })).status).toBe('Invalid');

    const timestamp = new Date(now()).toISOString();
    const begun = await start(charger, idTag, { timestamp });
    expect(begun.status).toBe('Accepted');
    expect(await start(charger, idTag, { timestamp })).toEqual(begun);
    expect(await authorise(charger, idTag)).toBe('Accepted');
    expect((await start(charger, idTag, { meterStart: 1_001 })).status).toBe('Invalid');

    await end(charger, begun.transactionId);
    await waitFor(async () => (await authorise(charger, idTag)) === 'Expired', { what: 'the session to be over' });
    expect((await start(charger, idTag, { meterStart: 9_000 })).status).toBe('Invalid');
  });

  it('does not begin any more after its time, and a transaction that begins all the same is ended', async () => {
    const { identity, charger, idTag, sessionId } = await open();
    skewMs += START_WITHIN_SEC * 1000;
    expect(await authorise(charger, idTag)).toBe('Expired');
    const { status, transactionId } = await start(charger, idTag);
    expect(status).toBe('Expired');
    const asked = await nthCall(charger, 'RemoteStopTransaction');
    expect([stopCauseOf(asked[1], sessionId), asked[3]]).toEqual(['late', { transactionId }]);
    // It has not ended yet when its charger is at another gateway.
    const moved = await connect(other, identity);
    const again = await nthCall(moved, 'RemoteStopTransaction');
    expect([stopCauseOf(again[1], sessionId), again[3]]).toEqual(['late', { transactionId }]);
    expect(again[1]).not.toBe(asked[1]);
  });

  it.each(['Rejected', 'NotNow'])(
    'does not begin once the charger has answered %s, at whichever gateway',
    async (status) => {
      const identity = `CPsession${++count}`;
      const charger = await connect(one, identity);
      const sessionId = await approve(identity, 'start-charge', encodeStartParams(1, 5_000n));
      await nthCall(charger, 'RemoteStartTransaction', 1, status);
      // On the heels of the refusal.
      expect((await start(charger, sessionTag(sessionId))).status).toBe('Expired');
      const refusal = async () =>
        (await readEvents(redis.url)).find((event) => event.charger === identity && event.kind === 'answer');
      await waitFor(refusal, { what: 'the refusal to be on record' });
      const moved = await connect(other, identity);
      expect((await start(moved, sessionTag(sessionId), { meterStart: 2_000 })).status).toBe('Expired');
    },
  );

  it('does not begin any more once the charger has let go of its connector, and what begins all the same is ended', async () => {
    const { identity, charger, idTag, sessionId } = await open();
    const tell = (status: string, connectorId = 1) =>
      charger.call(randomBytes(4).toString('hex'), 'StatusNotification', { connectorId, status, errorCode: 'NoError' });
    await tell('Available');
    await tell('Preparing');
    await tell('Available', 2);
    expect(await authorise(charger, idTag)).toBe('Accepted');
    await tell('Available');
    expect(await authorise(charger, idTag)).toBe('Expired');
    const { status, transactionId } = await start(charger, idTag);
    expect(status).toBe('Expired');
    const [, messageId, , payload] = await nthCall(charger, 'RemoteStopTransaction');
    expect([stopCauseOf(messageId, sessionId), payload]).toEqual(['late', { transactionId }]);
    const moved = await connect(other, identity);
    expect((await start(moved, idTag, { meterStart: 7 })).status).toBe('Expired');
  });

  it('is ended at its limit of energy, asked for again until its transaction has ended', async () => {
    const { charger, idTag, sessionId } = await open(5_000n);
    const { transactionId } = await start(charger, idTag);
    await meter(charger, transactionId, '5999');
    await meter(charger, transactionId, '6000');
    const first = await nthCall(charger, 'RemoteStopTransaction', 1, 'Rejected');
    expect([stopCauseOf(first[1], sessionId), first[3]]).toEqual(['limit', { transactionId }]);

    await meter(charger, transactionId, '6100');
    expect(callsTo(charger)).toHaveLength(2);
    skewMs += 31_000;
    const second = await nthCall(charger, 'RemoteStopTransaction', 2);
    expect([stopCauseOf(second[1], sessionId), second[1] === first[1]]).toEqual(['limit', false]);

    await end(charger, transactionId);
    await waitFor(async () => (await authorise(charger, idTag)) === 'Expired', { what: 'the session to be over' });
    skewMs += 31_000;
    await meter(charger, transactionId, '6200');
    expect(callsTo(charger)).toHaveLength(3);
  });

  it('is ended at its limit also at another gateway, and after a restart of that', async () => {
    const { identity, charger, idTag, sessionId } = await open(5_000n);
    const { transactionId } = await start(charger, idTag);
    await meter(charger, transactionId, '2000');
    const moved = await connect(other, identity);
    await charger.closed;
    await meter(moved, transactionId, '6000');
    const first = await nthCall(moved, 'RemoteStopTransaction', 1, 'Rejected');
    expect(stopCauseOf(first[1], sessionId)).toBe('limit');

    await other.close();
    other = await startOneOfTwo(redis.url, 1, sources, mustPay, now);
    const back = await connect(other, identity);
    const again = await nthCall(back, 'RemoteStopTransaction');
    expect([stopCauseOf(again[1], sessionId), again[3]]).toEqual(['limit', { transactionId }]);
    expect(again[1]).not.toBe(first[1]);
  });

  it('counts energy from the first register told where the start told none', async () => {
    const { charger, idTag, sessionId } = await open(5_000n);
    const { transactionId } = await start(charger, idTag, { meterStart: -1 });
    await meter(charger, transactionId, '100000');
    await meter(charger, transactionId, '104999');
    expect(callsTo(charger)).toHaveLength(1);
    await meter(charger, transactionId, '105000');
    expect(stopCauseOf((await nthCall(charger, 'RemoteStopTransaction'))[1], sessionId)).toBe('limit');
  });

  it('is ended when no energy has flowed for an hour, by what the meter says', async () => {
    const { charger, idTag, sessionId } = await open();
    const { transactionId } = await start(charger, idTag);
    await meter(charger, transactionId, '2000');
    skewMs += 3_599_000;
    await meter(charger, transactionId, '2001');
    skewMs += 3_599_000;
    await meter(charger, transactionId, '2001');
    skewMs += 2_000;
    await meter(charger, transactionId, '2001');
    const stop = await nthCall(charger, 'RemoteStopTransaction');
    expect([stopCauseOf(stop[1], sessionId), stop[3]]).toEqual(['idle', { transactionId }]);
  });

  it('is ended when for an hour its connector is held by a car that takes no energy, without any meter', async () => {
    const { charger, idTag, sessionId } = await open();
    const { transactionId } = await start(charger, idTag);
    answerAll(charger, 'TriggerMessage');
    const tell = (status: string) =>
      charger.call(randomBytes(4).toString('hex'), 'StatusNotification', {
        connectorId: 1,
        status,
        errorCode: 'NoError',
      });
    await tell('Charging');
    await tell('SuspendedEV');
    skewMs += 3_590_000;
    await tell('Finishing');
    expect(callsTo(charger).filter(([, , action]) => action === 'RemoteStopTransaction')).toEqual([]);
    skewMs += 11_000;
    const stop = await nthCall(charger, 'RemoteStopTransaction');
    expect([stopCauseOf(stop[1], sessionId), stop[3]]).toEqual(['idle', { transactionId }]);
  });

  it('has its charger asked for the meter while it tells none', async () => {
    const { charger, idTag } = await open();
    await start(charger, idTag);
    skewMs += 121_000;
    const [, , , payload] = await nthCall(charger, 'TriggerMessage');
    expect(payload).toEqual({ requestedMessage: 'MeterValues', connectorId: 1 });
  });

  it('has its charger asked for the meter when by its power it should be at its limit', async () => {
    const { charger, idTag, sessionId } = await open(5_000n);
    const { transactionId } = await start(charger, idTag);
    // 100 Wh are left: 10 s at 36 kW.
    await meter(charger, transactionId, '5900', { value: '36', measurand: 'Power.Active.Import', unit: 'kW' });
    skewMs += 11_000;
    const ask = await nthCall(charger, 'TriggerMessage');
    expect(ask[3]).toEqual({ requestedMessage: 'MeterValues', connectorId: 1 });
    // On a slow machine it may be asked again before it has told.
    answerAll(charger, 'TriggerMessage');
    await meter(charger, transactionId, '6010');
    expect(stopCauseOf((await nthCall(charger, 'RemoteStopTransaction'))[1], sessionId)).toBe('limit');
  });

  it('is stopped, by the transaction that it has begun by, where operators approve that', async () => {
    const { identity, charger, sessionId, idTag } = await open();
    const { transactionId } = await start(charger, idTag);
    const requestId = await approve(identity, 'stop-charge', encodeSessionParams(sessionId));
    const [, messageId, , payload] = await nthCall(charger, 'RemoteStopTransaction');
    expect([messageId, payload]).toEqual([messageIdOf(requestId), { transactionId }]);
  });

  it('does not begin twice, though its charger moves between gateways meanwhile', async () => {
    const { identity, charger, idTag } = await open();
    const timestamp = new Date(now()).toISOString();
    const begun = await start(charger, idTag, { timestamp });
    const moved = await connect(other, identity);
    expect(await start(moved, idTag, { timestamp })).toEqual(begun);
    expect((await start(moved, idTag, { meterStart: 5 })).status).toBe('Invalid');
    expect(await charger.closed).toEqual({ code: 1008, reason: 'replaced by a newer connection' });
  });

  it("is a card's where a card has begun it, and is stopped as well where operators approve that", async () => {
    const identity = `CPsession${++count}`;
    const charger = await connect(one, identity);
    const { transactionId } = await start(charger, `Accepted-${count}`);
    const begun = await waitFor(
      async () => (await readEvents(redis.url)).find((event) => event.charger === identity && event.kind === 'call'),
      { what: 'the start to be on record' },
    );
    const sessionId = cardSessionId(deviceIdOf(identity), BigInt(begun.epoch), BigInt(begun.seq));
    const moved = await connect(other, identity);
    const requestId = await approve(identity, 'stop-charge', encodeSessionParams(sessionId));
    const [, messageId, , payload] = await nthCall(moved, 'RemoteStopTransaction');
    expect([messageId, payload]).toEqual([messageIdOf(requestId), { transactionId }]);
  });

  /** Has a charger connect; a card that has such a limit is a new one. */
  const withCard = async (limit?: CardLimit, ...subprotocols: string[]) => {
    const [identity, idTag] = [`CPsession${++count}`, `Accepted-${count}`];
    if (limit !== undefined) limits.set(idTagCommitment(idTag, PEPPER), limit);
    const charger = await connectCharger(one.port, identity, subprotocols.length === 0 ? {} : { subprotocols });
    chargers.push(charger);
    return { identity, idTag, charger };
  };
  /** The session that a card has opened by the first of a charger's calls that is of this action. */
  const cardSessionAt = async (identity: string, action: string) => {
    const isOpening = (event: ChargerEvent) => event.charger === identity && event.frame.includes(`"${action}"`);
    const opening = await waitFor(async () => (await readEvents(redis.url)).find(isOpening), {
      what: 'the start to be on record',
    });
    return cardSessionId(deviceIdOf(identity), BigInt(opening.epoch), BigInt(opening.seq));
  };
  const tell20 = async (charger: RawCharger, type: 'Started' | 'Updated', change: object, value?: number) => {
    const timestamp = new Date(now()).toISOString();
    const meterValue = value === undefined ? {} : { meterValue: [{ timestamp, sampledValue: [register(value)] }] };
    const told = transactionEvent(type, seqNo++, { timestamp, ...meterValue, ...change });
    return (await charger.call(randomBytes(4).toString('hex'), 'TransactionEvent', told))[2] as object;
  };
  let seqNo = 0;

  it('of a card is ended at what its user can pay for, also at another gateway, and after a restart of that', async () => {
    const { identity, idTag, charger } = await withCard({ limitWh: 5_000 });
    const { transactionId } = await start(charger, idTag);
    const sessionId = await cardSessionAt(identity, 'StartTransaction');
    // It is what it was when the session began.
    limits.set(idTagCommitment(idTag, PEPPER), { limitWh: 2_000 });
    await meter(charger, transactionId, '2000');
    const moved = await connect(other, identity);
    await charger.closed;
    await meter(moved, transactionId, '5999');
    await authorise(moved, idTag);
    expect(callsTo(moved)).toEqual([]);
    await meter(moved, transactionId, '6000');
    const first = await nthCall(moved, 'RemoteStopTransaction', 1, 'Rejected');
    expect([stopCauseOf(first[1], sessionId), first[3]]).toEqual(['limit', { transactionId }]);

    await other.close();
    other = await startOneOfTwo(redis.url, 1, sources, mustPay, now);
    const back = await connect(other, identity);
    const again = await nthCall(back, 'RemoteStopTransaction');
    expect([stopCauseOf(again[1], sessionId), again[3], again[1] === first[1]]).toEqual([
      'limit',
      { transactionId },
      false,
    ]);
    await end(back, transactionId);
    await meter(back, transactionId, '7000');
    skewMs += 31_000;
    await authorise(back, idTag);
    expect(callsTo(back)).toHaveLength(1);
    const client = new Redis(redis.url);
    const key = `${OUTBOX_DEFAULTS.prefix}:card-sessions:${sources.registry.network}:${identity}`;
    await waitFor(async () => (await client.hlen(key)) === 0, { what: 'the session to be forgotten' });
    client.disconnect();
  });

  it.each(['ocpp2.0.1', 'ocpp2.1'])(
    'of a card is ended at what its user can pay for at a charger of %s',
    async (version) => {
      const { identity, idTag, charger } = await withCard({ limitWh: 5_000 }, version);
      const transactionInfo = { transactionId: `tx-${count}` };
      const shown = { transactionInfo, idToken: { idToken: idTag, type: 'ISO14443' } };
      // The car is plugged in first, and the connector told only then.
      await tell20(charger, 'Started', { transactionInfo, evse: { id: 1 } }, 1_000);
      const answer = await tell20(charger, 'Updated', shown);
      const limit = version === 'ocpp2.1' ? { transactionLimit: { maxEnergy: 5_000 } } : {};
      expect(answer).toEqual({ idTokenInfo: { status: 'Accepted' }, ...limit });
      await tell20(charger, 'Updated', { transactionInfo }, 1_001);
      await tell20(charger, 'Updated', { transactionInfo }, 6_001);
      const [, messageId, , payload] = await nthCall(charger, 'RequestStopTransaction');
      expect(payload).toEqual(transactionInfo);
      const events = await readEvents(redis.url);
      const opening = events.find((event) => event.charger === identity && event.frame.includes(idTag));
      const sessionId = cardSessionId(deviceIdOf(identity), BigInt(opening?.epoch ?? 0), BigInt(opening?.seq ?? 0));
      expect(stopCauseOf(messageId, sessionId)).toBe('limit');
    },
  );

  it('of a card has its limit asked for until that is known, wherever its charger is by then', async () => {
    const { identity, idTag, charger } = await withCard('unknown');
    const { transactionId } = await start(charger, idTag);
    await meter(charger, transactionId, '2000');
    const moved = await connect(other, identity);
    // Nothing of the session is kept yet but that the card has begun the transaction, and at which register.
    limits.set(idTagCommitment(idTag, PEPPER), { limitWh: 5_000 });
    const isAsked = async () => {
      await meter(moved, transactionId, '6000');
      return callsTo(moved).length > 0;
    };
    await waitFor(isAsked, { what: 'the charger to be asked to end it' });
    const [, messageId] = await nthCall(moved, 'RemoteStopTransaction');
    expect(stopCauseOf(messageId, await cardSessionAt(identity, 'StartTransaction'))).toBe('limit');
  });

  it('of a card is ended when no energy has flowed for an hour, whatever its user can pay for', async () => {
    for (const limit of ['unlimited', 'nothing'] as const) {
      const { identity, idTag, charger } = await withCard(limit);
      const { transactionId } = await start(charger, idTag);
      await meter(charger, transactionId, '90000');
      skewMs += 3_599_000;
      await meter(charger, transactionId, '90000');
      skewMs += 2_000;
      await meter(charger, transactionId, '90000');
      const [, messageId] = await nthCall(charger, 'RemoteStopTransaction');
      expect(stopCauseOf(messageId, await cardSessionAt(identity, 'StartTransaction'))).toBe('idle');
    }
  });

  it('of a card that can pay for nothing does not begin where cards must pay', async () => {
    const { identity, idTag, charger } = await withCard('nothing');
    expect(await authorise(charger, idTag)).toBe('Accepted');
    const moved = await connect(other, identity);
    expect([await authorise(moved, idTag), (await start(moved, idTag)).status]).toEqual(['Blocked', 'Blocked']);
    // What was accepted while nobody could say is ended.
    limits.set(idTagCommitment(idTag, PEPPER), 'unknown');
    const { status, transactionId } = await start(moved, idTag, { meterStart: 5 });
    limits.set(idTagCommitment(idTag, PEPPER), 'nothing');
    const stop = await nthCall(moved, 'RemoteStopTransaction');
    expect([status, stop[3]]).toEqual(['Accepted', { transactionId }]);
  });

  it('is one at a time for a card, at whichever gateway its chargers are', async () => {
    const idTag = `Accepted-${++count}`;
    const [charger, elsewhere] = [await connect(one, `CPsession${count}`), await connect(other, `CPsession${++count}`)];
    const { status, transactionId } = await start(charger, idTag);
    expect(status).toBe('Accepted');
    const statusElsewhere = async () => (await start(elsewhere, idTag, { meterStart: ++count })).status;
    await waitFor(async () => (await statusElsewhere()) === 'ConcurrentTx', { what: 'the card to be known as in use' });
    expect(await authorise(elsewhere, idTag)).toBe('Accepted');
    await end(charger, transactionId);
    await waitFor(async () => (await statusElsewhere()) === 'Accepted', { what: 'the card to be free' });
    await elsewhere.call('r', 'StatusNotification', { connectorId: 1, errorCode: 'NoError', status: 'Available' });
    const again = await start(charger, idTag, { meterStart: 9_000 });
    await waitFor(async () => (await statusElsewhere()) === 'ConcurrentTx', { what: 'the card to be in use again' });
    // It breaks its schema, and is kept all the same.
    const broken = { transactionId: again.transactionId, meterStop: 'many', timestamp: new Date(now()).toISOString() };
    expect(await charger.call('b', 'StopTransaction', broken)).toEqual([3, 'b', {}]);
    await waitFor(async () => (await statusElsewhere()) === 'Accepted', { what: 'the card to be free again' });
  });

  it('does not begin by a transaction of OCPP 2.x in which a card was accepted before', async () => {
    const identity = `CPsession${++count}`;
    const charger = await connectCharger(one.port, identity, { subprotocols: ['ocpp2.0.1'] });
    chargers.push(charger);
    const sessionId = await approve(identity, 'start-charge', encodeStartParams(1, 5_000n));
    await nthCall(charger, 'RequestStartTransaction');
    const shown = async (transactionId: string, seqNo: number, idToken: string) => {
      const change = { transactionInfo: { transactionId }, idToken: { idToken, type: 'Central' } };
      const event = transactionEvent(seqNo === 0 ? 'Started' : 'Updated', seqNo, {
        ...change,
        timestamp: new Date(now()).toISOString(),
      });
      const [, , answer] = await charger.call(randomBytes(4).toString('hex'), 'TransactionEvent', event);
      return (answer as { idTokenInfo: { status: string } }).idTokenInfo.status;
    };
    expect(await shown('card', 0, `Accepted-${count}`)).toBe('Accepted');
    await waitFor(async () => (await shown('card', 1, sessionTag(sessionId))) === 'Unknown', {
      what: 'the tag to be refused',
    });
    expect(await shown('own', 1, sessionTag(sessionId))).toBe('Accepted');
  });

  it.each<[string, Dialect]>([
    ['1.6', ocpp16],
    ['2.0.1', ocpp201],
  ])(
    'is ended at a charger of OCPP %s by another card of the user who began it, and by nobody else’s',
    async (_version, dialect) => {
      const identity = `CPsession${++count}`;
      const url = `ws://127.0.0.1:${one.port}`;
      const charger = startCharger({ url, identity, key: CHARGER_KEY, connectors: 1, dialect });
      try {
        await waitFor(() => charger.isOnline(), { what: 'the charger to be online' });
        await charger.settled();
        charger.plug(1, { battery: { capacityWh: 50_000, levelWh: 0 }, maxPowerW: 7_000 });
        expect(await charger.present(1, `Accepted${count}a+ADA`)).toBeUndefined();
        // The charger knows what the card has in common with others once its start is answered.
        await charger.settled();
        expect(await charger.present(1, `Accepted${count}b+BEN`)).toBe('another card began this transaction');
        expect(charger.connector(1).transaction).toBeDefined();
        expect(await charger.present(1, `Accepted${count}c+ADA`)).toBeUndefined();
        expect(charger.connector(1).transaction).toBeUndefined();
        await charger.settled();
      } finally {
        await charger.close();
      }
    },
  );
});
