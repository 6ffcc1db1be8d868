import { describe, expect, it } from '@jest/globals';
import type { Database, Statement } from '../../adapter/database.ts';
import { makeMeterReader } from '../../adapter/meter-reader.ts';
import { asOfMs } from '../../core/as-of.ts';
import { deviceIdOf } from '../../core/identity.ts';
import { meterReadingAt } from '../../core/meter-reading.ts';
import { encodeMeterReading } from '../../core/queries.ts';
import { makeTestGateway } from '../support/batches.ts';
import { makeTestRecord } from './record.ts';

const ms = (sec: number) => sec * 1000;
/** 2026-11-22T00:00:00Z, in seconds: a charger's clock before 2020 is not believed. */
const DAY = 1_795_305_600;
const iso = (sec: number) => new Date(ms(sec)).toISOString();

function begin() {
  const gateway = makeTestGateway({ bootedAtMs: ms(DAY) });
  const record = makeTestRecord([gateway.listed()]);
  record.apply(gateway.flush(ms(DAY)));
  gateway.open('CH-1', ms(DAY + 1));
  /** `<Wh> Wh <W> W @<seconds of the day>`. */
  const told = (sec: number, connector = 1) => {
    const known = record.meter('CH-1', connector, DAY + sec);
    if (!known.isKnown) return 'cannot know';
    const { registerWh, powerW, observedAtSec, isSigned } = known.answer;
    const at = observedAtSec === 0 ? 'never' : observedAtSec - DAY;
    return `${registerWh} Wh ${powerW} W @${at}${isSigned ? ' signed' : ''}`;
  };
  const values = (sec: number, sampledValue: object[], connectorId = 1, takenAtSec = sec) =>
    gateway.call('CH-1', ms(DAY + sec), 'MeterValues', {
      connectorId,
      meterValue: [{ timestamp: iso(DAY + takenAtSec), sampledValue }],
    });
  const start = (sec: number, transactionId: number, meterStart: number, connectorId = 1) =>
    gateway.call(
      'CH-1',
      ms(DAY + sec),
      'StartTransaction',
      { connectorId, idTag: 'ADA', meterStart, timestamp: iso(DAY + sec) },
      { transactionId, idTagInfo: { status: 'Accepted' } },
    );
  const stop = (sec: number, transactionId: number, meterStop: number, takenAtSec = sec) =>
    gateway.call('CH-1', ms(DAY + sec), 'StopTransaction', {
      transactionId,
      meterStop,
      timestamp: iso(DAY + takenAtSec),
    });
  const flush = (sec: number) => record.apply(gateway.flush(ms(DAY + sec)));
  return { gateway, record, told, values, start, stop, flush };
}

describe('meter-reading as of a time', () => {
  it('shows each reading from the second in which it came, in Wh and W, and not before', () => {
    const { told, values, flush } = begin();
    values(2, [
      { value: '1.2345', unit: 'kWh' },
      { value: '7.4', unit: 'kW', measurand: 'Power.Active.Import' },
    ]);
    values(4, [{ value: '1300' }]);
    flush(6);
    expect([1, 2, 3, 4, 5].map((sec) => told(sec))).toEqual([
      '0 Wh 0 W @never',
      '1234 Wh 7400 W @2',
      '1234 Wh 7400 W @2',
      '1300 Wh 0 W @4',
      '1300 Wh 0 W @4',
    ]);
    expect(told(5, 2)).toBe('0 Wh 0 W @never');
  });

  it('goes by the start and the end of a transaction, at the connector of its start', () => {
    const { told, values, start, stop, flush } = begin();
    values(2, [{ value: '100' }]);
    start(3, 7, 5_000, 2);
    values(4, [{ value: '200' }]);
    stop(5, 7, 9_000);
    stop(6, 8, 1);
    flush(8);
    expect([2, 4, 6].map((sec) => told(sec))).toEqual(['100 Wh 0 W @2', '200 Wh 0 W @4', '200 Wh 0 W @4']);
    expect([2, 3, 5, 6].map((sec) => told(sec, 2))).toEqual([
      '0 Wh 0 W @never',
      '5000 Wh 0 W @3',
      '9000 Wh 0 W @5',
      '9000 Wh 0 W @5',
    ]);
  });

  it('dates a reading that the charger kept by its own clock, and one with a clock that is off by when it came', () => {
    const { told, start, stop, values, flush } = begin();
    start(2, 7, 0);
    stop(4_000, 7, 900, 1_000);
    flush(4_001);
    expect(told(4_001)).toBe('900 Wh 0 W @1000');
    values(4_002, [{ value: '950' }], 1, 9_000);
    flush(4_003);
    expect(told(4_003)).toBe('950 Wh 0 W @4002');
  });

  it('leaves out readings of a phase, of the inlet, of export, and what is no number', () => {
    const { told, values, flush } = begin();
    values(2, [{ value: '100' }]);
    values(3, [{ value: '40', phase: 'L1' }]);
    values(3, [{ value: '41', location: 'Inlet' }]);
    values(3, [{ value: '42', measurand: 'Energy.Active.Export.Register' }]);
    values(3, [{ value: 'many' }]);
    flush(5);
    expect(told(4)).toBe('100 Wh 0 W @2');
  });

  it('says when a record that the meter signed came with the reading', () => {
    const { told, values, flush } = begin();
    values(2, [{ value: '100' }, { value: 'OCMF|{}|{}', format: 'SignedData' }]);
    flush(3);
    expect(told(2)).toBe('100 Wh 0 W @2 signed');
  });

  it('goes on chain as register, power, time and signed', () => {
    const word = (value: number) => value.toString(16).padStart(64, '0');
    const answer = { registerWh: 1_234, powerW: 7_400, observedAtSec: DAY, isSigned: true };
    expect(encodeMeterReading(answer)).toBe(`0x${word(1_234)}${word(7_400)}${word(DAY)}${word(1)}`);
  });

  it('costs the same however many transactions ended at other connectors, told before or after their starts', () => {
    const { gateway, record, told, values, start, stop, flush } = begin();
    let looks = 0;
    const counting = <Row>(statement: Statement<Row>): Statement<Row> => ({
      ...statement,
      get: (...given) => {
        looks++;
        return statement.get(...given);
      },
    });
    const db: Database = { ...record.db, prepare: (sql) => counting(record.db.prepare(sql)) };
    const read = makeMeterReader(db, record.reader);
    const looksFor = (connector: number, sec: number) => {
      looks = 0;
      const atMs = asOfMs(DAY + sec);
      const known = meterReadingAt(read(deviceIdOf('CH-1'), atMs), connector, atMs);
      return { registerWh: known.isKnown ? known.answer.registerWh : undefined, looks };
    };
    values(1, [{ value: '100' }]);
    start(2, 1_000, 0, 2);
    stop(3, 1_000, 50);
    flush(4);
    const before = looksFor(1, 4);
    expect(before.registerWh).toBe(100);
    for (let n = 0; n < 60; n++) {
      start(5, n, 0, 2);
      stop(5, n, 1_000 + n);
    }
    flush(6);
    expect(looksFor(1, 6)).toEqual(before);
    expect(looksFor(2, 6).registerWh).toBe(1_059);
    expect(looksFor(3, 6)).toMatchObject({ registerWh: 0 });
    expect(looksFor(3, 6).looks).toBeLessThanOrEqual(before.looks);
    // An end that comes on record before the start that says of which connector it is.
    stop(7, 500, 7_000);
    flush(8);
    expect(told(8, 2)).toBe('1059 Wh 0 W @5');
    gateway.close('CH-1', ms(DAY + 9));
    gateway.open('CH-1', ms(DAY + 10), ms(DAY));
    start(11, 500, 6_000, 1);
    flush(12);
    expect(told(12, 2)).toBe('1059 Wh 0 W @5');
  });
});
