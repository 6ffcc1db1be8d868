import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DIALECT_16 } from '../../ocpp-gateway/answers16.ts';
import { parseFrame } from '../../ocpp-gateway/frame.ts';
import type { RunningGateway } from '../../ocpp-gateway/gateway.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { connectCharger, type RawCharger, readEvents, startTestGateway } from './support.ts';

const CODES_16 = [
  'NotImplemented',
  'NotSupported',
  'FormationViolation',
  'PropertyConstraintViolation',
  'OccurenceConstraintViolation',
  'TypeConstraintViolation',
];

const VALID: [string, object][] = [
  ['Heartbeat', {}],
  ['BootNotification', { chargePointVendor: 'v', chargePointModel: 'm' }],
  ['StatusNotification', { connectorId: 1, errorCode: 'NoError', status: 'Charging' }],
  ['Authorize', { idTag: 'Accepted' }],
  ['StartTransaction', { connectorId: 1, idTag: 'Accepted', meterStart: 0, timestamp: '2026-03-01T12:00:00Z' }],
  ['StopTransaction', { transactionId: 1, meterStop: 1, timestamp: '2026-03-01T12:00:00Z' }],
  [
    'MeterValues',
    { connectorId: 1, meterValue: [{ timestamp: '2026-03-01T12:00:00Z', sampledValue: [{ value: '1' }] }] },
  ],
];

const anyText = fc.string({ unit: 'binary', maxLength: 300 });
const anyAction = fc.oneof(
  fc.constantFrom(...Object.keys(DIALECT_16.answers), 'Reset', '__proto__', 'toString'),
  fc.string(),
);

/** A valid payload of which one member is gone, of another type, or one that was not there. */
const almostValid = fc
  .tuple(fc.constantFrom(...VALID), fc.nat(), fc.constantFrom('drop', 'change', 'add'), fc.jsonValue())
  .map(([[action, payload], nth, how, value]): [string, unknown] => {
    const names = Object.keys(payload);
    const name = how === 'add' || names.length === 0 ? `x${nth}` : (names[nth % names.length] as string);
    const { [name]: _, ...rest } = payload as Record<string, unknown>;
    return [action, how === 'drop' ? rest : { ...rest, [name]: value }];
  });

/** What a charger may send, from noise to a good message; `id` makes the good ones tell apart. */
const anyFrame = (id: string) =>
  fc.oneof(
    anyText,
    fc.json(),
    fc.array(fc.jsonValue(), { maxLength: 6 }).map((parts) => JSON.stringify(parts)),
    fc
      .tuple(fc.constantFrom(2, 3, 4, 5, -1, 2.5), fc.jsonValue(), anyAction, fc.jsonValue())
      .map((f) => JSON.stringify(f)),
    fc.tuple(anyAction, fc.jsonValue()).map(([action, payload]) => JSON.stringify([2, id, action, payload])),
    almostValid.map(([action, payload]) => JSON.stringify([2, id, action, payload])),
    fc.constantFrom(...VALID).map(([action, payload]) => JSON.stringify([2, id, action, payload])),
    fc.constantFrom(...VALID).map(([action, payload]) => `${JSON.stringify([2, id, action, payload]).slice(0, -3)}`),
  );

describe('a gateway under thousands of frames that nobody should send', () => {
  let redis: TestRedis;
  let gateway: RunningGateway;
  let charger: RawCharger;

  beforeAll(async () => {
    redis = await startRedis();
    gateway = await startTestGateway(redis.url, { MAX_BAD_MESSAGES: '100000', MAX_MESSAGES_PER_SEC: '100000' });
    charger = await connectCharger(gateway.port, 'CPfuzz');
  });
  afterAll(async () => {
    await charger.close();
    await gateway.close();
    await redis.close();
  });

  it('answers each as OCPP-J says, records what it must and nothing else, and lives on', async () => {
    let round = 0;
    const sent: string[] = [];
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat({ max: 0 }), { minLength: 25, maxLength: 25 }).chain((slots) => {
          round += 1;
          return fc.tuple(...slots.map((_, i) => anyFrame(`f${round}-${i}`)));
        }),
        async (frames) => {
          charger.received.length = 0;
          charger.send(...frames);
          const end = `end${round}-${sent.length}`;
          await charger.call(end, 'Heartbeat', {});
          const answers = charger.received.map((text) => JSON.parse(text) as [number, string, string]);
          for (const answer of answers) {
            if (answer[0] === 4) expect(CODES_16).toContain(answer[2]);
            else expect(answer[0]).toBe(3);
          }
          const expected = frames.filter((text) => ['call', 'malformed'].includes(parseFrame(text).kind)).length;
          const ids = frames.map(parseFrame).flatMap((frame) => (frame.kind === 'call' ? [frame.messageId] : []));
          // A call whose id is in flight already is answered with the first.
          if (new Set(ids).size === ids.length) expect(answers).toHaveLength(expected + 1);
          sent.push(...frames, JSON.stringify([2, end, 'Heartbeat', {}]));
        },
      ),
      { numRuns: 200, endOnFailure: true },
    );
    expect(sent.length).toBeGreaterThanOrEqual(5_000);
    const recorded = (await readEvents(redis.url)).filter(({ seq }) => seq > 0);
    const order = new Map<string, number[]>();
    for (const [i, text] of sent.entries()) order.set(text, [...(order.get(text) ?? []), i]);
    let last = -1;
    for (const { frame, kind } of recorded) {
      expect(['call', 'suspect']).toContain(kind);
      const next = order.get(frame)?.find((place) => place > last);
      expect(next).toBeDefined();
      last = next as number;
    }
    expect(recorded.map(({ seq }) => seq)).toEqual(recorded.map((_, i) => i + 1));
    expect(gateway.health().status).toBe('green');
  }, 120_000);
});
