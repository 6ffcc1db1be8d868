import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { deriveFacts } from '../../core/derive-facts.ts';
import { OCPP_VERSIONS, type OcppVersion } from '../../core/ocpp-version.ts';
import { chargerActions } from '../../ocpp-gateway/dialect.ts';
import { DIALECTS } from '../../ocpp-gateway/dialects.ts';
import { forgive, MOST_BREAKS } from '../../ocpp-gateway/forgiving.ts';
import { payloadBreaks, payloadCheck } from '../../ocpp-gateway/payload-checks.ts';
import { factsOf, transactionEvent } from '../core/samples20.ts';
import { FROM_CHARGER_16 } from './samples16.ts';
import { payloads20 } from './samples20.ts';

const forgiven16 = (action: string, payload: unknown) => forgive(payload, payloadBreaks('ocpp1.6', action));
const STOP = { transactionId: 1, meterStop: 5, timestamp: '2026-03-01T12:00:00Z' };

/** Every message of every version, with a payload that passes its schema. */
const VALID = OCPP_VERSIONS.flatMap((version) => {
  const least = version === 'ocpp1.6' ? undefined : payloads20(version);
  return chargerActions(DIALECTS[version]).map((action) => {
    const payload = least === undefined ? FROM_CHARGER_16[action]?.request : least.request(action);
    return { version, action, payload };
  });
});

/** A payload with some of its members, at any depth, of another value, gone, or added. */
function spoiled(value: unknown): fc.Arbitrary<unknown> {
  const anything = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constant(null), fc.constant('17'), fc.constant(1.5));
  const kept = Array.isArray(value)
    ? fc.tuple(...value.map(spoiled))
    : typeof value === 'object' && value !== null
      ? fc
          .record(Object.fromEntries(Object.entries(value).map(([name, member]) => [name, spoiled(member)])), {
            requiredKeys: [],
          })
          .chain((members) =>
            fc.dictionary(fc.string(), anything, { maxKeys: 1 }).map((more) => ({ ...more, ...members })),
          )
      : fc.constant(value);
  return fc.oneof({ weight: 12, arbitrary: kept }, { weight: 1, arbitrary: anything });
}

describe('what is forgiven', () => {
  it('is named by its place in the schema, each but once and without its value', () => {
    const sample = { value: '1', unit: 'SECRET' };
    const transactionData = [{ timestamp: 'SECRET', sampledValue: [sample, sample, { value: '2' }] }];
    expect(forgiven16('StopTransaction', { ...STOP, idTag: null, SECRET: 1, transactionData })).toEqual({
      payload: {
        ...STOP,
        transactionData: [{ timestamp: 'SECRET', sampledValue: [{ value: '1' }, { value: '1' }, { value: '2' }] }],
      },
      what: [
        'additionalProperties',
        '/idTag type',
        '/transactionData/*/timestamp format',
        '/transactionData/*/sampledValue/*/unit enum',
      ],
    });
  });

  it('is a bad sample, its meter value if it has no other, and all of them if none has', () => {
    const meterValue = (...sampledValue: object[]) => ({ timestamp: STOP.timestamp, sampledValue });
    const ended = transactionEvent('Ended', 3);
    const breaks = payloadBreaks('ocpp2.0.1', 'TransactionEvent');
    const left = (...values: object[]) => forgive({ ...ended, meterValue: values }, breaks)?.payload;
    const good = meterValue({ value: 1 });
    expect(left(meterValue({ value: 1 }, {}))).toEqual({ ...ended, meterValue: [good] });
    expect(left(meterValue({}), good)).toEqual({ ...ended, meterValue: [good] });
    expect(left(meterValue({}))).toEqual(ended);
    expect(
      forgive({ evseId: 1, meterValue: [meterValue({})] }, payloadBreaks('ocpp2.0.1', 'MeterValues')),
    ).toBeUndefined();
  });

  it('is no id that would have to be guessed, and no certificate', () => {
    expect(forgiven16('StopTransaction', { ...STOP, transactionId: 1.5 })).toBeUndefined();
    expect(forgiven16('StopTransaction', { ...STOP, meterStop: '5 kWh' })).toBeUndefined();
    const authorize = { idToken: { idToken: 'A', type: 'ISO14443' } };
    const breaks = payloadBreaks('ocpp2.0.1', 'Authorize');
    expect(forgive({ ...authorize, certificate: 'x'.repeat(5_501) }, breaks)).toBeUndefined();
    expect(forgive({ ...authorize, certificate: null }, breaks)?.payload).toEqual(authorize);
    const event = transactionEvent('Started', 0, { idToken: { idToken: 'A', type: 'RFID' } });
    expect(forgive(event, payloadBreaks('ocpp2.0.1', 'TransactionEvent'))?.payload).not.toHaveProperty('idToken');
    const request = { csr: 'x', certificateType: 'V2GCertificates' };
    expect(forgive(request, payloadBreaks('ocpp2.0.1', 'SignCertificate'))).toBeUndefined();
  });

  it('is no EVSE that cannot be read, so that operators read no less of a transaction than is answered', () => {
    for (const version of ['ocpp2.0.1', 'ocpp2.1'] as const) {
      const breaks = payloadBreaks(version, 'TransactionEvent');
      for (const id of ['A1', 1.5, {}]) {
        expect(forgive(transactionEvent('Started', 0, { evse: { id } }), breaks)).toBeUndefined();
      }
      for (const evse of [{ id: null }, { id: null, connectorId: 1 }, {}, null, 'A1']) {
        const payload = transactionEvent('Started', 0, { evse });
        expect(forgive(payload, breaks)?.payload).not.toHaveProperty('evse');
        const [fact] = factsOf('TransactionEvent', payload, {}, version);
        expect(fact).toMatchObject({ kind: 'transaction-started' });
        expect(fact).not.toHaveProperty('connector');
      }
    }
  });

  it('takes few rounds, however many samples are bad', () => {
    const sampledValue = Array.from({ length: 5_000 }, () => ({ value: 1, unit: '%', measurand: 'SoC' }));
    const transactionData = [{ timestamp: STOP.timestamp, sampledValue }];
    let rounds = 0;
    const breaks = payloadBreaks('ocpp1.6', 'StopTransaction');
    const found = forgive({ ...STOP, transactionData }, (payload) => {
      rounds += 1;
      return breaks(payload);
    });
    expect(found?.what).toHaveLength(2);
    expect(rounds).toBe(2);
  });

  describe('is not looked for on and on', () => {
    const METER = OCPP_VERSIONS.map((version) => {
      const place = version === 'ocpp1.6' ? { connectorId: 1 } : { evseId: 1 };
      return { version, meter: (meterValue: unknown) => ({ ...place, meterValue }) };
    });
    /** How often a payload is checked, how many breaks that tells, and how many items of its list it reads. */
    const costOf = (version: OcppVersion, meter: (list: unknown) => unknown, list: unknown[]) => {
      const cost = { rounds: 0, told: 0, read: 0 };
      const counting = new Proxy(list, {
        get: (target, name) => {
          if (typeof name === 'string' && /^\d+$/.test(name)) cost.read += 1;
          return Reflect.get(target, name);
        },
      });
      const breaks = payloadBreaks(version, 'MeterValues');
      const found = forgive(meter(counting), (payload) => {
        const told = breaks(payload);
        cost.rounds += 1;
        cost.told += told.length;
        return told;
      });
      expect(found).toBeUndefined();
      return cost;
    };

    it.each(METER)('where all is wrong: $version', ({ version, meter }) => {
      for (const item of [0, {}]) {
        const { rounds, told, read } = costOf(version, meter, Array(20_000).fill(item));
        expect(rounds).toBe(1);
        expect(told).toBeGreaterThan(MOST_BREAKS);
        expect(told).toBeLessThan(MOST_BREAKS + 10);
        expect(read).toBeLessThanOrEqual(MOST_BREAKS + 1);
      }
      const samples = (sampledValue: unknown) => meter([{ timestamp: STOP.timestamp, sampledValue }]);
      expect(costOf(version, samples, Array(20_000).fill({})).read).toBeLessThanOrEqual(MOST_BREAKS + 1);
    });

    // In 1.6 an empty list passes.
    it.each(METER.filter(({ version }) => version !== 'ocpp1.6'))(
      'where each round of it leaves as much wrong: $version',
      ({ version, meter }) => {
        const meterValue = { timestamp: STOP.timestamp, sampledValue: [{}] };
        const { rounds, told } = costOf(version, meter, Array(5_000).fill(meterValue));
        expect([rounds, told]).toEqual([3, 15_000]);
      },
    );
  });

  it('of any payload leaves one that passes or none, leaves a valid one alone, and needs no second time', () => {
    const broken = fc
      .constantFrom(...VALID)
      .chain(({ version, action, payload }) =>
        fc.record({ version: fc.constant(version), action: fc.constant(action), payload: spoiled(payload) }),
      );
    fc.assert(
      fc.property(broken, ({ version, action, payload }) => {
        const breaks = payloadBreaks(version, action);
        const before = JSON.stringify(payload);
        const found = forgive(payload, breaks);
        expect(JSON.stringify(payload)).toBe(before);
        const isValid = payloadCheck(version, action)(payload) === undefined;
        if (isValid) expect(found).toEqual({ payload, what: [] });
        if (found === undefined) return;
        expect(breaks(found.payload).every(({ params }) => params.format === 'date-time')).toBe(true);
        expect(forgive(found.payload, breaks)?.payload).toEqual(found.payload);
        const event = { kind: 'call', receivedAtMs: 0, frame: JSON.stringify([2, '1', action, payload]) } as const;
        expect(deriveFacts({ ...event, reply: '[3,"1",{}]' }, version).length).toBeGreaterThan(0);
      }),
      { numRuns: 1_500 },
    );
  });

  it('is told of anything else, too, without a throw', () => {
    const breaks = payloadBreaks('ocpp1.6', 'StopTransaction');
    fc.assert(fc.property(fc.jsonValue(), (payload) => void forgive(payload, breaks)));
    for (const value of [null, 7, 'x', [], [[]]]) expect(forgive(value, breaks)).toBeUndefined();
  });
});
