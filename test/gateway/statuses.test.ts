import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import type { OcppVersion } from '../../core/ocpp-version.ts';
import type { Command, CommandEnd } from '../../ocpp-gateway/charger-calls.ts';
import { DIALECTS } from '../../ocpp-gateway/dialects.ts';
import type { RunningGateway } from '../../ocpp-gateway/gateway.ts';
import { makeStatusCatchUp } from '../../ocpp-gateway/status-catch-up.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';
import { connectCharger, type RawCharger, silentLog, startTestGateway } from './support.ts';

const ACCEPTED: CommandEnd = { kind: 'result', payload: '{"status":"Accepted"}' };
const status = (connectorId: number) => ({ connectorId, errorCode: 'NoError', status: 'Available' });

const isEvent = (payload: unknown) => payload !== null && typeof payload === 'object' && 'eventData' in payload;

describe('the statuses of a charger that has connected', () => {
  /** What is asked of a charger that has `known` connectors and tells `told` by itself. */
  const asked = async (
    known: number | readonly number[] | undefined,
    told: unknown[],
    end: (nth: number) => CommandEnd = () => ACCEPTED,
    version: OcppVersion = 'ocpp1.6',
    wasOut = false,
  ) => {
    const payloads: unknown[] = [];
    const saved: (readonly number[])[] = [];
    const out: boolean[] = [];
    const over = Promise.withResolvers<void>();
    const catchUp = makeStatusCatchUp({
      charger: 'CP1',
      dialect: DIALECTS[version],
      settleMs: 1,
      memory: {
        load: async () => {
          // Whatever is asked is asked at once.
          setTimeout(over.resolve, 5);
          return typeof known === 'number' ? new Array<number>(known).fill(1) : known;
        },
        save: async (_charger, parts) => void saved.push(parts),
        isOut: async () => wasOut,
        setOut: async (_charger, isOut) => void out.push(isOut),
      },
      command: async ({ action, payload }: Command) => {
        expect(action).toBe('TriggerMessage');
        payloads.push(JSON.parse(payload));
        return end(payloads.length);
      },
      log: silentLog,
      now: () => 0,
    });
    for (const payload of told) catchUp.reported(isEvent(payload) ? 'NotifyEvent' : 'StatusNotification', payload);
    await over.promise;
    catchUp.close();
    return { payloads, saved, out };
  };
  const trigger = (connectorId?: number) => ({
    requestedMessage: 'StatusNotification',
    ...(connectorId && { connectorId }),
  });

  it('are asked for all at once where none was ever told', async () => {
    expect(await asked(undefined, [])).toMatchObject({ payloads: [trigger()], saved: [] });
    expect(await asked(undefined, [status(0)])).toMatchObject({ payloads: [trigger()], saved: [] });
  });

  it('are asked for connector by connector, those alone that were told before and are not now', async () => {
    expect(await asked(3, [status(2), status(0)])).toMatchObject({ payloads: [trigger(1), trigger(3)], saved: [] });
    expect(await asked(3, [1, 2, 3].map(status))).toMatchObject({ payloads: [], saved: [] });
    expect(await asked(2, [status(4), status(1)])).toMatchObject({
      payloads: [trigger(2), trigger(3)],
      saved: [[1, 1, 1, 1]],
    });
  });

  it('are not asked for any more once the charger shows that it does not know the message, or says nothing', async () => {
    for (const end of [
      { kind: 'error', code: 'NotImplemented', description: '' },
      { kind: 'silent' },
    ] as CommandEnd[]) {
      expect((await asked(3, [], () => end)).payloads).toEqual([trigger(1)]);
    }
    const rejected: CommandEnd = { kind: 'result', payload: '{"status":"Rejected"}' };
    expect((await asked(2, [], () => rejected)).payloads).toEqual([trigger(1), trigger(2)]);
  });

  it('are asked for all where the charger as a whole was last told to be out of use, and does not tell itself', async () => {
    const station = (reported: string) => ({ ...status(0), status: reported });
    const all = [1, 2].map(status);
    const ask = async (...told: unknown[]) => {
      const { payloads, out } = await asked(2, told, undefined, 'ocpp1.6', true);
      return { payloads, out };
    };
    expect(await ask(...all)).toEqual({ payloads: [trigger()], out: [] });
    expect(await ask(status(2))).toEqual({ payloads: [trigger(), trigger(1)], out: [] });
    expect(await ask(...all, station('Unavailable'))).toEqual({ payloads: [], out: [true] });
    expect(
      await ask(...all, station('Faulted'), station('Unavailable'), station('Available'), station('Available')),
    ).toEqual({ payloads: [], out: [true, false] });
    expect((await asked(undefined, [], undefined, 'ocpp1.6', true)).payloads).toEqual([trigger()]);
    const refused: CommandEnd = { kind: 'error', code: 'PropertyConstraintViolation', description: '' };
    expect((await asked(1, [], () => refused, 'ocpp1.6', true)).payloads).toEqual([trigger(), trigger(1)]);
  });

  it('of the charger as a whole are known in OCPP 2.x, too', async () => {
    const event = (actualValue: string, component: object) => ({
      eventData: [{ component, variable: { name: 'AvailabilityState' }, actualValue }],
    });
    const told = [
      event('Unavailable', { name: 'ChargingStation' }),
      event('Available', { name: 'EVSE', evse: { id: 1 } }),
      { evseId: 0, connectorId: 0, connectorStatus: 'Available' },
    ];
    expect(await asked(1, told, undefined, 'ocpp2.1')).toEqual({ payloads: [], saved: [], out: [true, false] });
    expect((await asked(1, told.slice(1, 2), undefined, 'ocpp2.1', true)).payloads).toEqual([trigger()]);
  });

  it('are asked for by EVSE in OCPP 2.x', async () => {
    const told = [{ evseId: 1, connectorId: 1, connectorStatus: 'Available' }];
    expect((await asked(2, told, undefined, 'ocpp2.0.1')).payloads).toEqual([
      { requestedMessage: 'StatusNotification', evse: { id: 2, connectorId: 1 } },
    ]);
  });

  it('are asked for by each connector of an EVSE, also where some were told by NotifyEvent', async () => {
    const evse = (id: number, connectorId?: number) => ({
      component: { name: 'Connector', evse: { id, connectorId } },
      variable: { name: 'AvailabilityState' },
      actualValue: 'Available',
    });
    const ask = (id: number, connectorId: number) => ({
      requestedMessage: 'StatusNotification',
      evse: { id, connectorId },
    });
    const told = [{ evseId: 1, connectorId: 2, connectorStatus: 'Available' }, { eventData: [evse(2, 1), evse(3)] }];
    expect(await asked([1, 2, 2], told, undefined, 'ocpp2.1')).toMatchObject({
      payloads: [ask(1, 1), ask(2, 2)],
      saved: [[2, 2, 2]],
    });
  });

  it('are not asked for one by one where a charger tells connectors without end, nor by what is no connector', async () => {
    const many = Array.from({ length: 1_000 }, (_, i) => status(i + 1));
    expect((await asked(undefined, many)).payloads).toEqual([]);
    expect(await asked(undefined, [null, 7, status(-1), status(0.5), { connectorId: '1' }])).toMatchObject({
      payloads: [trigger()],
      saved: [],
    });
  });
});

describe('a gateway whose chargers come back', () => {
  let redis: TestRedis;
  let gateway: RunningGateway;
  let client: Redis;

  beforeAll(async () => {
    redis = await startRedis();
    client = new Redis(redis.url);
    gateway = await startTestGateway(redis.url, { STATUS_SETTLE_MS: '100', MAX_CONNECTS_PER_MIN: '0' });
  });
  afterAll(async () => {
    client.disconnect();
    await gateway.close();
    await redis.close();
  });

  it('asks for the connectors that they are known to have, one after the other', async () => {
    const kept = await waitFor(
      async () => {
        // On a busy machine it may be asked before it tells.
        const charger = await connectCharger(gateway.port, 'CP2');
        await charger.call('s2', 'StatusNotification', status(2));
        await waitFor(() => charger.received.some((text) => text.includes('TriggerMessage')), { what: 'a question' });
        await charger.close();
        const [key] = await client.keys('*:connectors:*');
        return key !== undefined && (await client.hget(key, 'CP2'));
      },
      { what: 'its connectors to be kept' },
    );
    expect(kept).toBe('[1,1]');

    const silent = await connectCharger(gateway.port, 'CP2');
    for (const connectorId of [1, 2]) {
      const [, id, , payload] = (await waitFor(
        () =>
          silent.received.map((text) => JSON.parse(text)).filter((frame) => frame[2] === 'TriggerMessage')[
            connectorId - 1
          ],
        { what: `question ${connectorId}` },
      )) as [2, string, string, object];
      expect(payload).toEqual({ requestedMessage: 'StatusNotification', connectorId });
      silent.send([3, id, { status: 'Accepted' }]);
    }
    await silent.close();
  });

  it('asks for all that it knows to be out of use as a whole, and takes no status for told that it has refused', async () => {
    const questions = (charger: RawCharger) => charger.received.filter((text) => text.includes('TriggerMessage'));
    const charger = await connectCharger(gateway.port, 'CP3');
    await charger.call('s0', 'StatusNotification', { ...status(0), status: 'Unavailable' });
    await waitFor(async () => (await client.keys('*:out:*')).length > 0, { what: 'the status to be kept' });
    await charger.close();

    const back = await connectCharger(gateway.port, 'CP3');
    await back.call('s1', 'StatusNotification', status(1));
    expect((await back.call('s2', 'StatusNotification', { ...status(0), status: 'Fine' }))[0]).toBe(4);
    const asked = await waitFor(() => questions(back)[0], { what: 'the question' });
    expect(JSON.parse(asked)[3]).toEqual({ requestedMessage: 'StatusNotification' });
    await back.call('s3', 'StatusNotification', status(0));
    await waitFor(async () => (await client.keys('*:out:*')).length === 0, { what: 'the status to be forgotten' });
    await back.close();
  });
});
