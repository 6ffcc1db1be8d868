import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { factsInAnswer } from '../../core/answer-facts.ts';
import { deriveFacts } from '../../core/derive-facts.ts';
import type { OcppVersion } from '../../core/ocpp-version.ts';
import { isSecretName } from '../../core/secret-names.ts';
import { readVariableKey, variableText } from '../../core/variable-key.ts';
import { factsOf, RECEIVED_MS, SOUND, TIME } from './samples20.ts';

/** What a charger's answer to a command says. */
function answered(version: OcppVersion, action: string, call: object, result: object) {
  const reply = JSON.stringify([2, 'id', action, call]);
  return deriveFacts(
    { kind: 'answer', receivedAtMs: RECEIVED_MS, frame: JSON.stringify([3, 'id', result]), reply },
    version,
  );
}

describe('what a charger tells of itself', () => {
  it.each([
    ['SecurityEventNotification', { type: 'ResetOrReboot', timestamp: TIME, techInfo: 'card 04A2' }, {}],
    ['LogStatusNotification', { status: 'Uploaded', requestId: 7 }, {}],
    ['FirmwareStatusNotification', { status: 'Installing' }, {}],
    ['SignCertificate', { csr: 'a request' }, { status: 'Accepted' }],
  ])('is the same fact of %s in every version', (action, payload, result) => {
    const facts = factsOf(action, payload, result, 'ocpp1.6');
    expect(facts[0]?.kind).not.toBe('other');
    expect(factsOf(action, payload, result, 'ocpp2.0.1')).toEqual(facts);
    expect(factsOf(action, payload, result, 'ocpp2.1')).toEqual(facts);
    expect(JSON.stringify(facts)).not.toContain('card');
  });

  it.each([
    [
      'SecurityEventNotification',
      { type: 'Tamper', timestamp: TIME },
      { kind: 'security-event', event: 'Tamper', reportedAt: SOUND },
    ],
    [
      'DiagnosticsStatusNotification',
      { status: 'UploadFailed' },
      { kind: 'upload-status', what: 'diagnostics', status: 'UploadFailure' },
    ],
    ['LogStatusNotification', { status: 'Uploading' }, { kind: 'upload-status', what: 'log', status: 'Uploading' }],
    ['FirmwareStatusNotification', { status: 'Downloaded' }, { kind: 'firmware-status', status: 'Downloaded' }],
    [
      'SignedFirmwareStatusNotification',
      { status: 'InvalidSignature', requestId: 3 },
      { kind: 'firmware-status', status: 'InvalidSignature', requestId: 3 },
    ],
    ['SignCertificate', { csr: 'a request' }, { kind: 'certificate-requested', isGranted: false }],
  ])('is read out of the %s of OCPP 1.6', (action, payload, fact) => {
    expect(factsOf(action, payload, {}, 'ocpp1.6')).toEqual([fact]);
  });

  it('has every value of a NotifyReport, of which EVSE and attribute, but no secret', () => {
    const payload = {
      requestId: 5,
      generatedAt: TIME,
      seqNo: 2,
      tbc: true,
      reportData: [
        {
          component: { name: 'EVSE', evse: { id: 1 } },
          variable: { name: 'Power' },
          variableAttribute: [
            { value: '7200', mutability: 'ReadOnly' },
            { type: 'MaxSet', value: '11000' },
          ],
        },
        {
          component: { name: 'SecurityCtrlr' },
          variable: { name: 'BasicAuthPassword' },
          variableAttribute: [{ value: 'hunter2', mutability: 'WriteOnly' }],
        },
        { component: { name: 'Connector', evse: { id: 1, connectorId: 2 } }, variable: {}, variableAttribute: [{}] },
      ],
    };
    expect(factsOf('NotifyReport', payload)).toEqual([
      {
        kind: 'variables',
        variables: [
          { key: 'EVSE@1.Power', attribute: 'Actual', value: '7200', mutability: 'ReadOnly' },
          { key: 'EVSE@1.Power', attribute: 'MaxSet', value: '11000', mutability: 'ReadWrite' },
          { key: 'SecurityCtrlr.BasicAuthPassword', attribute: 'Actual', isSecret: true, mutability: 'WriteOnly' },
        ],
        report: { requestId: 5, part: 2, isLast: false },
        reportedAt: SOUND,
      },
    ]);
  });

  it('has the settings that a charger of OCPP 1.6 answers, and whether they can be set', () => {
    const result = {
      configurationKey: [
        { key: 'HeartbeatInterval', readonly: false, value: '300' },
        { key: 'NumberOfConnectors', readonly: true, value: '2' },
        { key: 'authorizationkey', readonly: false, value: '00ff' },
        { key: 'BackendUrl', readonly: false, value: 'ftp://me:pw@host/' },
        { key: 'ConnectionTimeOut', readonly: false },
        'nothing',
      ],
      unknownKey: ['Foo'],
    };
    expect(answered('ocpp1.6', 'GetConfiguration', {}, result)).toEqual([
      { kind: 'answered', action: 'GetConfiguration', outcome: 'result' },
      {
        kind: 'variables',
        variables: [
          { key: 'HeartbeatInterval', attribute: 'Actual', value: '300', mutability: 'ReadWrite' },
          { key: 'NumberOfConnectors', attribute: 'Actual', value: '2', mutability: 'ReadOnly' },
          { key: 'authorizationkey', attribute: 'Actual', isSecret: true, mutability: 'ReadWrite' },
          { key: 'BackendUrl', attribute: 'Actual', isSecret: true, mutability: 'ReadWrite' },
          { key: 'ConnectionTimeOut', attribute: 'Actual', mutability: 'ReadWrite' },
        ],
        reportedAt: { clock: 'missing' },
      },
    ]);
  });

  it('has the variables that a charger of OCPP 2.x gave, not those that it refused', () => {
    const of = (name: string) => ({ component: { name: 'OCPPCommCtrlr' }, variable: { name } });
    const result = {
      getVariableResult: [
        { attributeStatus: 'Accepted', attributeValue: '60', ...of('HeartbeatInterval') },
        { attributeStatus: 'Accepted', attributeType: 'Target', attributeValue: '5', ...of('ResetRetries') },
        { attributeStatus: 'Rejected', ...of('NetworkProfile') },
      ],
    };
    expect(answered('ocpp2.1', 'GetVariables', {}, result)[1]).toMatchObject({
      variables: [
        { key: 'OCPPCommCtrlr.HeartbeatInterval', attribute: 'Actual', value: '60' },
        { key: 'OCPPCommCtrlr.ResetRetries', attribute: 'Target', value: '5' },
      ],
    });
  });

  it('has a reservation from when it is accepted until it ends, in the words of neither version', () => {
    const accepted = { status: 'Accepted' };
    const until = '2026-06-15T13:00:00.5Z';
    const reserve16 = { connectorId: 2, reservationId: 9, idTag: 'ABC', expiryDate: until };
    const reserve20 = { id: 9, evseId: 2, expiryDateTime: until, idToken: { idToken: 'ABC', type: 'Central' } };
    const reserved = { kind: 'reserved', reservationId: 9, connector: 2, untilSec: RECEIVED_MS / 1000 + 3_600 };
    expect(answered('ocpp1.6', 'ReserveNow', reserve16, accepted)[1]).toEqual(reserved);
    expect(answered('ocpp2.0.1', 'ReserveNow', reserve20, accepted)[1]).toEqual(reserved);
    expect(answered('ocpp1.6', 'ReserveNow', reserve16, { status: 'Occupied' })).toHaveLength(1);
    const cancelled = { kind: 'reservation-ended', reservationId: 9, reason: 'Cancelled' };
    expect(answered('ocpp1.6', 'CancelReservation', { reservationId: 9 }, accepted)[1]).toEqual(cancelled);
    expect(answered('ocpp2.1', 'CancelReservation', { reservationId: 9 }, { status: 'Rejected' })).toHaveLength(1);
    const update = { reservationId: 9, reservationUpdateStatus: 'Expired' };
    expect(factsOf('ReservationStatusUpdate', update)).toEqual([{ ...cancelled, reason: 'Expired' }]);
  });

  it('has what OCPP 2.x reports of monitors, limits, profiles, needs and messages', () => {
    const component = { name: 'EVSE', evse: { id: 1 } };
    const monitor = { component, variable: { name: 'Power' } };
    const variableMonitoring = [{ id: 4, type: 'UpperThreshold', value: 9000, severity: 3, transaction: false }];
    const part = { requestId: 1, seqNo: 0, generatedAt: TIME };
    const report = { requestId: 1, part: 0, isLast: true };
    expect(factsOf('NotifyMonitoringReport', { ...part, monitor: [{ ...monitor, variableMonitoring }] })).toEqual([
      {
        kind: 'monitors',
        monitors: [{ id: 4, key: 'EVSE@1.Power', monitor: 'UpperThreshold', value: 9000, severity: 3 }],
        report,
        reportedAt: SOUND,
      },
    ]);
    expect(factsOf('NotifyCustomerInformation', { ...part, data: 'Ada, card 04A2' })).toEqual([
      { kind: 'customer-information', report, reportedAt: SOUND },
    ]);
    expect(factsOf('NotifyChargingLimit', { evseId: 2, chargingLimit: { chargingLimitSource: 'EMS' } })).toEqual([
      { kind: 'charging-limit', connector: 2, source: 'EMS', isCleared: false },
    ]);
    expect(factsOf('ClearedChargingLimit', { chargingLimitSource: 'EMS' })).toEqual([
      { kind: 'charging-limit', connector: 0, source: 'EMS', isCleared: true },
    ]);
    const profile = { id: 1, stackLevel: 0, chargingProfilePurpose: 'TxProfile', chargingProfileKind: 'Relative' };
    const profiles = { requestId: 1, evseId: 1, chargingLimitSource: 'CSO', chargingProfile: [profile], tbc: true };
    expect(factsOf('ReportChargingProfiles', profiles)).toMatchObject([
      { profiles: [{ id: 1, purpose: 'TxProfile', profileKind: 'Relative' }], report: { isLast: false } },
    ]);
    const chargingNeeds = { requestedEnergyTransfer: 'DC', dcChargingParameters: { energyAmount: 31_000.7 } };
    expect(factsOf('NotifyEVChargingNeeds', { evseId: 1, chargingNeeds })).toEqual([
      { kind: 'charging-needs', connector: 1, transfer: 'DC', energyWh: 31_000 },
    ]);
    const messageInfo = [{ id: 1, priority: 'InFront', message: { format: 'UTF8', content: 'Hello Ada' } }];
    expect(factsOf('NotifyDisplayMessages', { requestId: 1, messageInfo })).toEqual([
      { kind: 'display-messages', messages: [{ id: 1, priority: 'InFront' }], report },
    ]);
    expect(factsOf('PublishFirmwareStatusNotification', { status: 'Published', requestId: 2 })).toEqual([
      { kind: 'firmware-publication', status: 'Published', requestId: 2 },
    ]);
  });

  it.each([
    ['NotifyReport', { seqNo: 0 }],
    ['NotifyMonitoringReport', { requestId: 1, seqNo: '0' }],
    ['FirmwareStatusNotification', { status: 'toString' }],
    ['LogStatusNotification', {}],
    ['SecurityEventNotification', { type: 'x'.repeat(51) }],
    ['ReservationStatusUpdate', { reservationId: 1, reservationUpdateStatus: 'Used' }],
    ['NotifyChargingLimit', { evseId: 70_000, chargingLimit: { chargingLimitSource: 'EMS' } }],
    ['NotifyEVChargingNeeds', { evseId: 1, chargingNeeds: [] }],
  ])('is unusable where %s is %j', (action, payload) => {
    expect(factsOf(action, payload)).toMatchObject([{ kind: 'unusable', action }]);
  });

  it('is read of any payload of a report or an answer, and never throws', () => {
    const reports = ['NotifyReport', 'NotifyMonitoringReport', 'ReportChargingProfiles', 'NotifyEVChargingNeeds'];
    const commands = ['GetConfiguration', 'GetVariables', 'ReserveNow', 'CancelReservation'];
    const lists = ['reportData', 'monitor', 'chargingProfile', 'configurationKey', 'getVariableResult'];
    const fields = [...lists, 'requestId', 'seqNo', 'status', 'evseId', 'chargingNeeds', 'id', 'expiryDate'];
    const row = fc.dictionary(fc.constantFrom('component', 'variable', 'key', 'name', 'value'), fc.jsonValue());
    const value = fc.oneof(fc.constantFrom<unknown>(1, 'Accepted', 0), fc.array(row), fc.jsonValue());
    const payload = fc.dictionary(fc.constantFrom(...fields), value);
    fc.assert(
      fc.property(fc.constantFrom(...reports), fc.constantFrom(...commands), payload, (report, command, body) => {
        expect(factsOf(report, body)).toHaveLength(1);
        expect(factsInAnswer(command, body, body).length).toBeLessThan(2);
      }),
      { numRuns: 60 },
    );
  });
});

describe('the value of a setting', () => {
  it.each([
    'AuthorizationKey',
    'Wifi Password',
    'VpnUser',
    'MasterPassGroupId',
    'FreeChargeIdTag',
    'api_key',
    'sim-pin',
    'ChargePointSerialNumber',
    'ICCID',
  ])('is left out of %s', (name) => {
    expect(isSecretName(name)).toBe(true);
  });

  it.each([
    'HeartbeatInterval',
    'PublicKeyWithSignedMeterValue',
    'ClockAlignedDataInterval',
    'SupportedFeatureProfiles',
  ])('is shown of %s', (name) => {
    expect(isSecretName(name)).toBe(false);
  });
});

describe('the text of a variable', () => {
  it.each(['A.B', 'A(x)@1/2.B(y)', 'Connector@1/2.ConnectorType', 'AlignedDataCtrlr.Measurands(Energy)'])(
    'is %s again after it was read',
    (text) => {
      expect(variableText(readVariableKey(text) ?? {})).toBe(text);
    },
  );
});
