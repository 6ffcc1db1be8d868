import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { GAP_PATIENCE_MS } from '../../adapter/ingest.ts';
import { register, transactionEvent } from '../core/samples20.ts';
import { makeTestGateway } from '../support/batches.ts';
import { makeTestRecord } from './record.ts';

describe('an OCPP 2.x charger, as of a time', () => {
  let gateway: ReturnType<typeof makeTestGateway>;
  let record: ReturnType<typeof makeTestRecord>;
  let clockSec: number;

  beforeEach(() => {
    gateway = makeTestGateway({ bootedAtMs: 1_000_000 });
    record = makeTestRecord([gateway.listed()]);
    record.apply(gateway.flush(1_000_000));
    gateway.open('CH-1', 1_001_000, 1_001_000, 'ocpp2.0.1');
    clockSec = 0;
  });
  afterEach(() => record.db.close());

  /** The gateway goes on telling its watermark up to a time. Times are seconds after 1,000. */
  const pass = (sec: number) => {
    while (clockSec < sec) {
      clockSec = Math.min(clockSec + 5, sec);
      record.apply(gateway.flush(1_000_000 + clockSec * 1000));
    }
  };
  const call = (sec: number, action: string, payload: object, result: object = {}) => {
    pass(sec - 1);
    gateway.call('CH-1', 1_000_000 + sec * 1000, action, payload, result);
  };
  const status = (sec: number, connectorStatus: string, connectorId = 1, evseId = 1) =>
    call(sec, 'StatusNotification', { connectorStatus, evseId, connectorId });
  const boot = (sec: number) =>
    call(sec, 'BootNotification', { chargingStation: { vendorName: 'V', model: 'M' } }, { status: 'Accepted' });
  const transaction = (sec: number, type: 'Started' | 'Updated' | 'Ended', seqNo: number, change: object = {}) =>
    call(sec, 'TransactionEvent', transactionEvent(type, seqNo, { timestamp: undefined, ...change }));
  const charging = (chargingState: string, transactionId = 'tx-1') => ({
    transactionInfo: { transactionId, chargingState },
  });
  const problem = (sec: number, name: string, value = 'true', evse: object | undefined = { id: 1 }) =>
    call(sec, 'NotifyEvent', {
      eventData: [{ component: { name, evse }, variable: { name: 'Problem' }, actualValue: value }],
    });
  const told = (connector = 1, sec = 20) => {
    pass(sec + 2);
    return record.told('CH-1', connector, 1_000 + sec);
  };

  it('is what its EVSE reports; other EVSEs are not touched', () => {
    status(2, 'Available');
    status(3, 'Faulted', 1, 2);
    expect([told(1), told(2), told(0)]).toEqual(['Available@1002', 'Faulted@1003 error 7', 'Unknown@0']);
  });

  it('is charging, suspended and occupied as its transaction says, though that names the EVSE once', () => {
    status(2, 'Occupied');
    transaction(3, 'Started', 0, { evse: { id: 1 }, ...charging('EVConnected') });
    transaction(4, 'Updated', 1, charging('Charging'));
    transaction(5, 'Updated', 2, charging('SuspendedEV'));
    transaction(6, 'Updated', 3);
    transaction(7, 'Updated', 4, charging('Charging'));
    transaction(8, 'Ended', 5, charging('Idle'));
    status(9, 'Available');
    pass(12);
    expect([2, 3, 4, 5, 6, 7, 8, 9].map((sec) => told(1, sec))).toEqual([
      'Occupied@1002',
      'Occupied@1002',
      'Charging@1004',
      'Suspended@1005',
      'Suspended@1005',
      'Charging@1007',
      'Occupied@1002',
      'Available@1009',
    ]);
  });

  it('takes the state of the transaction that came to the EVSE last, and of no other EVSE', () => {
    status(2, 'Occupied');
    status(2, 'Occupied', 1, 2);
    transaction(3, 'Started', 0, { evse: { id: 1 }, ...charging('Charging') });
    transaction(4, 'Started', 0, { evse: { id: 2 }, ...charging('SuspendedEV', 'tx-2') });
    transaction(5, 'Started', 0, { evse: { id: 1 }, ...charging('EVConnected', 'tx-3') });
    transaction(6, 'Updated', 1, charging('SuspendedEVSE', 'tx-1'));
    expect([told(1), told(2)]).toEqual(['Occupied@1002', 'Suspended@1004']);
  });

  it('is in use while one of several plugs is, can be used while one can, and warns of the broken one', () => {
    boot(2);
    status(3, 'Available', 1);
    status(4, 'Faulted', 2);
    expect(told()).toBe('Available@1003 error 7');
    status(30, 'Occupied', 1);
    status(31, 'Available', 2);
    status(32, 'Unavailable', 1);
    status(33, 'Faulted', 2);
    expect([told(1, 33), told(1, 32), told(1, 31), told(1, 30)]).toEqual([
      'Faulted@1033 error 7',
      'Available@1031',
      'Occupied@1030',
      'Occupied@1030 error 7',
    ]);
  });

  it('forgets connectors that it does not report again after a boot', () => {
    status(2, 'Faulted', 1);
    status(2, 'Occupied', 2);
    boot(3);
    expect(told(1, 4)).toBe('Occupied@1002 error 7');
    status(7, 'Unavailable', 1);
    expect(told(1, 7)).toBe('Unavailable@1007');
  });

  it('tells as error the problem that it reported with the fault, be it of the EVSE or of the station', () => {
    problem(2, 'RCD');
    status(100, 'Faulted');
    problem(103, 'PowerContactor');
    problem(106, 'Controller', 'true', undefined);
    problem(109, 'Controller', 'false', undefined);
    expect([101, 104, 107, 110].map((sec) => told(1, sec))).toEqual([
      'Faulted@1100 error 7',
      'Faulted@1100 error 11',
      'Faulted@1100 error 5',
      'Faulted@1100 error 7',
    ]);
    problem(199, 'RCD', 'true', { id: 2 });
    status(200, 'Faulted', 1, 2);
    expect(told(2, 201)).toBe('Faulted@1200 error 3');
  });

  it('reads its meter where the EVSE is named, and where only the transaction is', () => {
    const meterValue = (value: number) => ({ meterValue: [{ sampledValue: [register(value)] }] });
    call(2, 'MeterValues', { evseId: 1, ...meterValue(100) });
    transaction(3, 'Started', 0);
    transaction(4, 'Updated', 1, { evse: { id: 1, connectorId: 1 }, ...meterValue(200) });
    transaction(5, 'Updated', 2, meterValue(300));
    transaction(6, 'Ended', 3, { ...meterValue(400) });
    call(7, 'MeterValues', { evseId: 2, ...meterValue(5) });
    pass(10);
    const at = (connector: number, sec: number) => {
      const reading = record.meter('CH-1', connector, 1_000 + sec);
      return reading.isKnown ? [reading.answer.registerWh, reading.answer.observedAtSec - 1_000] : reading.reason;
    };
    expect([at(1, 2), at(1, 4), at(1, 5), at(1, 6), at(2, 7), at(2, 6)]).toEqual([
      [100, 2],
      [200, 4],
      [300, 5],
      [400, 6],
      [5, 7],
      [0, -1_000],
    ]);
  });

  it('is up while an EVSE of it can be used', () => {
    boot(2);
    status(10, 'Available');
    status(20, 'Occupied');
    status(30, 'Faulted');
    status(40, 'Available');
    pass(60);
    expect(record.uptime('CH-1', 1_000, 1_050)).toEqual({ isKnown: true, answer: { usableSec: 30, excludedSec: 0 } });
  });

  it('is not known to an operator that missed a part until the charger boots and reports again', () => {
    status(2, 'Occupied', 2);
    pass(5);
    // Batches that never come: what is in them nobody here can know.
    status(6, 'Available', 2);
    gateway.flush(1_007_000);
    clockSec = 9;
    record.apply(gateway.flush(1_008_000));
    record.ingest.giveUpGaps(GAP_PATIENCE_MS, 0);
    gateway.restart(1_009_000);
    gateway.open('CH-1', 1_010_000, 1_010_000, 'ocpp2.0.1');
    status(11, 'Available', 1);
    expect(told(1, 12)).toBe('cannot know');
    boot(15);
    status(16, 'Available', 1);
    expect(told(1, 17)).toBe('Available@1016');
  });
});
