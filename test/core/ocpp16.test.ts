import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ChargerEventKind } from '../../core/charger-event.ts';
import { deriveFacts } from '../../core/derive-facts.ts';
import { ERROR_CLASSES } from '../../core/status.ts';

const RECEIVED_MS = Date.UTC(2026, 5, 15, 12, 0, 0);
const TIME = '2026-06-15T12:00:00Z';
const SOUND = { atSec: RECEIVED_MS / 1000, clock: 'sound' };

type Event = Parameters<typeof deriveFacts>[0];

/** The one fact of an event of OCPP 1.6. */
function deriveBody(event: Event) {
  const [fact, ...more] = deriveFacts(event, 'ocpp1.6');
  if (fact === undefined || more.length > 0) throw new Error('not one fact');
  return fact;
}

function derive(action: string, payload: unknown, result: unknown = {}, kind: ChargerEventKind = 'call') {
  const frame = JSON.stringify([2, 'id', action, payload]);
  return deriveBody({ kind, receivedAtMs: RECEIVED_MS, frame, reply: JSON.stringify([3, 'id', result]) });
}

describe('the facts of OCPP 1.6', () => {
  it.each([
    ['[3,"id",{"status":"Accepted"}]', { kind: 'answered', action: 'Reset', outcome: 'result', status: 'Accepted' }],
    ['[3,"id",{}]', { kind: 'answered', action: 'Reset', outcome: 'result' }],
    ['[4,"id","NotSupported","",{}]', { kind: 'answered', action: 'Reset', outcome: 'error', status: 'NotSupported' }],
    ['[3,"id"]', { kind: 'unusable', action: 'Reset', reason: 'is no answer of OCPP-J' }],
    ['[3,"other",{}]', { kind: 'unusable', action: 'Reset', reason: 'answers another CALL' }],
  ])('reads %s as the answer to a command', (frame, fact) => {
    const reply = '[2,"id","Reset",{"type":"Soft"}]';
    expect(deriveBody({ kind: 'answer', receivedAtMs: RECEIVED_MS, frame, reply })).toEqual(fact);
  });

  it.each([
    ['Available', 1],
    ['Preparing', 2],
    ['Charging', 3],
    ['SuspendedEVSE', 4],
    ['SuspendedEV', 4],
    ['Finishing', 2],
    ['Reserved', 5],
    ['Unavailable', 6],
    ['Faulted', 7],
  ])('reads status %s as %d', (reported, status) => {
    expect(derive('StatusNotification', { connectorId: 2, errorCode: 'NoError', status: reported })).toEqual({
      kind: 'status',
      connector: 2,
      status,
      reported,
      errorClass: 0,
      reportedAt: { clock: 'missing' },
    });
  });

  it('keeps an error beside Available as a warning, not as a fault', () => {
    const payload = {
      connectorId: 1,
      errorCode: 'WeakSignal',
      status: 'Available',
      vendorErrorCode: 'E7',
      timestamp: TIME,
    };
    expect(derive('StatusNotification', payload)).toEqual({
      kind: 'status',
      connector: 1,
      status: 1,
      reported: 'Available',
      errorClass: ERROR_CLASSES.indexOf('WeakSignal'),
      vendorErrorCode: 'E7',
      reportedAt: SOUND,
    });
  });

  it('reads a boot and what it was answered', () => {
    const payload = { chargePointVendor: 'V', chargePointModel: 'M', firmwareVersion: '1.2' };
    const result = { status: 'Pending', currentTime: TIME, interval: 10 };
    const expected = { kind: 'boot', vendor: 'V', model: 'M', firmware: '1.2', registration: 'Pending' };
    expect(derive('BootNotification', payload, result)).toEqual(expected);
  });

  it('takes the transaction id from the answer, and shows no idTag', () => {
    const payload = { connectorId: 1, idTag: 'SECRET', meterStart: 1500, timestamp: TIME };
    const fact = derive('StartTransaction', payload, { transactionId: 77, idTagInfo: { status: 'Accepted' } });
    expect(fact).toEqual({
      kind: 'transaction-started',
      connector: 1,
      transactionId: 77,
      meterStartWh: 1500,
      startedAt: SOUND,
      outcome: 'Accepted',
    });
    expect(JSON.stringify(fact)).not.toContain('SECRET');
    expect(derive('Authorize', { idTag: 'SECRET' }, { idTagInfo: { status: 'Blocked' } })).toEqual({
      kind: 'authorised',
      outcome: 'Blocked',
    });
  });

  it('reads the end of a transaction, Local where no reason is given', () => {
    expect(derive('StopTransaction', { transactionId: 77, meterStop: 9000, timestamp: TIME })).toEqual({
      kind: 'transaction-stopped',
      transactionId: 77,
      meterStopWh: 9000,
      stoppedAt: SOUND,
      reason: 'Local',
      samples: [],
    });
  });

  it('normalises meter values, and says why where it cannot', () => {
    const sampledValue = [
      { value: '12.345', unit: 'kWh' },
      { value: '12345' },
      { value: '7.4', unit: 'kW', measurand: 'Power.Active.Import', phase: 'L1' },
      { value: '16', measurand: 'Current.Import' },
      { value: '50', unit: 'A', measurand: 'Voltage' },
      { value: 'OCMF|{}|{}', format: 'SignedData', context: 'Transaction.End' },
      { value: '49.98', measurand: 'Frequency' },
    ];
    const fact = derive('MeterValues', {
      connectorId: 1,
      transactionId: 77,
      meterValue: [{ timestamp: TIME, sampledValue }],
    });
    if (fact.kind !== 'meter') throw new Error(fact.kind);
    expect(fact.transactionId).toBe(77);
    expect(fact.samples.map(({ measurand, phase, reading }) => [measurand, phase, reading])).toEqual([
      ['Energy.Active.Import.Register', undefined, { kind: 'value', value: 12_345, unit: 'Wh' }],
      ['Energy.Active.Import.Register', undefined, { kind: 'value', value: 12_345, unit: 'Wh' }],
      ['Power.Active.Import', 'L1', { kind: 'value', value: 7_400, unit: 'W' }],
      ['Current.Import', undefined, { kind: 'unusable', reason: 'no unit, and none is certain for the measurand' }],
      ['Voltage', undefined, { kind: 'unusable', reason: 'unit does not fit the measurand' }],
      ['Energy.Active.Import.Register', undefined, { kind: 'signed', data: 'OCMF|{}|{}' }],
      ['Frequency', undefined, { kind: 'value', value: 49.98, unit: 'Hz' }],
    ]);
  });

  it.each([
    ['1500', 1500],
    [1500.9, 1500],
    ['1500.9', 1500],
    [1e21, undefined],
    ['1500 Wh', undefined],
    ['1,5', undefined],
    ['', undefined],
    [null, undefined],
    [true, undefined],
  ])('takes a register of %j for %j Wh, or for none', (register, expectedWh) => {
    const stopped = derive('StopTransaction', { transactionId: '77', meterStop: register, timestamp: TIME });
    const payload = { connectorId: '1', idTag: 'A', meterStart: register, reservationId: null, timestamp: TIME };
    const started = derive('StartTransaction', payload, { transactionId: 77, idTagInfo: { status: 'Accepted' } });
    if (expectedWh === undefined) {
      expect([stopped.kind, started.kind]).toEqual(['unusable', 'unusable']);
    } else {
      expect(stopped).toMatchObject({ transactionId: 77, meterStopWh: expectedWh });
      expect(started).toMatchObject({ connector: 1, meterStartWh: expectedWh });
    }
  });

  it('counts no sample for whatever goes on at a connector where it names a transaction that cannot be read', () => {
    for (const transactionId of ['abc', '', 1.5, {}]) {
      const fact = derive('MeterValues', { connectorId: 1, transactionId, meterValue: [] });
      expect(fact).toMatchObject({ kind: 'unusable', reason: 'transactionId is no whole number' });
    }
  });

  it('guesses nothing about a sample that is not as it should be', () => {
    const sampledValue = [
      { value: 1.5, unit: 'kWh', phase: null, measurand: null },
      { value: '12', unit: null },
      { value: '12', unit: 'kwh' },
      { value: '12', unit: 7 },
      { value: '12', measurand: 7 },
      { value: '12', location: {} },
      { value: '12', phase: 1 },
      { value: '12', measurand: 'Energy' },
      { value: null },
    ];
    const fact = derive('MeterValues', { connectorId: 1, transactionId: null, meterValue: [{ sampledValue }] });
    if (fact.kind !== 'meter') throw new Error(fact.kind);
    expect(fact).not.toHaveProperty('transactionId');
    expect(fact.samples.map(({ reading }) => (reading.kind === 'value' ? reading.value : reading.kind))).toEqual([
      1500,
      12,
      ...Array.from({ length: 7 }, () => 'unusable'),
    ]);
  });

  it('takes a reason and a time that OCPP does not know for Other and none', () => {
    const payload = { transactionId: 77, meterStop: 1, reason: 'StopByUser', timestamp: '2026-06-15T12:00:00' };
    expect(derive('StopTransaction', payload)).toMatchObject({ reason: 'Other', stoppedAt: { clock: 'missing' } });
    expect(derive('StopTransaction', { ...payload, reason: null })).toMatchObject({ reason: 'Local' });
  });

  it.each([
    ['a message the gateway refused', { reply: '[4,"id","FormationViolation","",{}]' }],
    ['a message that got no answer', { reply: '' }],
    ['a suspect one', { kind: 'suspect' as const }],
    [
      'an unknown status',
      { frame: '[2,"id","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Busy"}]' },
    ],
    [
      'a connector that is none',
      { frame: '[2,"id","StatusNotification",{"connectorId":-1,"errorCode":"NoError","status":"Available"}]' },
    ],
    ['an inherited name for an action', { frame: '[2,"id","constructor",{}]' }],
    ['no JSON', { frame: '{' }],
  ])('finds %s unusable', (_name, change) => {
    const frame = '[2,"id","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available"}]';
    const event = { kind: 'call' as const, receivedAtMs: RECEIVED_MS, frame, reply: '[3,"id",{}]', ...change };
    expect(deriveBody(event).kind).toBe('unusable');
  });

  it('gives a fact for any text, always the same, and never throws', () => {
    const actions = [
      'BootNotification',
      'StatusNotification',
      'StartTransaction',
      'StopTransaction',
      'MeterValues',
      'Authorize',
    ];
    const names = [
      'connectorId',
      'status',
      'errorCode',
      'meterStart',
      'transactionId',
      'meterValue',
      'timestamp',
      'idTagInfo',
    ];
    const payload = fc.dictionary(fc.constantFrom(...names), fc.jsonValue());
    const frame = fc.oneof(
      fc.string(),
      fc.json(),
      fc.tuple(fc.constantFrom(...actions), payload).map(([action, body]) => JSON.stringify([2, 'id', action, body])),
    );
    const reply = fc.oneof(
      fc.string(),
      payload.map((body) => JSON.stringify([3, 'id', body])),
    );
    const kind = fc.constantFrom<ChargerEventKind>('open', 'close', 'call', 'suspect', 'answer');
    fc.assert(
      fc.property(frame, reply, kind, fc.nat(), (text, answer, eventKind, receivedAtMs) => {
        const event = { kind: eventKind, receivedAtMs, frame: text, reply: answer };
        const fact = deriveBody(event);
        expect(typeof fact.kind).toBe('string');
        expect(deriveBody(event)).toEqual(fact);
      }),
      { numRuns: 2_000 },
    );
  });
});
