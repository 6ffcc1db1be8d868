import { afterEach, describe, expect, it } from '@jest/globals';
import { DIALECT_16 } from '../../ocpp-gateway/answers16.ts';
import { type Charger, startCharger } from '../../simulator/charger.ts';
import { ocpp16 } from '../../simulator/ocpp16.ts';
import { ocpp21, ocpp201 } from '../../simulator/ocpp20.ts';
import { actionsOf, leastPayload, schemasOf, type Version } from './schemas.ts';
import { startStrictCsms } from './strict-csms.ts';

const open: { close: () => Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

/** Messages of 2.x that only a charger sends. */
const FROM_CHARGER_20 = [
  'Authorize',
  'BatterySwap',
  'BootNotification',
  'ClearedChargingLimit',
  'ClosePeriodicEventStream',
  'FirmwareStatusNotification',
  'Get15118EVCertificate',
  'GetCertificateChainStatus',
  'GetCertificateStatus',
  'Heartbeat',
  'LogStatusNotification',
  'MeterValues',
  'NotifyChargingLimit',
  'NotifyCustomerInformation',
  'NotifyDERAlarm',
  'NotifyDERStartStop',
  'NotifyDisplayMessages',
  'NotifyEVChargingNeeds',
  'NotifyEVChargingSchedule',
  'NotifyEvent',
  'NotifyMonitoringReport',
  'NotifyPriorityCharging',
  'NotifyReport',
  'NotifySettlement',
  'OpenPeriodicEventStream',
  'PublishFirmwareStatusNotification',
  'PullDynamicScheduleUpdate',
  'ReportChargingProfiles',
  'ReportDERControl',
  'ReservationStatusUpdate',
  'SecurityEventNotification',
  'SignCertificate',
  'StatusNotification',
  'TransactionEvent',
  'VatNumberValidation',
];

const files = { download: () => Promise.reject(new Error('nothing there')), upload: async () => {} };

describe.each([
  { version: 'ocpp1.6' as Version, dialect: ocpp16, commands: [...DIALECT_16.commands] },
  ...[ocpp201, ocpp21].map((dialect) => ({
    version: dialect.subprotocol as Version,
    dialect,
    commands: actionsOf(dialect.subprotocol as Version).filter((action) => !FROM_CHARGER_20.includes(action)),
  })),
])('a virtual charger of $version', ({ version, dialect, commands }) => {
  it('answers every message that a CSMS sends as its schema wants it, whatever it says', async () => {
    const csms = await startStrictCsms(version);
    open.push(csms);
    const charger: Charger = startCharger({
      url: csms.url,
      identity: 'CP-1',
      key: undefined,
      connectors: 2,
      dialect,
      files,
    });
    open.push(charger);
    await charger.settled();
    const schemas = new Map(schemasOf(version).map((schema) => [schema.$id, schema]));
    // one that restarts the charger comes last
    const inOrder = [...commands].sort((a, b) => Number(a === 'Reset') - Number(b === 'Reset'));
    const answered: string[] = [];
    for (const action of inOrder) {
      const payload = leastPayload(schemas.get(`urn:${action}.req`) ?? {}) as object;
      const answer = await csms.call(action, payload).catch((error: Error) => `${action}: ${error.message}`);
      if (typeof answer === 'object') answered.push(action);
      else expect(answer).toBe(`${action} to be answered`);
    }
    expect(answered).toEqual(inOrder);
    await charger.settled();
    expect(csms.broken).toEqual([]);
  });
});
