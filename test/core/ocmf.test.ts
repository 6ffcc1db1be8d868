import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isSignedByMeter, readMeterKey } from '../../core/meter-signature.ts';
import { type OcmfRecord, readOcmf } from '../../core/ocmf.ts';
import { signedEnergy } from '../../core/signed-energy.ts';
import { PUBLISHED_RECORDS } from './ocmf-published.ts';
import { makeTestMeter } from './ocmf-support.ts';

function recordOf(text: string): OcmfRecord {
  const record = readOcmf(text);
  if ('unusable' in record) throw new Error(record.unusable);
  return record;
}

describe('records of meters in the field', () => {
  it.each(PUBLISHED_RECORDS)('are read and verify: $meter', ({ text, key, curve, serial, page, registersMicroWh }) => {
    const record = recordOf(text);
    const meterKey = readMeterKey(key);
    expect(meterKey?.asymmetricKeyDetails?.namedCurve).toBe(curve);
    expect(meterKey !== undefined && isSignedByMeter(record, meterKey)).toBe(true);
    expect(record.meterSerial).toBe(serial);
    expect(record.pagination).toEqual({ context: 'T', number: page });
    expect(record.readings.map(({ registerMicroWh }) => registerMicroWh)).toEqual(registersMicroWh);
    expect(record.readings.every(({ isGood, clock }) => isGood && clock === 'I')).toBe(true);
  });

  it.each(PUBLISHED_RECORDS)('do not verify with one digit changed: $meter', ({ text, key, digit }) => {
    const [from, to] = digit;
    const record = recordOf(text.replace(from, to));
    expect(record.payload).toContain(to);
    const meterKey = readMeterKey(key);
    expect(meterKey !== undefined && isSignedByMeter(record, meterKey)).toBe(false);
  });

  it('say when a reading was taken', () => {
    const [{ text }] = PUBLISHED_RECORDS;
    // 2022-10-27T19:38:50+0200
    expect(recordOf(text).readings[0]?.takenAtSec).toBe(Date.UTC(2022, 9, 27, 17, 38, 50) / 1000);
  });
});

describe('signatures of meters', () => {
  it.each([
    ['ECDSA-secp192r1-SHA256', 'prime192v1'],
    ['ECDSA-secp192k1-SHA256', 'secp192k1'],
    ['ECDSA-secp256k1-SHA256', 'secp256k1'],
    ['ECDSA-secp256r1-SHA256', 'prime256v1'],
    ['ECDSA-secp384r1-SHA256', 'secp384r1'],
    ['ECDSA-secp384r1-SHA384', 'secp384r1'],
    ['ECDSA-secp521r1-SHA512', 'secp521r1'],
    ['ECDSA-brainpool256r1-SHA256', 'brainpoolP256r1'],
    ['ECDSA-brainpool384r1-SHA256', 'brainpoolP384r1'],
  ])('%s verify', (algorithm, curve) => {
    const meter = makeTestMeter({ algorithm, curve });
    const record = recordOf(meter.record({ page: 1, readings: [{ kind: 'B', kWh: '1' }] }));
    expect(isSignedByMeter(record, meter.key)).toBe(true);
    const other = makeTestMeter({ algorithm, curve });
    expect(isSignedByMeter(record, other.key)).toBe(false);
  });

  it('do not verify with a key of another curve, or by an unknown algorithm', () => {
    const meter = makeTestMeter();
    const record = recordOf(meter.record({ page: 1, readings: [{ kind: 'B', kWh: '1' }] }));
    expect(isSignedByMeter({ ...record, algorithm: 'ECDSA-secp256k1-SHA256' }, meter.key)).toBe(false);
    expect(isSignedByMeter({ ...record, algorithm: 'RSA-2048-SHA256' }, meter.key)).toBe(false);
    expect(isSignedByMeter({ ...record, algorithm: 'ECDSA-constructor-SHA256' }, meter.key)).toBe(false);
  });

  it('never verify and never throw, whatever the bytes', () => {
    const meter = makeTestMeter();
    const record = recordOf(meter.record({ page: 1, readings: [{ kind: 'B', kWh: '1' }] }));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (signature) => {
        expect(isSignedByMeter({ ...record, signature }, meter.key)).toBe(false);
      }),
    );
  });

  it('need a key that is one', () => {
    expect(readMeterKey(new Uint8Array())).toBeUndefined();
    expect(readMeterKey(new Uint8Array(65).fill(4))).toBeUndefined();
  });
});

describe('texts that are no record', () => {
  it.each<[string, string, string]>([
    ['no OCMF', 'EDL|{}|{}', 'signed record is no OCMF'],
    ['no JSON', 'OCMF|{|{}', 'OCMF record has no payload and signature of JSON'],
    ['no signature', 'OCMF|{}|{}', 'OCMF record has no signature data'],
    ['no meter', 'OCMF|{}|{"SD":"00"}', 'OCMF record names no meter'],
    ['no page', 'OCMF|{"MS":"1"}|{"SD":"00"}', 'OCMF record has no pagination'],
    ['no reading', 'OCMF|{"MS":"1","PG":"T1","RD":[]}|{"SD":"00"}', 'OCMF record has no readings'],
    ['no kind', 'OCMF|{"MS":"1","PG":"T1","RD":[{}]}|{"SD":"00"}', 'OCMF reading is of no known kind'],
    ['no energy', 'OCMF|{"MS":"1","PG":"T1","RD":[{"TX":"B"}]}|{"SD":"00"}', 'OCMF reading has no energy'],
    [
      'a negative energy',
      'OCMF|{"MS":"1","PG":"T1","RD":[{"TX":"B","RV":-1,"RU":"Wh"}]}|{"SD":"00"}',
      'OCMF reading has no energy',
    ],
  ])('are refused with the reason: %s', (_what, text, unusable) => {
    expect(readOcmf(text)).toEqual({ unusable });
  });

  it('never throw', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json().map((json) => `OCMF|${json}|{"SD":"00"}`),
        ),
        (text) => {
          expect(readOcmf(text)).toBeDefined();
        },
      ),
    );
  });
});

describe('details of the format', () => {
  const meter = makeTestMeter();

  it('keep a bar inside a text', () => {
    const text = meter.record({ page: 1, readings: [{ kind: 'B', kWh: '1' }], id: 'a|{"b":1}|c' });
    expect(isSignedByMeter(recordOf(text), meter.key)).toBe(true);
  });

  it('take what a reading leaves out from the reading before', () => {
    const text = meter.sign(
      '{"MS":"7","PG":"T3","RD":[{"TM":"2026-01-01T10:00:00,000+0000 S","TX":"B","RV":1.5,"RU":"kWh","RI":"1-b:1.8.0","ST":"G"},{"TX":"E","RV":2.25}]}',
    );
    expect(recordOf(text).readings[1]).toEqual({
      takenAtSec: Date.UTC(2026, 0, 1, 10) / 1000,
      clock: 'S',
      kind: 'E',
      registerMicroWh: 2_250_000_000n,
      register: '1-b:1.8.0',
      isGood: true,
    });
  });

  it('lose no digit of a register', () => {
    const text = meter.record({ page: 1, readings: [{ kind: 'B', kWh: '123456789.123456789' }] });
    expect(recordOf(text).readings[0]?.registerMicroWh).toBe(123_456_789_123_456_789n);
  });

  it.each([
    ['of a bad value', { ST: 'M' }],
    ['of an error of energy', { EF: 'E' }],
    ['of errors of energy and time', { EF: 'Et' }],
  ])('make a reading %s no good one', (_what, fields) => {
    const text = meter.record({ page: 1, readings: [{ kind: 'B', kWh: '1', fields }] });
    expect(recordOf(text).readings[0]?.isGood).toBe(false);
  });

  it('leave a reading good whose time alone is in error', () => {
    const text = meter.record({ page: 1, readings: [{ kind: 'B', kWh: '1', fields: { EF: 't' } }] });
    expect(recordOf(text).readings[0]?.isGood).toBe(true);
  });
});

describe('energy that a meter signed', () => {
  const meter = makeTestMeter();
  const at = { key: meter.key, startedAtSec: 1_790_000_000, endedAtSec: 1_790_003_600 };
  const begin = { kind: 'B', kWh: '10.0005', atSec: at.startedAtSec };
  const end = { kind: 'E', kWh: '17.5', atSec: at.endedAtSec };
  const first = meter.record({ page: 4, readings: [begin] });
  const last = meter.record({ page: 5, readings: [end] });
  /** 17,500 − 10,000.5 Wh, rounded down. */
  const signed = { kind: 'signed', energyWh: 7_499, lastPage: 5 };

  it('is end less begin, over two records or one', () => {
    expect(signedEnergy([first, last], at)).toEqual(signed);
    expect(signedEnergy([meter.record({ page: 5, readings: [begin, end] })], at)).toEqual(signed);
  });

  it('counts a begin once that the record of the end repeats', () => {
    expect(signedEnergy([first, meter.record({ page: 5, readings: [begin, end] })], at)).toEqual(signed);
  });

  it('is none without records', () => {
    expect(signedEnergy([], at)).toEqual({ kind: 'none' });
  });

  it('is the same in any order, and when records come twice', () => {
    expect(signedEnergy([last, first, last, first], at)).toEqual(signed);
  });

  it('is read from the ways in which OCPP carries a record', () => {
    const base64 = Buffer.from(first).toString('base64');
    const inside = JSON.stringify({
      signedMeterData: Buffer.from(last).toString('base64'),
      signingMethod: '',
      encodingMethod: 'OCMF',
      publicKey: '',
    });
    expect(signedEnergy([base64, inside], at)).toEqual(signed);
    expect(signedEnergy([first, JSON.stringify({ signedMeterData: last })], at)).toEqual(signed);
  });

  it.each<[string, () => string[], object, string]>([
    ['a record is none', () => [first, 'x'], {}, 'signed record is no OCMF'],
    ['a digit was changed', () => [first, last.replace('17.5', '18.5')], {}, 'signature of the meter is not true'],
    [
      'another meter signed with the same key',
      () => [first, makeTestMeter({ like: meter, serial: '8' }).record({ page: 5, readings: [end] })],
      {},
      'signed by several meters',
    ],
    ['the begin is missing', () => [last], {}, 'signed begin or end is missing'],
    ['the end is missing', () => [first], {}, 'signed begin or end is missing'],
    [
      'begin and end are on pages the wrong way round',
      () => [first, meter.record({ page: 3, readings: [end] })],
      {},
      'signed begin or end is missing',
    ],
    [
      'there are two ends',
      () => [first, last, meter.record({ page: 6, readings: [{ ...end, kWh: '18' }] })],
      {},
      'signed records are of several transactions',
    ],
    [
      'two records have one page',
      () => [first, last, meter.record({ page: 5, readings: [{ ...end, kWh: '18' }] })],
      {},
      'two signed records have one page',
    ],
    [
      'a record is a fiscal one',
      () => [meter.record({ page: 5, context: 'F', readings: [begin, end] })],
      {},
      'signed record is of no transaction',
    ],
    [
      'the register falls',
      () => [first, meter.record({ page: 5, readings: [{ ...end, kWh: '10' }] })],
      {},
      'signed register falls',
    ],
    [
      'the register is another',
      () => [first, meter.record({ page: 5, readings: [{ ...end, fields: { RI: '1-b:2.8.0' } }] })],
      {},
      'signed by several registers',
    ],
    [
      'the meter calls its value bad',
      () => [first, meter.record({ page: 5, readings: [{ ...end, fields: { ST: 'X' } }] })],
      {},
      'the meter itself calls its value bad',
    ],
    [
      'the records are of another hour',
      () => [first, last],
      { startedAtSec: at.startedAtSec + 3_600, endedAtSec: at.endedAtSec + 3_600 },
      'signed at another time than that of the transaction',
    ],
    ['the pages were used before', () => [first, last], { earlierPage: 4 }, 'page of an earlier transaction'],
  ])('cannot be billed if %s', (_what, records, options, reason) => {
    expect(signedEnergy(records(), { ...at, ...options })).toEqual({ kind: 'unusable', reason });
  });
});
