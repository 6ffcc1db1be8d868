import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { makeCardIndex } from '../../adapter/card-index.ts';
import { makeEventReader } from '../../adapter/event-reader.ts';
import { makeStationRecord } from '../../adapter/station-record.ts';
import { idTagCommitment } from '../../core/identity.ts';
import { makeTestGateway } from '../support/batches.ts';
import { makeTestRecord } from './record.ts';

const ms = (sec: number) => sec * 1000;
const gateway = makeTestGateway({ bootedAtMs: ms(1_000) });
const record = makeTestRecord([gateway.listed()]);
const station = makeStationRecord(record.db, makeEventReader(record.db));
const LATEST = [Number.MAX_SAFE_INTEGER, 0, 0] as const;
const FIRST = ['', ''] as const;

/** The charger answers a command of the gateway. */
function answered(charger: string, atSec: number, action: string, call: object, result: object): void {
  gateway.answer(charger, ms(atSec), `${action}-${atSec}`, result, action, call);
}
const configuration = (atSec: number, ...rows: object[]) =>
  answered('CH-1', atSec, 'GetConfiguration', {}, { configurationKey: rows });

beforeAll(() => {
  record.apply(gateway.flush(ms(1_000)));
  gateway.open('CH-1', ms(1_001));
  gateway.open('CH-2', ms(1_001), ms(1_001), 'ocpp2.0.1');
  const boot = {
    chargePointVendor: 'Acme',
    chargePointModel: 'One',
    firmwareVersion: '1.2',
    chargePointSerialNumber: 'S',
  };
  gateway.call('CH-1', ms(1_002), 'BootNotification', boot, { status: 'Accepted', currentTime: '', interval: 1 });
  configuration(
    1_003,
    { key: 'HeartbeatInterval', readonly: false, value: '60' },
    { key: 'AuthorizationKey', readonly: false, value: 'c0ffee' },
    { key: 'NumberOfConnectors', readonly: true, value: '2' },
  );
  // A charger that names a key twice in one answer, the second time otherwise.
  configuration(1_004, { key: 'HeartbeatInterval', value: '1' }, { key: 'HeartbeatInterval', value: '30' });
  const reserve = (atSec: number, reservationId: number, until: number, status = 'Accepted') => {
    const expiryDate = new Date(ms(until)).toISOString();
    answered('CH-1', atSec, 'ReserveNow', { connectorId: 1, idTag: 'SECRET', expiryDate, reservationId }, { status });
  };
  reserve(1_010, 1, 1_500);
  reserve(1_011, 2, 1_013);
  reserve(1_012, 3, 1_500);
  reserve(1_012, 4, 1_500, 'Occupied');
  reserve(1_012, 5, 1_500);
  answered('CH-1', 1_013, 'CancelReservation', { reservationId: 3 }, { status: 'Accepted' });
  const start = { connectorId: 1, idTag: 'SECRET', meterStart: 0, reservationId: 5 };
  gateway.call('CH-1', ms(1_014), 'StartTransaction', start, { transactionId: 8, idTagInfo: { status: 'Accepted' } });
  for (const status of ['Downloading', 'Installed']) {
    gateway.call('CH-1', ms(1_015), 'FirmwareStatusNotification', { status });
  }
  gateway.call('CH-1', ms(1_016), 'DiagnosticsStatusNotification', { status: 'UploadFailed' });
  gateway.call('CH-2', ms(1_016), 'LogStatusNotification', { status: 'Uploading', requestId: 7 });
  for (const [n, type] of ['SettingSystemTime', 'TamperDetectionActivated', 'InvalidMessages'].entries()) {
    const timestamp = '2026-01-01T00:00:00Z';
    gateway.call('CH-2', ms(1_017 + n), 'SecurityEventNotification', { type, timestamp, techInfo: 'SECRET' });
  }
  record.apply(gateway.flush(ms(1_030)));
});
afterAll(() => record.db.close());

describe('what chargers tell of themselves', () => {
  it('is each variable as it was told last, by key and page by page, a secret without its value', () => {
    const all = station.configuration('CH-1', FIRST, 10);
    expect(all).toEqual([
      {
        ...{ key: 'AuthorizationKey', attribute: 'Actual', value: null },
        ...{ isSecret: true, mutability: 'ReadWrite', observedAt: 1_003 },
      },
      {
        ...{ key: 'HeartbeatInterval', attribute: 'Actual', value: '30' },
        ...{ isSecret: false, mutability: null, observedAt: 1_004 },
      },
      {
        ...{ key: 'NumberOfConnectors', attribute: 'Actual', value: '2' },
        ...{ isSecret: false, mutability: 'ReadOnly', observedAt: 1_003 },
      },
    ]);
    expect(station.configuration('CH-1', ['AuthorizationKey', 'Actual'], 1)).toEqual(all.slice(1, 2));
    expect(station.configuration('CH-2', FIRST, 10)).toEqual([]);
  });

  it('is each reservation with its state: used, cancelled, run out, or still there', () => {
    const all = station.reservations('CH-1', Number.MAX_SAFE_INTEGER, 10, 1_030);
    const common = { connector: 1, transactionId: null };
    expect(all).toEqual([
      { ...common, reservationId: 5, state: 'Used', reservedAt: 1_012, until: 1_500, endedAt: 1_014, transactionId: 8 },
      { ...common, reservationId: 3, state: 'Cancelled', reservedAt: 1_012, until: 1_500, endedAt: 1_013 },
      { ...common, reservationId: 2, state: 'Expired', reservedAt: 1_011, until: 1_013, endedAt: 1_013 },
      { ...common, reservationId: 1, state: 'Active', reservedAt: 1_010, until: 1_500, endedAt: null },
    ]);
    expect(station.reservations('CH-1', 3, 1, 1_030)).toEqual(all.slice(2, 3));
  });

  it('is what runs on it, and how far an update or an upload has got', () => {
    expect(station.maintenance('CH-1')).toEqual({
      boot: { vendor: 'Acme', model: 'One', firmware: '1.2', registration: 'Accepted', observedAt: 1_002 },
      firmware: { status: 'Installed', requestId: null, observedAt: 1_015 },
      diagnostics: { status: 'UploadFailure', requestId: null, observedAt: 1_016 },
      log: null,
    });
    expect(station.maintenance('CH-2')).toEqual({
      ...{ boot: null, firmware: null, diagnostics: null },
      log: { status: 'Uploading', requestId: 7, observedAt: 1_016 },
    });
  });

  it('is its security events, the latest first, page by page, without their free text', () => {
    const page = station.securityEvents('CH-2', LATEST, 2);
    expect(page.map(({ event, observedAt }) => [event, observedAt])).toEqual([
      ['InvalidMessages', 1_019],
      ['TamperDetectionActivated', 1_018],
    ]);
    const [epoch = 0, atMs = 0, seq = 0] = String(page.at(-1)?.cursor).split('-').map(Number);
    const rest = station.securityEvents('CH-2', [epoch, atMs, seq], 2);
    expect(rest.map(({ event }) => event)).toEqual(['SettingSystemTime']);
    expect(JSON.stringify([page, rest])).not.toContain('SECRET');
  });

  it('goes with the batches that are taken back, when a gateway is proven false', () => {
    const other = makeTestGateway({ bootedAtMs: ms(1_000) });
    const own = makeTestRecord([other.listed()]);
    own.apply(other.flush(ms(1_000)));
    other.open('CH-9', ms(1_001));
    const liar = other.clone();
    other.call('CH-9', ms(1_002), 'SecurityEventNotification', { type: 'InvalidMessages', timestamp: '' });
    own.apply(other.flush(ms(1_003)));
    expect(own.count('station_facts')).toBe(1);
    own.apply(liar.flush(ms(1_004)));
    expect(own.count('station_facts')).toBe(0);
    own.db.close();
  });
});

describe('the index of cards', () => {
  const index = (pepper: string) => makeCardIndex(record.db, (idTag) => idTagCommitment(idTag, Buffer.from(pepper)));

  it('finds a card by its commitment, under another pepper by another, and without one not at all', () => {
    const commitment = (pepper: string) => idTagCommitment('secret', Buffer.from(pepper));
    const first = index('a pepper of 16 bytes');
    expect(first.tagHashOf(commitment('a pepper of 16 bytes'))).toBeUndefined();
    expect(first.step()).toBe(false);
    const found = first.tagHashOf(commitment('a pepper of 16 bytes'));
    expect(found).toMatch(/^[0-9a-f]{64}$/);
    const second = index('another of 16 bytes');
    second.step();
    expect(second.tagHashOf(commitment('another of 16 bytes'))).toBe(found);
    expect(second.tagHashOf(commitment('a pepper of 16 bytes'))).toBeUndefined();
    const none = makeCardIndex(record.db, () => undefined);
    expect([none.step(), none.tagHashOf(commitment('another of 16 bytes'))]).toEqual([false, undefined]);
  });
});
