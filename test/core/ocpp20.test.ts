import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ChargerEventKind } from '../../core/charger-event.ts';
import { deriveFacts } from '../../core/derive-facts.ts';
import { type OcppVersion, subprotocolOf, versionOf } from '../../core/ocpp-version.ts';
import { ERROR_CLASSES } from '../../core/status.ts';
import { factsOf, notifyEvent, register, SOUND, TIME, transactionEvent } from './samples20.ts';

const EVSE = { id: 2, connectorId: 1 };

describe('the facts of OCPP 2.x', () => {
  it.each([
    ['Available', 1, 0],
    ['Occupied', 2, 0],
    ['Reserved', 5, 0],
    ['Unavailable', 6, 0],
    ['Faulted', 7, ERROR_CLASSES.indexOf('OtherError')],
  ])('read connectorStatus %s as %d, of an EVSE and the connector within it', (connectorStatus, status, errorClass) => {
    const payload = { timestamp: TIME, connectorStatus, evseId: 2, connectorId: 1 };
    const head = { kind: 'status', connector: 2, part: 1, status, reported: connectorStatus };
    expect(factsOf('StatusNotification', payload)).toEqual([{ ...head, errorClass, reportedAt: SOUND }]);
  });

  it('read AvailabilityState of station, EVSE and connector, the last word on each', () => {
    const payload = notifyEvent(
      { component: { name: 'ChargingStation' }, variable: 'AvailabilityState', value: 'Available' },
      { component: { name: 'EVSE', evse: { id: 2 } }, variable: 'AvailabilityState', value: 'Occupied' },
      { component: { name: 'Connector', evse: EVSE }, variable: 'AvailabilityState', value: 'Available' },
      { component: { name: 'Connector', evse: EVSE }, variable: 'AvailabilityState', value: 'Occupied' },
      { component: { name: 'EVSE', evse: { id: 2 } }, variable: 'Power', value: '7200' },
    );
    expect(
      factsOf('NotifyEvent', payload).map((fact) => fact.kind === 'status' && [fact.connector, fact.part, fact.status]),
    ).toEqual([
      [0, undefined, 1],
      [2, undefined, 2],
      [2, 1, 2],
    ]);
  });

  it.each([
    ['PowerContactor', 'Problem', 'true', {}, 'PowerSwitchFailure'],
    ['RCD', 'Tripped', 'True', {}, 'GroundFailure'],
    ['RCD', 'Tripped', 'true', { cleared: true }, 'NoError'],
    ['TokenReader', 'Problem', 'false', {}, 'NoError'],
    ['FlightComputer', 'Problem', 'true', {}, 'OtherError'],
    ['constructor', 'Problem', 'true', {}, 'OtherError'],
    ['Connector', 'Temperature', '91', { trigger: 'Alerting' }, 'HighTemperature'],
  ] as const)('read a %s with %s %s as a fault', (name, variable, value, more, errorClass) => {
    const payload = notifyEvent({
      component: { name, evse: { id: 2 } },
      variable,
      value,
      more: { techCode: 'E1', ...more },
    });
    expect(factsOf('NotifyEvent', payload)).toEqual([
      {
        kind: 'fault',
        connector: 2,
        errorClass: ERROR_CLASSES.indexOf(errorClass),
        vendorErrorCode: 'E1',
        reportedAt: SOUND,
      },
    ]);
  });

  it('keep a problem that stands beside one that is over, and pass over what is about neither', () => {
    const evse = { id: 1 };
    const both = notifyEvent(
      { component: { name: 'RCD', evse }, variable: 'Tripped', value: 'true' },
      { component: { name: 'PowerContactor', evse }, variable: 'Problem', value: 'false' },
    );
    expect(factsOf('NotifyEvent', both)).toMatchObject([{ errorClass: ERROR_CLASSES.indexOf('GroundFailure') }]);
    const other = notifyEvent({ component: { name: 'EVSE', evse }, variable: 'Power', value: '7200' });
    expect(factsOf('NotifyEvent', other)).toEqual([{ kind: 'other', action: 'NotifyEvent' }]);
  });

  it('read a boot and what it was answered', () => {
    const chargingStation = { vendorName: 'V', model: 'M', serialNumber: 'S', firmwareVersion: '1.2' };
    const result = { status: 'Accepted', currentTime: TIME, interval: 300 };
    expect(factsOf('BootNotification', { chargingStation, reason: 'PowerUp' }, result)).toEqual([
      { kind: 'boot', vendor: 'V', model: 'M', serial: 'S', firmware: '1.2', registration: 'Accepted' },
    ]);
  });

  it('read the start of a transaction whole, without its idToken', () => {
    const idToken = { idToken: 'SECRET', type: 'ISO14443' };
    const meterValue = [{ timestamp: TIME, sampledValue: [register(50), register(1500, 'Transaction.Begin')] }];
    const transactionInfo = { transactionId: 'tx-1', chargingState: 'Charging', remoteStartId: 9 };
    const change = { evse: EVSE, idToken, meterValue, transactionInfo, reservationId: 4, offline: true };
    const payload = transactionEvent('Started', 0, { ...change, triggerReason: 'Authorized' });
    const [fact] = factsOf('TransactionEvent', payload, { idTokenInfo: { status: 'Blocked' } });
    expect(fact).toMatchObject({
      kind: 'transaction-started',
      connector: 2,
      transactionId: 'tx-1',
      meterStartWh: 1500,
      startedAt: SOUND,
      outcome: 'Blocked',
      reservationId: 4,
      detail: { seqNo: 0, trigger: 'Authorized', isOffline: true, remoteStartId: 9, state: 3 },
    });
    expect(JSON.stringify(fact)).not.toContain('SECRET');
  });

  it('guess nothing where a message is not as it should be', () => {
    const sampledValue = [
      { ...register(0), value: '1.5', unitOfMeasure: { unit: 'kWh', multiplier: '0' } },
      { ...register(2), unitOfMeasure: null },
      { ...register(3), unitOfMeasure: 'kWh' },
      { ...register(4), unitOfMeasure: { multiplier: 'kilo' } },
      { ...register(5), unitOfMeasure: { unit: 1 } },
      { ...register(6), measurand: 7 },
      { ...register(7), phase: [] },
    ];
    const change = {
      seqNo: '3',
      evse: { id: '2' },
      transactionInfo: { transactionId: 17, stoppedReason: 'Tired', chargingState: null },
      timestamp: '2026-06-15T12:00:00',
      meterValue: [{ timestamp: TIME, sampledValue }],
    };
    const [fact] = factsOf('TransactionEvent', transactionEvent('Ended', 3, change));
    expect(fact).toMatchObject({
      kind: 'transaction-stopped',
      connector: 2,
      transactionId: '17',
      meterStopWh: 2,
      stoppedAt: { clock: 'missing' },
      reason: 'Other',
      detail: { seqNo: 3 },
    });
    const { samples = [] } = fact as { samples?: { reading: { kind: string; value?: number } }[] };
    expect(samples.map(({ reading }) => reading.value ?? reading.kind)).toEqual([
      1500,
      2,
      ...Array.from({ length: 5 }, () => 'unusable'),
    ]);
  });

  it('leave out what the start of a transaction does not tell', () => {
    expect(factsOf('TransactionEvent', transactionEvent('Started', 0))).toEqual([
      {
        kind: 'transaction-started',
        transactionId: 'tx-1',
        startedAt: SOUND,
        outcome: undefined,
        samples: [],
        detail: { seqNo: 0, trigger: 'ChargingStateChanged', isOffline: false },
      },
    ]);
  });

  it.each([
    ['EVConnected', 2],
    ['Charging', 3],
    ['SuspendedEV', 4],
    ['SuspendedEVSE', 4],
    ['Idle', 2],
  ])('read chargingState %s as %d', (chargingState, state) => {
    const payload = transactionEvent('Updated', 3, { transactionInfo: { transactionId: 'tx-1', chargingState } });
    expect(factsOf('TransactionEvent', payload)).toMatchObject([{ kind: 'transaction-updated', detail: { state } }]);
  });

  it.each([
    ['EVDisconnected', 'EVDisconnected'],
    ['ImmediateReset', 'HardReset'],
    ['EnergyLimitReached', 'EnergyLimit'],
    ['StoppedByEV', 'Other'],
    ['ReqEnergyTransferRejected', 'Other'],
    [undefined, 'Local'],
  ])('read stoppedReason %s as %s', (stoppedReason, reason) => {
    const payload = transactionEvent('Ended', 5, { transactionInfo: { transactionId: 'tx-1', stoppedReason } });
    expect(factsOf('TransactionEvent', payload)).toMatchObject([{ kind: 'transaction-stopped', reason }]);
  });

  it('take the register at the end from the value marked as such, else from the last one', () => {
    const end = (...sampledValue: object[]) =>
      factsOf('TransactionEvent', transactionEvent('Ended', 5, { meterValue: [{ timestamp: TIME, sampledValue }] }));
    expect(end(register(1), register(9000, 'Transaction.End'), register(8000))).toMatchObject([{ meterStopWh: 9000 }]);
    expect(end(register(1), register(8000))).toMatchObject([{ meterStopWh: 8000 }]);
    const elsewhere = [
      { ...register(1), phase: 'L1' },
      { ...register(2), location: 'Inlet' },
    ];
    expect(end(...elsewhere)[0]).not.toHaveProperty('meterStopWh');
  });

  it('normalise meter values by unit and multiplier, and keep the signed record beside the value', () => {
    const sampledValue = [
      { value: 12.345, unitOfMeasure: { unit: 'kWh' } },
      { value: 12345.6 },
      { value: 74, unitOfMeasure: { unit: 'W', multiplier: 2 }, measurand: 'Power.Active.Import' },
      { value: 230_500, unitOfMeasure: { unit: 'V', multiplier: -3 }, measurand: 'Voltage' },
      { value: 1, unitOfMeasure: { unit: 'Wh', multiplier: 99 } },
      { value: 49.98, measurand: 'Frequency', unitOfMeasure: { unit: 'Hz' } },
      { value: 7, signedMeterValue: { signedMeterData: 'T0NNRnx7fXx7fQ==', encodingMethod: 'OCMF' } },
      { value: 1e300 },
    ];
    const [fact] = factsOf('MeterValues', { evseId: 2, meterValue: [{ timestamp: TIME, sampledValue }] });
    if (fact?.kind !== 'meter') throw new Error(fact?.kind);
    expect(fact.connector).toBe(2);
    const noNumber = { kind: 'unusable', reason: 'value is no decimal number, or of no known unit' };
    expect(fact.samples.map(({ reading }) => reading)).toEqual([
      { kind: 'value', value: 12_345, unit: 'Wh' },
      { kind: 'value', value: 12_345, unit: 'Wh' },
      { kind: 'value', value: 7_400, unit: 'W' },
      { kind: 'value', value: 230.5, unit: 'V' },
      noNumber,
      { kind: 'value', value: 49.98, unit: 'Hz' },
      { kind: 'value', value: 7, unit: 'Wh' },
      { kind: 'signed', data: 'T0NNRnx7fXx7fQ==' },
      noNumber,
    ]);
  });

  it.each([
    ['StatusNotification', { connectorStatus: 'Available', evseId: -1, connectorId: 1 }],
    ['StatusNotification', { connectorStatus: 'Available', evseId: 1, connectorId: 17 }],
    ['StatusNotification', { connectorStatus: 'toString', evseId: 1, connectorId: 1 }],
    ['TransactionEvent', transactionEvent('Started', -1)],
    ['TransactionEvent', transactionEvent('Started', 0, { transactionInfo: { transactionId: 'x'.repeat(37) } })],
    ['TransactionEvent', transactionEvent('Started', 0, { evse: { id: 0 } })],
    ['TransactionEvent', { ...transactionEvent('Started', 0), eventType: 'Paused' }],
    ['MeterValues', { evseId: 70_000, meterValue: [] }],
    ['StartTransaction', { connectorId: 1, idTag: 'A', meterStart: 0, timestamp: TIME }],
    ['NotifyPeriodicEventStream', { id: 1, pending: 0, basetime: TIME, data: [] }],
  ])('find %s %j unusable', (action, payload) => {
    expect(factsOf(action, payload, { transactionId: 1 })).toMatchObject([{ kind: 'unusable', action }]);
  });

  it('know what only OCPP 2.1 has, also where it comes as SEND without an answer', () => {
    expect(factsOf('NotifySettlement', {}, {}, 'ocpp2.1')).toEqual([{ kind: 'other', action: 'NotifySettlement' }]);
    expect(factsOf('NotifySettlement', {}, {}, 'ocpp2.0.1')).toMatchObject([{ kind: 'unusable' }]);
    const frame = '[6,"id","NotifyPeriodicEventStream",{"id":1}]';
    expect(deriveFacts({ kind: 'call', receivedAtMs: 0, frame, reply: '' }, 'ocpp2.1')).toEqual([
      { kind: 'other', action: 'NotifyPeriodicEventStream' },
    ]);
  });

  it('are the same where the opening of the connection is not on record', () => {
    const status = { timestamp: TIME, connectorStatus: 'Occupied', evseId: 1, connectorId: 1 };
    const meter = { evseId: 1, meterValue: [{ timestamp: TIME, sampledValue: [register(5)] }] };
    const boot = { chargingStation: { vendorName: 'V', model: 'M' }, reason: 'PowerUp' };
    for (const [action, payload, result] of [
      ['StatusNotification', status, {}],
      ['MeterValues', meter, {}],
      ['BootNotification', boot, { status: 'Accepted' }],
      ['TransactionEvent', transactionEvent('Updated', 1), {}],
      ['Authorize', { idToken: { idToken: 'A', type: 'Central' } }, { idTokenInfo: { status: 'Unknown' } }],
    ] as const) {
      expect(factsOf(action, payload, result, 'not told')).toEqual(factsOf(action, payload, result, 'ocpp2.1'));
    }
    const old = { connectorId: 1, errorCode: 'NoError', status: 'Charging', timestamp: TIME };
    expect(factsOf('StatusNotification', old, {}, 'not told')).toEqual(
      factsOf('StatusNotification', old, {}, 'ocpp1.6'),
    );
  });

  it('are those of OCPP 1.6 where the same happens', () => {
    const sampled = [{ timestamp: TIME, sampledValue: [register(2500)] }];
    const sampled16 = [{ timestamp: TIME, sampledValue: [{ value: '2.5', unit: 'kWh' }] }];
    const begin = [{ timestamp: TIME, sampledValue: [register(1000, 'Transaction.Begin')] }];
    const end = [{ timestamp: TIME, sampledValue: [register(9000, 'Transaction.End')] }];
    const idToken = { idToken: 'A', type: 'ISO14443' };
    const accepted = { status: 'Accepted' };
    const evse = { id: 1 };
    const story = (messages: readonly (readonly [string, object, object])[], version: OcppVersion) =>
      messages.flatMap(([action, payload, result]) => factsOf(action, payload, result, version)).map(common);
    const in20 = [
      ['BootNotification', { chargingStation: { vendorName: 'V', model: 'M' }, reason: 'PowerUp' }, accepted],
      ['StatusNotification', { connectorStatus: 'Available', evseId: 1, connectorId: 1, timestamp: TIME }, {}],
      ['Authorize', { idToken }, { idTokenInfo: accepted }],
      [
        'TransactionEvent',
        transactionEvent('Started', 0, { evse, idToken, meterValue: begin }),
        { idTokenInfo: accepted },
      ],
      ['MeterValues', { evseId: 1, meterValue: sampled }, {}],
      ['Heartbeat', {}, {}],
      ['TransactionEvent', transactionEvent('Ended', 1, { meterValue: end }), {}],
      ['StatusNotification', { connectorStatus: 'Unavailable', evseId: 1, connectorId: 1, timestamp: TIME }, {}],
    ] as const;
    const start = { connectorId: 1, idTag: 'A', meterStart: 1000, timestamp: TIME };
    const in16 = [
      ['BootNotification', { chargePointVendor: 'V', chargePointModel: 'M' }, accepted],
      ['StatusNotification', { status: 'Available', errorCode: 'NoError', connectorId: 1, timestamp: TIME }, {}],
      ['Authorize', { idTag: 'A' }, { idTagInfo: accepted }],
      ['StartTransaction', start, { transactionId: 7, idTagInfo: accepted }],
      ['MeterValues', { connectorId: 1, meterValue: sampled16 }, {}],
      ['Heartbeat', {}, {}],
      ['StopTransaction', { transactionId: 7, meterStop: 9000, timestamp: TIME }, {}],
      ['StatusNotification', { status: 'Unavailable', errorCode: 'NoError', connectorId: 1, timestamp: TIME }, {}],
    ] as const;
    expect(story(in20, 'ocpp2.0.1')).toEqual(story(in16, 'ocpp1.6'));
    expect(story(in20, 'ocpp2.1')).toEqual(story(in20, 'ocpp2.0.1'));
  });

  it('come of any text, always the same, and never throw', () => {
    const actions = [
      'BootNotification',
      'StatusNotification',
      'TransactionEvent',
      'MeterValues',
      'NotifyEvent',
      'Authorize',
    ];
    const names = [
      'evseId',
      'connectorId',
      'connectorStatus',
      'eventType',
      'seqNo',
      'transactionInfo',
      'triggerReason',
    ];
    const more = [
      'evse',
      'meterValue',
      'eventData',
      'component',
      'variable',
      'chargingStation',
      'idToken',
      'timestamp',
    ];
    const good = fc.constantFrom<unknown>(
      'Started',
      'Ended',
      1,
      { transactionId: 'tx' },
      [{ sampledValue: [{ value: 5, unitOfMeasure: { multiplier: -4.5 } }] }],
      [{ component: { evse: { id: 1 } }, variable: { name: 'Problem' }, actualValue: {} }],
    );
    const payload = fc.dictionary(fc.constantFrom(...names, ...more), fc.oneof(good, fc.jsonValue()));
    const frame = fc.oneof(
      fc.json(),
      fc.tuple(fc.constantFrom(...actions), payload).map(([action, body]) => JSON.stringify([2, 'id', action, body])),
    );
    const reply = fc.oneof(
      fc.string(),
      payload.map((body) => JSON.stringify([3, 'id', body])),
    );
    const kind = fc.constantFrom<ChargerEventKind>('open', 'close', 'call', 'suspect', 'answer');
    const version = fc.constantFrom<OcppVersion | undefined>('ocpp1.6', 'ocpp2.0.1', 'ocpp2.1', undefined);
    fc.assert(
      fc.property(frame, reply, kind, version, fc.nat(), (text, answer, eventKind, spoken, receivedAtMs) => {
        const event = { kind: eventKind, receivedAtMs, frame: text, reply: answer };
        const facts = deriveFacts(event, spoken);
        expect(facts.length).toBeGreaterThan(0);
        expect(deriveFacts(event, spoken)).toEqual(facts);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('the version of a connection', () => {
  it.each([
    ['{"subprotocol":"ocpp1.6"}', 'ocpp1.6'],
    ['{"subprotocol":"ocpp2.0.1"}', 'ocpp2.0.1'],
    ['{"subprotocol":"ocpp2.1"}', 'ocpp2.1'],
    ['{"subprotocol":"ocpp2.0"}', undefined],
    ['{"subprotocol":7}', undefined],
    ['[]', undefined],
    ['{', undefined],
  ])('stands in its opening %s', (frame, version) => {
    expect(versionOf(subprotocolOf(frame))).toBe(version);
  });
});

/** A fact without what the versions must differ in: who names the transaction, and how much more 2.x tells. */
function common(fact: object): object {
  const { transactionId, detail, part, samples, ...rest } = fact as Record<string, unknown>;
  return 'meterStartWh' in rest || 'meterStopWh' in rest ? rest : { ...rest, samples };
}
