import { createHash, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { readCertificateRequest } from '../../core/certificate-request.ts';
import { signedEnergy } from '../../core/signed-energy.ts';
import { type Charger, type ChargerSettings, startCharger } from '../../simulator/charger.ts';
import type { Dialect } from '../../simulator/dialect.ts';
import { ocpp16 } from '../../simulator/ocpp16.ts';
import { ocpp21, ocpp201 } from '../../simulator/ocpp20.ts';
import { makeSignedMeter } from '../../simulator/signed-meter.ts';
import { makeCertificate } from '../support/certificates.ts';
import { waitFor } from '../support/wait.ts';
import { makeManualClock } from './manual-clock.ts';
import type { Version } from './schemas.ts';
import { type StrictCsms, startStrictCsms } from './strict-csms.ts';

const START_MS = Date.parse('2026-03-01T12:00:00Z');
const HOUR_MS = 3_600_000;
const car = { battery: { capacityWh: 80_000, levelWh: 0 }, maxPowerW: 10_000 };

const open: { close: () => Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

async function play(
  dialect: Dialect,
  more: Partial<ChargerSettings> = {},
  answers: Parameters<typeof startStrictCsms>[1] = {},
) {
  const csms: StrictCsms = await startStrictCsms(dialect.subprotocol as Version, answers);
  open.push(csms);
  const clock = makeManualClock(START_MS);
  const charger: Charger = startCharger({
    url: csms.url,
    identity: 'CP-1',
    key: undefined,
    connectors: 2,
    dialect,
    clock,
    meterIntervalMs: HOUR_MS,
    ...more,
  });
  open.push(charger);
  await charger.settled();
  return { csms, charger, clock };
}

/** A variable of the transactions' controller to be set. */
const variable = (name: string, attributeValue: string) => ({
  component: { name: 'TxCtrlr' },
  variable: { name },
  attributeValue,
});

describe.each([ocpp201, ocpp21])('a virtual charger of $subprotocol', (dialect) => {
  it('tells a whole charge, each message as its schema wants it', async () => {
    const { csms, charger, clock } = await play(dialect);
    charger.plug(1, car);
    await charger.present(1, 'DRIVER-ADA');
    clock.advance(HOUR_MS);
    await charger.present(1, 'driver-ada');
    charger.unplug(1);
    await charger.settled();
    expect(csms.of('BootNotification')).toEqual([
      {
        reason: 'PowerUp',
        chargingStation: { vendorName: 'DEVSEN', model: 'Virtual', serialNumber: 'V-0001', firmwareVersion: '0.1.0' },
      },
    ]);
    expect(csms.of('StatusNotification').map(({ evseId, connectorStatus }) => [evseId, connectorStatus])).toEqual([
      [1, 'Available'],
      [2, 'Available'],
      [1, 'Occupied'],
      [1, 'Available'],
    ]);
    const evse = { id: 1, connectorId: 1 };
    const transactionId = expect.stringMatching(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    const register = (context: string, value: number) => ({
      value,
      measurand: 'Energy.Active.Import.Register',
      unitOfMeasure: { unit: 'Wh' },
      context,
      location: 'Outlet',
    });
    expect(csms.of('TransactionEvent')).toEqual([
      {
        eventType: 'Started',
        triggerReason: 'Authorized',
        timestamp: '2026-03-01T12:00:00.000Z',
        seqNo: 0,
        evse,
        transactionInfo: { transactionId, chargingState: 'Charging' },
        idToken: { idToken: 'DRIVER-ADA', type: 'KeyCode' },
        meterValue: [{ timestamp: '2026-03-01T12:00:00.000Z', sampledValue: [register('Transaction.Begin', 0)] }],
      },
      {
        eventType: 'Updated',
        triggerReason: 'MeterValuePeriodic',
        timestamp: '2026-03-01T13:00:00.000Z',
        seqNo: 1,
        evse,
        transactionInfo: { transactionId },
        meterValue: [
          {
            timestamp: '2026-03-01T13:00:00.000Z',
            sampledValue: [
              // 10 kW for an hour
              register('Sample.Periodic', 10_000),
              {
                value: 10_000,
                measurand: 'Power.Active.Import',
                unitOfMeasure: { unit: 'W' },
                context: 'Sample.Periodic',
                location: 'Outlet',
              },
            ],
          },
        ],
      },
      {
        eventType: 'Ended',
        triggerReason: 'StopAuthorized',
        timestamp: '2026-03-01T13:00:00.000Z',
        seqNo: 2,
        evse,
        transactionInfo: { transactionId, chargingState: 'EVConnected', stoppedReason: 'Local' },
        idToken: { idToken: 'DRIVER-ADA', type: 'KeyCode' },
        meterValue: [{ timestamp: '2026-03-01T13:00:00.000Z', sampledValue: [register('Transaction.End', 10_000)] }],
      },
    ]);
    expect(csms.broken).toEqual([]);
  });

  it('tells what happened offline later, with the times at which it happened and no number left out', async () => {
    const { csms, charger, clock } = await play(dialect);
    charger.plug(1, car);
    await charger.present(1, 'DRIVER-ADA');
    await charger.settled();
    await csms.drop();
    await waitFor(() => !charger.isOnline(), { what: 'the charger to be offline' });
    charger.act(1, { kind: 'meter' });
    charger.unplug(1);
    clock.advance(HOUR_MS);
    await charger.settled();
    const events = csms.of('TransactionEvent');
    expect(events.map(({ seqNo, offline, timestamp }) => [seqNo, offline, timestamp])).toEqual([
      [0, undefined, '2026-03-01T12:00:00.000Z'],
      [1, true, '2026-03-01T12:00:00.000Z'],
      [2, true, '2026-03-01T12:00:00.000Z'],
    ]);
    expect(events.at(-1)?.transactionInfo).toMatchObject({ chargingState: 'Idle', stoppedReason: 'EVDisconnected' });
    expect(csms.broken).toEqual([]);
  });

  it('starts and stops for its CSMS, and says what it knows of the transaction', async () => {
    const { csms, charger, clock } = await play(dialect);
    const idToken = { idToken: 'ABCDEF01', type: 'ISO14443' };
    const start = { idToken, remoteStartId: 9, evseId: 2 };
    charger.plug(2, car);
    expect(await csms.call('RequestStartTransaction', start)).toEqual({ status: 'Accepted' });
    const started = await csms.told('TransactionEvent');
    expect(started).toMatchObject({ triggerReason: 'RemoteStart', idToken, transactionInfo: { remoteStartId: 9 } });
    const { transactionId } = started.transactionInfo as { transactionId: string };
    await charger.settled();
    expect(await csms.call('GetTransactionStatus', { transactionId })).toEqual({
      ongoingIndicator: true,
      messagesInQueue: false,
    });
    expect(await csms.call('UnlockConnector', { evseId: 2, connectorId: 1 })).toEqual({
      status: 'OngoingAuthorizedTransaction',
    });
    expect(await csms.call('Reset', { type: 'OnIdle' })).toEqual({ status: 'Scheduled' });
    expect(await csms.call('RequestStopTransaction', { transactionId })).toEqual({ status: 'Accepted' });
    const boots = () => csms.of('BootNotification').map(({ reason }) => reason);
    await waitFor(
      () => {
        clock.advance(1_000);
        return boots().length === 2;
      },
      { what: 'the charger to boot again' },
    );
    expect(boots()).toEqual(['PowerUp', 'RemoteReset']);
    expect(csms.of('TransactionEvent').at(-1)).toMatchObject({ eventType: 'Ended', triggerReason: 'RemoteStop' });
    expect(csms.broken).toEqual([]);
  });

  it('waits for somebody to plug in as long as EVConnectionTimeOut says, and says so by its connector alone', async () => {
    const { csms, charger, clock } = await play(dialect);
    await csms.call('SetVariables', { setVariableData: [variable('EVConnectionTimeOut', '30')] });
    const start = { idToken: { idToken: 'ABCDEF01', type: 'ISO14443' }, remoteStartId: 9, evseId: 2 };
    expect(await csms.call('RequestStartTransaction', start)).toEqual({ status: 'Accepted' });
    expect(await csms.call('RequestStartTransaction', { ...start, remoteStartId: 10 })).toEqual({ status: 'Rejected' });
    clock.advance(30_000);
    await charger.settled();
    expect(csms.of('StatusNotification').map(({ evseId, connectorStatus }) => [evseId, connectorStatus])).toEqual([
      [1, 'Available'],
      [2, 'Available'],
      [2, 'Occupied'],
      [2, 'Available'],
    ]);
    expect(csms.of('TransactionEvent')).toEqual([]);

    await csms.call('RequestStartTransaction', start);
    charger.plug(2, car);
    clock.advance(60_000);
    await charger.settled();
    expect(csms.of('TransactionEvent')).toMatchObject([
      { eventType: 'Started', triggerReason: 'RemoteStart', transactionInfo: { remoteStartId: 9 } },
    ]);
    expect(csms.broken).toEqual([]);
  });

  it('begins a transaction as soon as somebody is let in where TxStartPoint says so, and ends it if nobody plugs in', async () => {
    const { csms, charger, clock } = await play(dialect);
    const points = [variable('TxStartPoint', 'Authorized'), variable('TxStartPoint', 'ParkingBayOccupancy')];
    const { setVariableResult } = (await csms.call('SetVariables', { setVariableData: points })) as {
      setVariableResult: { attributeStatus: string }[];
    };
    expect(setVariableResult.map(({ attributeStatus }) => attributeStatus)).toEqual(['Accepted', 'Rejected']);
    const start = { idToken: { idToken: 'ABCDEF01', type: 'ISO14443' }, remoteStartId: 9 };
    await csms.call('RequestStartTransaction', { ...start, evseId: 1 });
    await csms.call('RequestStartTransaction', { ...start, evseId: 2 });
    charger.plug(2, car);
    clock.advance(60_000);
    charger.unplug(2);
    await charger.settled();
    const shown = ({ evse, eventType, triggerReason, transactionInfo }: Record<string, unknown>) => {
      const { chargingState, stoppedReason } = transactionInfo as Record<string, unknown>;
      return [(evse as { id: number }).id, eventType, triggerReason, chargingState, stoppedReason];
    };
    expect(csms.of('TransactionEvent').map(shown)).toEqual([
      [1, 'Started', 'RemoteStart', 'Idle', undefined],
      [2, 'Started', 'RemoteStart', 'Idle', undefined],
      [2, 'Updated', 'ChargingStateChanged', 'Charging', undefined],
      [1, 'Ended', 'EVConnectTimeout', 'Idle', 'Timeout'],
      [2, 'Ended', 'EVCommunicationLost', 'Idle', 'EVDisconnected'],
    ]);
    expect(csms.broken).toEqual([]);
  });

  it('lets its variables be read and written, and reports all of them', async () => {
    const { csms, charger } = await play(dialect);
    const component = { name: 'SampledDataCtrlr' };
    const variable = { name: 'TxUpdatedInterval' };
    const secret = { component: { name: 'SecurityCtrlr' }, variable: { name: 'BasicAuthPassword' } };
    const set = {
      setVariableData: [
        { component, variable, attributeValue: '15' },
        { ...secret, attributeValue: 'short' },
      ],
    };
    expect(await csms.call('SetVariables', set)).toEqual({
      setVariableResult: [
        { component, variable, attributeStatus: 'Accepted' },
        { ...secret, attributeStatus: 'Rejected' },
      ],
    });
    const unknown = { component: { name: 'Toaster' }, variable: { name: 'Heat' } };
    const evse = { component: { name: 'EVSE', evse: { id: 2 } }, variable: { name: 'AvailabilityState' } };
    const get = { getVariableData: [{ component, variable }, secret, unknown, evse] };
    expect(await csms.call('GetVariables', get)).toEqual({
      getVariableResult: [
        { component, variable, attributeStatus: 'Accepted', attributeValue: '15' },
        { ...secret, attributeStatus: 'Rejected' },
        { ...unknown, attributeStatus: 'UnknownComponent' },
        { ...evse, attributeStatus: 'Accepted', attributeValue: 'Available' },
      ],
    });
    expect(await csms.call('GetBaseReport', { requestId: 4, reportBase: 'FullInventory' })).toEqual({
      status: 'Accepted',
    });
    await csms.told('NotifyReport', ({ tbc }) => tbc === false);
    await charger.settled();
    const reports = csms.of('NotifyReport');
    expect(reports.map(({ seqNo, tbc, requestId }) => [seqNo, tbc, requestId])).toEqual([
      [0, true, 4],
      [1, false, 4],
    ]);
    expect(JSON.stringify(reports)).toContain('TxUpdatedInterval');
    expect(csms.broken).toEqual([]);
  });

  it('charges as its profiles let it, and stands still at none', async () => {
    const { csms, charger, clock } = await play(dialect);
    charger.plug(1, car);
    await charger.present(1, 'DRIVER-ADA');
    const chargingSchedule = [
      {
        id: 1,
        chargingRateUnit: 'W',
        startSchedule: '2026-03-01T12:00:00Z',
        duration: 3 * 3_600,
        chargingSchedulePeriod: [
          { startPeriod: 0, limit: 6_000 },
          { startPeriod: 3_600, limit: 0 },
          { startPeriod: 2 * 3_600, limit: 4_000 },
        ],
      },
    ];
    const chargingProfile = {
      id: 3,
      stackLevel: 0,
      chargingProfilePurpose: 'TxDefaultProfile',
      chargingProfileKind: 'Absolute',
      chargingSchedule,
    };
    expect(await csms.call('SetChargingProfile', { evseId: 1, chargingProfile })).toEqual({ status: 'Accepted' });
    expect(await csms.call('GetCompositeSchedule', { evseId: 1, duration: 4 * 3_600 })).toMatchObject({
      schedule: {
        chargingSchedulePeriod: [
          { startPeriod: 0, limit: 6_000 },
          { startPeriod: 3_600, limit: 0 },
          { startPeriod: 7_200, limit: 4_000 },
          { startPeriod: 10_800, limit: 22_000 },
        ],
      },
    });
    expect(await csms.call('GetChargingProfiles', { requestId: 1, chargingProfile: {} })).toEqual({
      status: 'Accepted',
    });
    expect((await csms.told('ReportChargingProfiles')).chargingProfile).toEqual([chargingProfile]);
    for (let hour = 0; hour < 4; hour++) clock.advance(HOUR_MS);
    await charger.settled();
    const registers = csms.of('TransactionEvent').flatMap(({ triggerReason, meterValue, transactionInfo }) => {
      const [{ sampledValue }] = meterValue as [{ sampledValue: [{ value: number }] }];
      const { chargingState } = transactionInfo as { chargingState?: string };
      return [[triggerReason, chargingState, sampledValue[0].value]];
    });
    // 6 kW, nothing, 4 kW, then the car's own 10 kW; of two at one time the timer that was set first comes first
    expect(registers.filter(([reason]) => reason === 'ChargingStateChanged')).toEqual([
      ['ChargingStateChanged', 'SuspendedEVSE', 6_000],
      ['ChargingStateChanged', 'Charging', 6_000],
    ]);
    expect(registers.filter(([reason]) => reason === 'MeterValuePeriodic').map(([, , value]) => value)).toEqual([
      6_000, 6_000, 10_000, 20_000,
    ]);
    expect(await csms.call('ClearChargingProfile', { chargingProfileId: 3 })).toEqual({ status: 'Accepted' });
    expect(await csms.call('ClearChargingProfile', { chargingProfileId: 3 })).toEqual({ status: 'Unknown' });
    expect(csms.broken).toEqual([]);
  });

  it('keeps a connector for the card that reserved it, until the reservation is over', async () => {
    const { csms, charger, clock } = await play(dialect);
    const idToken = { idToken: 'DRIVER-ADA', type: 'KeyCode' };
    const reserve = { id: 5, expiryDateTime: '2026-03-01T12:30:00Z', idToken, evseId: 1 };
    expect(await csms.call('ReserveNow', reserve)).toEqual({ status: 'Accepted' });
    expect(await csms.call('ReserveNow', { ...reserve, id: 6 })).toEqual({ status: 'Occupied' });
    expect(await csms.call('ReserveNow', { ...reserve, id: 6, evseId: 2 })).toEqual({ status: 'Accepted' });
    expect(await csms.call('CancelReservation', { reservationId: 6 })).toEqual({ status: 'Accepted' });
    expect(await csms.call('CancelReservation', { reservationId: 6 })).toEqual({ status: 'Rejected' });
    charger.plug(1, car);
    expect(await charger.present(1, 'DRIVER-BEN')).toBe('the connector is reserved for another card');
    charger.unplug(1);
    expect(charger.connector(1).status).toBe('Reserved');
    clock.advance(HOUR_MS);
    expect(await csms.told('ReservationStatusUpdate')).toEqual({
      reservationId: 5,
      reservationUpdateStatus: 'Expired',
    });
    expect(charger.connector(1).status).toBe('Available');
    expect(csms.broken).toEqual([]);
  });

  it('tells of a fault by its cause, and when it is mended', async () => {
    const { csms, charger } = await play(dialect);
    charger.act(2, { kind: 'fault', errorCode: 'GroundFailure' });
    charger.act(2, { kind: 'repair' });
    await charger.settled();
    expect(csms.of('NotifyEvent').map(({ eventData }) => eventData)).toEqual([
      [expect.objectContaining({ actualValue: 'true', cleared: false, techCode: 'GroundFailure' })],
      [expect.objectContaining({ actualValue: 'false', cleared: true, techCode: 'GroundFailure' })],
    ]);
    expect(
      csms
        .of('StatusNotification')
        .slice(2)
        .map(({ connectorStatus }) => connectorStatus),
    ).toEqual(['Faulted', 'Available']);
    expect(csms.broken).toEqual([]);
  });
});

describe('a virtual charger of ocpp1.6', () => {
  it('charges as its profiles let it, and stands still at none', async () => {
    const { csms, charger, clock } = await play(ocpp16);
    charger.plug(1, car);
    await charger.present(1, 'DRIVER-ADA');
    const csChargingProfiles = {
      chargingProfileId: 3,
      stackLevel: 0,
      chargingProfilePurpose: 'TxDefaultProfile',
      chargingProfileKind: 'Absolute',
      chargingSchedule: {
        chargingRateUnit: 'W',
        startSchedule: '2026-03-01T12:00:00Z',
        duration: 3 * 3_600,
        chargingSchedulePeriod: [
          { startPeriod: 0, limit: 6_000 },
          { startPeriod: 3_600, limit: 0 },
          { startPeriod: 2 * 3_600, limit: 4_000 },
        ],
      },
    };
    const set = { connectorId: 1, csChargingProfiles };
    expect(await csms.call('SetChargingProfile', set)).toEqual({ status: 'Accepted' });
    expect(await csms.call('SetChargingProfile', { ...set, connectorId: 3 })).toEqual({ status: 'Rejected' });
    const composite = (chargingRateUnit: 'W' | 'A') =>
      csms.call('GetCompositeSchedule', { connectorId: 1, duration: 4 * 3_600, chargingRateUnit });
    expect(await composite('W')).toEqual({
      status: 'Accepted',
      connectorId: 1,
      scheduleStart: '2026-03-01T12:00:00.000Z',
      chargingSchedule: {
        duration: 4 * 3_600,
        startSchedule: '2026-03-01T12:00:00.000Z',
        chargingRateUnit: 'W',
        chargingSchedulePeriod: [
          { startPeriod: 0, limit: 6_000 },
          { startPeriod: 3_600, limit: 0 },
          { startPeriod: 7_200, limit: 4_000 },
          { startPeriod: 10_800, limit: 22_000 },
        ],
      },
    });
    // 230 V on three phases: 6 kW are 8.7 A
    expect(await composite('A')).toMatchObject({
      chargingSchedule: { chargingRateUnit: 'A', chargingSchedulePeriod: [{ limit: 8.7 }, { limit: 0 }, {}, {}] },
    });
    for (let hour = 0; hour < 4; hour++) clock.advance(HOUR_MS);
    await charger.settled();
    const statuses = csms.of('StatusNotification').filter(({ connectorId }) => connectorId === 1);
    expect(statuses.map(({ status }) => status)).toEqual([
      'Available',
      'Preparing',
      'Charging',
      'SuspendedEVSE',
      'Charging',
    ]);
    const registers = csms.of('MeterValues').map(({ meterValue }) => {
      const [{ sampledValue }] = meterValue as [{ sampledValue: [{ context: string; value: string }] }];
      return sampledValue[0];
    });
    // 6 kW, nothing, 4 kW, then the car's own 10 kW
    expect(registers.filter(({ context }) => context === 'Sample.Periodic').map(({ value }) => value)).toEqual([
      '6000',
      '6000',
      '10000',
      '20000',
    ]);
    expect(await csms.call('ClearChargingProfile', { id: 3 })).toEqual({ status: 'Accepted' });
    expect(await csms.call('ClearChargingProfile', { id: 3 })).toEqual({ status: 'Unknown' });
    expect(csms.broken).toEqual([]);
  });

  it('keeps a connector for the card that reserved it, until the reservation is over', async () => {
    const { csms, charger, clock } = await play(ocpp16);
    const reserve = { connectorId: 1, expiryDate: '2026-03-01T12:30:00Z', idTag: 'DRIVER-ADA', reservationId: 5 };
    expect(await csms.call('ReserveNow', reserve)).toEqual({ status: 'Accepted' });
    expect(await csms.call('ReserveNow', { ...reserve, reservationId: 6 })).toEqual({ status: 'Occupied' });
    const other = { ...reserve, reservationId: 6, connectorId: 2 };
    expect(await csms.call('ReserveNow', { ...other, expiryDate: '2026-03-01T11:00:00Z' })).toEqual({
      status: 'Rejected',
    });
    expect(await csms.call('ReserveNow', other)).toEqual({ status: 'Accepted' });
    charger.plug(2, car);
    expect(await charger.present(2, 'driver-ada')).toBeUndefined();
    await charger.settled();
    expect(csms.of('StartTransaction')).toMatchObject([{ connectorId: 2, reservationId: 6 }]);
    expect(await csms.call('CancelReservation', { reservationId: 6 })).toEqual({ status: 'Rejected' });
    charger.plug(1, car);
    expect(await charger.present(1, 'DRIVER-BEN')).toBe('the connector is reserved for another card');
    charger.unplug(1);
    expect(charger.connector(1).status).toBe('Reserved');
    clock.advance(HOUR_MS);
    expect(charger.connector(1).status).toBe('Available');
    const later = { ...reserve, expiryDate: '2026-03-02T12:00:00Z', reservationId: 7 };
    expect(await csms.call('ReserveNow', later)).toEqual({ status: 'Accepted' });
    expect(await csms.call('CancelReservation', { reservationId: 7 })).toEqual({ status: 'Accepted' });
    expect(await csms.call('CancelReservation', { reservationId: 7 })).toEqual({ status: 'Rejected' });
    expect(charger.connector(1).status).toBe('Available');
    expect(csms.broken).toEqual([]);
  });
});

describe('a virtual charger of ocpp2.1', () => {
  it('delivers no more than the energy that its CSMS allows, and says that this is why it stands still', async () => {
    const { csms, charger, clock } = await play(
      ocpp21,
      {},
      {
        TransactionEvent: ({ eventType }) =>
          eventType === 'Started' ? { transactionLimit: { maxEnergy: 1_500 } } : {},
      },
    );
    charger.plug(1, car);
    await charger.present(1, 'DRIVER-ADA');
    await charger.settled();
    charger.act(1, { kind: 'pause', by: 'EVSE' });
    charger.act(1, { kind: 'resume' });
    clock.advance(HOUR_MS);
    await charger.settled();
    expect(charger.connector(1)).toMatchObject({ status: 'SuspendedEVSE', meterWh: 1_500 });
    const turns = csms
      .of('TransactionEvent')
      .filter(({ transactionInfo }) => 'chargingState' in Object(transactionInfo));
    expect(turns.slice(1)).toMatchObject([
      { triggerReason: 'ChargingStateChanged', transactionInfo: { chargingState: 'SuspendedEVSE' } },
      { triggerReason: 'ChargingStateChanged', transactionInfo: { chargingState: 'Charging' } },
      { triggerReason: 'EnergyLimitReached', transactionInfo: { chargingState: 'SuspendedEVSE' } },
    ]);
    expect(csms.broken).toEqual([]);
  });
});

describe.each([
  { dialect: ocpp16, curve: 'secp256k1' },
  { dialect: ocpp201, curve: 'prime256v1' },
  { dialect: ocpp21, curve: 'secp256k1' },
])('the meter of a virtual charger of $dialect.subprotocol', ({ dialect, curve }) => {
  it(`signs begin and end with its own key on ${curve}, so that the energy can be verified`, async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: curve });
    const signedMeter = makeSignedMeter({ privateKey, serial: 'METER-7', pagination: 41 });
    const { csms, charger, clock } = await play(dialect, { signedMeter });
    for (let round = 0; round < 2; round++) {
      charger.plug(1, car);
      await charger.present(1, 'DRIVER-ADA');
      clock.advance(HOUR_MS / 2);
      await charger.present(1, 'DRIVER-ADA');
      charger.unplug(1);
    }
    await charger.settled();
    expect(csms.broken).toEqual([]);
    const texts = csms.heard.flatMap(({ payload }) => signedTexts(payload));
    // OCPP 1.6 tells the begin when it begins and again when it ends
    expect([...new Set(texts)].map((text) => (JSON.parse(text.split('|')[1] ?? '') as { PG: string }).PG)).toEqual([
      'T42',
      'T43',
      'T44',
      'T45',
    ]);
    const atSec = (START_MS + HOUR_MS / 2) / 1000;
    const key = createPublicKey(privateKey);
    const second = [...new Set(texts)].slice(2);
    expect(signedEnergy(second, { key, startedAtSec: atSec, endedAtSec: atSec + 1_800, earlierPage: 43 })).toEqual({
      kind: 'signed',
      energyWh: 5_000,
      lastPage: 45,
    });
  });
});

/** Every OCMF text in a payload, in order. */
function signedTexts(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const fields = value as Record<string, unknown>;
  if (fields.format === 'SignedData') return [String(fields.value)];
  if (typeof fields.signedMeterData === 'string') return [Buffer.from(fields.signedMeterData, 'base64').toString()];
  return Object.values(fields).flatMap(signedTexts);
}

describe.each([ocpp16, ocpp201])('the certificates of a virtual charger of $subprotocol', (dialect) => {
  it('are installed, named and removed', async () => {
    const { csms } = await play(dialect);
    const type = dialect === ocpp16 ? 'CentralSystemRootCertificate' : 'CSMSRootCertificate';
    const asked = dialect === ocpp16 ? type : [type];
    const root = makeCertificate({ commonName: 'Root', purpose: 'ca' });
    const other = makeCertificate({ commonName: 'Other', purpose: 'ca' });
    expect(await csms.call('GetInstalledCertificateIds', { certificateType: asked })).toEqual({ status: 'NotFound' });
    for (const { cert } of [root, other, root]) {
      const install = { certificateType: type, certificate: cert };
      expect(await csms.call('InstallCertificate', install)).toEqual({ status: 'Accepted' });
    }
    expect(await csms.call('InstallCertificate', { certificateType: type, certificate: 'x' })).toEqual({
      status: 'Rejected',
    });
    const found = await csms.call('GetInstalledCertificateIds', { certificateType: asked });
    const { certificateHashData = [], certificateHashDataChain = [] } = found as {
      certificateHashData?: object[];
      certificateHashDataChain?: { certificateHashData: object }[];
    };
    const hashes = [...certificateHashData, ...certificateHashDataChain.map((each) => each.certificateHashData)];
    const { publicKey, serialNumber } = new X509Certificate(root.cert);
    // the 65 bytes of an uncompressed point stand at the end of the key
    const point = publicKey.export({ type: 'spki', format: 'der' }).subarray(-65);
    expect(hashes).toHaveLength(2);
    expect(hashes[0]).toEqual({
      hashAlgorithm: 'SHA256',
      issuerNameHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      issuerKeyHash: createHash('sha256').update(point).digest('hex'),
      serialNumber: serialNumber.toLowerCase().replace(/^0+/, ''),
    });
    expect(await csms.call('DeleteCertificate', { certificateHashData: hashes[0] })).toEqual({ status: 'Accepted' });
    expect(await csms.call('DeleteCertificate', { certificateHashData: hashes[0] })).toEqual({ status: 'NotFound' });
    // the last one that its CSMS can be known by stays
    expect(await csms.call('DeleteCertificate', { certificateHashData: hashes[1] })).toEqual({ status: 'Failed' });
    expect(csms.broken).toEqual([]);
  });

  it('are asked for with a request that proves the key', async () => {
    const { csms, charger } = await play(dialect);
    charger.askForCertificate();
    const { csr } = await csms.told('SignCertificate');
    expect(readCertificateRequest(String(csr)).subject).toHaveLength(2);
    // one for another key is refused, and told of
    const { cert } = makeCertificate({ commonName: 'CP-1', purpose: 'client' });
    expect(await csms.call('CertificateSigned', { certificateChain: cert })).toEqual({ status: 'Rejected' });
    expect((await csms.told('SecurityEventNotification')).type).toMatch(/^Invalid/);
    expect(csms.broken).toEqual([]);
  });
});
