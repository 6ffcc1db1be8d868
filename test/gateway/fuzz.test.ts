import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { OCPP_VERSIONS, type OcppVersion } from '../../core/ocpp-version.ts';
import { DIALECTS } from '../../ocpp-gateway/dialects.ts';
import { parseFrame } from '../../ocpp-gateway/frame.ts';
import type { RunningGateway } from '../../ocpp-gateway/gateway.ts';
import { payloadCheck } from '../../ocpp-gateway/payload-checks.ts';
import { speakAll } from '../../ocpp-gateway/spoken.ts';
import { register, transactionEvent } from '../core/samples20.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';
import { SEND_21 } from './samples20.ts';
import { connectCharger, type RawCharger, readEvents, startTestGateway } from './support.ts';

const CODES = ['NotImplemented', 'NotSupported', 'PropertyConstraintViolation', 'TypeConstraintViolation'];
const CODES_16 = [...CODES, 'FormationViolation', 'OccurenceConstraintViolation'];
const CODES_20 = [...CODES, 'FormatViolation', 'OccurrenceConstraintViolation', 'RpcFrameworkError'];

const TIME = '2026-03-01T12:00:00Z';

type Valid = [action: string, payload: object];

const VALID_16: Valid[] = [
  ['Heartbeat', {}],
  ['BootNotification', { chargePointVendor: 'v', chargePointModel: 'm' }],
  ['StatusNotification', { connectorId: 1, errorCode: 'NoError', status: 'Charging' }],
  ['Authorize', { idTag: 'Accepted' }],
  ['StartTransaction', { connectorId: 1, idTag: 'Accepted', meterStart: 0, timestamp: TIME }],
  ['StopTransaction', { transactionId: 1, meterStop: 1, timestamp: TIME }],
  ['MeterValues', { connectorId: 1, meterValue: [{ timestamp: TIME, sampledValue: [{ value: '1' }] }] }],
];

const idToken = { idToken: 'Accepted', type: 'Central' };
const meterValue = [{ timestamp: TIME, sampledValue: [register(1)] }];

const VALID_20: Valid[] = [
  ['Heartbeat', {}],
  ['BootNotification', { reason: 'PowerUp', chargingStation: { vendorName: 'v', model: 'm' } }],
  ['StatusNotification', { timestamp: TIME, connectorStatus: 'Occupied', evseId: 1, connectorId: 1 }],
  ['Authorize', { idToken }],
  ['TransactionEvent', transactionEvent('Started', 0, { evse: { id: 1 }, idToken, meterValue })],
  ['TransactionEvent', transactionEvent('Updated', 1, { offline: true, meterValue })],
  ['TransactionEvent', transactionEvent('Ended', 2)],
  ['MeterValues', { evseId: 1, meterValue }],
];

const VALID: Readonly<Record<OcppVersion, Valid[]>> = {
  'ocpp1.6': VALID_16,
  'ocpp2.0.1': VALID_20,
  'ocpp2.1': [...VALID_20, [SEND_21, { id: 1, pending: 0, basetime: TIME, data: [{ t: 0, v: '1' }] }]],
};

const anyText = fc.string({ unit: 'binary', maxLength: 300 });
const anyAction = (version: OcppVersion) =>
  fc.oneof(
    fc.constantFrom(...Object.keys(DIALECTS[version].answers), SEND_21, 'Reset', '__proto__', 'toString'),
    fc.string(),
  );

/** A valid payload of which one member is gone, of another type, or one that was not there. */
const almostValid = (version: OcppVersion) =>
  fc
    .tuple(fc.constantFrom(...VALID[version]), fc.nat(), fc.constantFrom('drop', 'change', 'add'), fc.jsonValue())
    .map(([[action, payload], nth, how, value]): [string, unknown] => {
      const names = Object.keys(payload);
      const name = how === 'add' || names.length === 0 ? `x${nth}` : (names[nth % names.length] as string);
      const { [name]: _, ...rest } = payload as Record<string, unknown>;
      return [action, how === 'drop' ? rest : { ...rest, [name]: value }];
    });

/** As a CALL, or as the SEND that it is. */
const framed = (id: string, [action, payload]: [string, unknown]) =>
  JSON.stringify([action === SEND_21 ? 6 : 2, id, action, payload]);

/** What a charger may send, from noise to a good message; `id` makes the good ones tell apart. */
const anyFrame = (version: OcppVersion, id: string) => {
  const valid = fc.constantFrom(...VALID[version]).map((message) => framed(id, message));
  return fc.oneof(
    anyText,
    fc.json(),
    fc.array(fc.jsonValue(), { maxLength: 6 }).map((parts) => JSON.stringify(parts)),
    fc
      .tuple(fc.constantFrom(2, 3, 4, 5, 6, -1, 2.5), fc.jsonValue(), anyAction(version), fc.jsonValue())
      .map((f) => JSON.stringify(f)),
    fc
      .tuple(fc.constantFrom(2, 2, 6), anyAction(version), fc.jsonValue())
      .map(([type, action, payload]) => JSON.stringify([type, id, action, payload])),
    almostValid(version).map((message) => framed(id, message)),
    valid,
    valid.map((text) => text.slice(0, -3)),
  );
};

const spoken = speakAll();

/** Whether a frame is recorded and not answered. */
function isSend(version: OcppVersion, text: string): boolean {
  const frame = parseFrame(text);
  if (frame.kind !== 'send' || !DIALECTS[version].sends.has(frame.action)) return false;
  const isSound = payloadCheck(version, frame.action)(frame.payload) === undefined;
  return isSound || spoken[version].forgive(frame.action, frame.payload) !== undefined;
}

describe('a gateway under thousands of frames that nobody should send', () => {
  let redis: TestRedis;
  let gateway: RunningGateway;
  const chargers = new Map<OcppVersion, RawCharger>();

  beforeAll(async () => {
    redis = await startRedis();
    gateway = await startTestGateway(redis.url, { MAX_BAD_MESSAGES: '100000', MAX_MESSAGES_PER_SEC: '100000' });
    for (const version of OCPP_VERSIONS) {
      const charger = await connectCharger(gateway.port, `CPfuzz-${version}`, { subprotocols: [version] });
      chargers.set(version, charger);
    }
  });
  afterAll(async () => {
    await Promise.all([...chargers.values()].map((charger) => charger.close()));
    await gateway.close();
    await redis.close();
  });

  it('answers each as OCPP-J says, records what it must and nothing else, and lives on', async () => {
    let round = 0;
    const heard = new Map(OCPP_VERSIONS.map((version) => [version, [] as string[]]));
    const anyRound = fc.constantFrom(...OCPP_VERSIONS).chain((version) => {
      round += 1;
      const frames = Array.from({ length: 25 }, (_, i) => anyFrame(version, `f${round}-${i}`));
      return fc.tuple(fc.constant(version), fc.tuple(...frames));
    });
    await fc.assert(
      fc.asyncProperty(anyRound, async ([version, frames]) => {
        const charger = chargers.get(version) as RawCharger;
        const codes = version === 'ocpp1.6' ? CODES_16 : CODES_20;
        charger.received.length = 0;
        charger.send(...frames);
        await charger.call(`end${charger.sent.length}`, 'Heartbeat', {});
        heard.get(version)?.push(...charger.received);
        const answers = charger.received.map((text) => JSON.parse(text) as [number, string, string]);
        for (const answer of answers) {
          if (answer[0] === 4) expect(codes).toContain(answer[2]);
          else expect(answer[0]).toBe(3);
        }
        const parsed = frames.map(parseFrame);
        const expected = parsed.filter(({ kind }) => ['call', 'malformed'].includes(kind)).length;
        const sends = version === 'ocpp2.1' ? ['call', 'send'] : ['call'];
        const ids = parsed.flatMap((frame) =>
          sends.includes(frame.kind) && 'messageId' in frame ? [frame.messageId] : [],
        );
        // A call whose id is in flight already is answered with the first.
        if (new Set(ids).size === ids.length) expect(answers).toHaveLength(expected + 1);
      }),
      { numRuns: 150, endOnFailure: true },
    );
    const sentInAll = [...chargers.values()].reduce((sum, { sent }) => sum + sent.length, 0);
    expect(sentInAll).toBeGreaterThanOrEqual(3_750);
    for (const [version, { sent }] of chargers) {
      const sends = sent.filter((text) => isSend(version, text));
      // What is not answered may not be on record yet.
      const recorded = await waitFor(
        async () => {
          const events = (await readEvents(redis.url)).filter(({ charger }) => charger === `CPfuzz-${version}`);
          return events.filter(({ reply }) => reply === '').length > sends.length && events.slice(1);
        },
        { what: 'every SEND to be on record' },
      );
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
      expect(recorded.flatMap(({ reply, frame }) => (reply === '' ? [frame] : []))).toEqual(sends);
      const isResult = (text: string) => text.startsWith('[3,');
      expect(recorded.map(({ reply }) => reply).filter(isResult)).toEqual(heard.get(version)?.filter(isResult));
    }
    expect(gateway.health().status).toBe('green');
  }, 120_000);
});
