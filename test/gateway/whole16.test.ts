import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeEvent } from '../../core/charger-event.ts';
import { deriveFacts } from '../../core/derive-facts.ts';
import { DIALECT_16 } from '../../ocpp-gateway/answers16.ts';
import { chargerActions } from '../../ocpp-gateway/dialect.ts';
import type { RunningGateway } from '../../ocpp-gateway/gateway.ts';
import { payloadCheck } from '../../ocpp-gateway/payload-checks.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';
import { exchanged, messagesTested } from './messages-tested.ts';
import { FROM_CHARGER_16, TO_CHARGER_16 } from './samples16.ts';
import { connectCharger, type RawCharger, readBatches, startTestGateway } from './support.ts';

const { fromCharger, toCharger } = messagesTested('ocpp1.6');

describe('the whole of OCPP 1.6 with its security extension', () => {
  let redis: TestRedis;
  let gateway: RunningGateway;
  let charger: RawCharger;

  beforeAll(async () => {
    redis = await startRedis();
    gateway = await startTestGateway(redis.url);
    charger = await connectCharger(gateway.port, 'CPwhole');
  });
  afterAll(async () => {
    await charger.close();
    await gateway.close();
    await redis.close();
  });

  /** The last event on record. */
  const lastEvent = async () => {
    const lines = (await readBatches(redis.url)).flatMap(({ events }) => events);
    return decodeEvent(lines.at(-1) as string);
  };

  it('is known by heart: 28 messages of the edition and 11 of the whitepaper', () => {
    expect(fromCharger).toEqual(chargerActions(DIALECT_16));
    expect(toCharger).toEqual([...DIALECT_16.commands].sort());
    expect(new Set([...chargerActions(DIALECT_16), ...DIALECT_16.commands]).size).toBe(28 + 11);
  });

  it.each(fromCharger)('takes %s in: answered, on record and understood', async (action) => {
    const { request, response } = FROM_CHARGER_16[action] as NonNullable<(typeof FROM_CHARGER_16)[string]>;
    const id = `from-${action}`;
    const [type, , payload] = await charger.call(id, action, request);
    expect(type).toBe(3);
    const { currentTime: _, transactionId: __, ...rest } = payload as Record<string, unknown>;
    expect(rest).toEqual(response);
    const event = await lastEvent();
    expect(event).toMatchObject({ kind: 'call', frame: JSON.stringify([2, id, action, request]) });
    expect(deriveFacts(event, 'ocpp1.6')).not.toMatchObject([{ kind: 'unusable' }]);
  });

  it.each(toCharger)('sends %s: checked, answered, on record and understood', async (action) => {
    const { request, response } = TO_CHARGER_16[action] as NonNullable<(typeof TO_CHARGER_16)[string]>;
    const check = payloadCheck('ocpp1.6', action);
    expect(check(request)).toBeUndefined();
    expect(payloadCheck('ocpp1.6', action, 'response')(response)).toBeUndefined();
    expect(check({ ...request, more: 1 })?.code).toBe('FormationViolation');
    const before = charger.received.length;
    const payload = JSON.stringify(request);
    const end = gateway.command('CPwhole', { action, payload, deadlineMs: Date.now() + 60_000 });
    const call = await waitFor(() => charger.received[before], { what: 'the command to reach the charger' });
    const [, id] = JSON.parse(call) as [number, string];
    expect(call).toBe(`[2,"${id}","${action}",${payload}]`);
    charger.send([3, id, response]);
    expect(await end).toEqual({ kind: 'result', payload: JSON.stringify(response) });
    const event = await lastEvent();
    expect(event).toMatchObject({ kind: 'answer', reply: call, frame: JSON.stringify([3, id, response]) });
    const status = 'status' in response ? { status: response.status } : {};
    expect(deriveFacts(event, 'ocpp1.6')[0]).toEqual({ kind: 'answered', action, outcome: 'result', ...status });
  });

  it('has gone over the socket, every message of it, in each direction that it has', () => {
    expect(exchanged(charger)).toEqual({ fromCharger, toCharger });
  });
});
