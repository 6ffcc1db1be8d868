import { describe, expect, it } from '@jest/globals';
import { makeMeterPace, meterSeries } from '../../ocpp-gateway/meter-pace.ts';
import { recordedMessage } from '../../ocpp-gateway/recorded-message.ts';

const told = (atMs: number) => recordedMessage({ kind: 'call', frame: '', reply: '' }, 'ocpp1.6', atMs);
const series = (measurands: string[], { place = 1, transactionId = 7 } = {}) =>
  meterSeries(place, { transactionId, meterValue: [{ sampledValue: measurands.map((measurand) => ({ measurand })) }] });

describe('the pace of reading meter values', () => {
  it('leaves those for later that come within a second of others of their series', () => {
    const pace = makeMeterPace(() => undefined);
    const isLeft = [0, 1, 999, 1_000].map((atMs) => pace.isLeft(series(['a', 'b']), told(atMs)));
    expect(isLeft).toEqual([false, true, true, false]);
    expect(pace.takeLeft().map(({ atMs }) => atMs)).toEqual([999]);
    expect(pace.takeLeft()).toEqual([]);
  });

  it('tells places, transactions and measurands apart, and knows the same ones again after others', () => {
    const pace = makeMeterPace(() => undefined);
    const others = [
      series(['a']),
      series(['b']),
      series(['a', 'b']),
      series(['a'], { place: 2 }),
      series(['a'], { transactionId: 8 }),
    ];
    expect(others.map((one) => pace.isLeft(one, told(0)))).toEqual(others.map(() => false));
    expect(pace.isLeft(series(['a']), told(1))).toBe(true);
    pace.drop(7);
    expect(pace.takeLeft()).toEqual([]);
    expect(pace.isLeft(series(['a'], { transactionId: 8 }), told(2))).toBe(true);
  });

  it('counts what was read of a transaction before', () => {
    const pace = makeMeterPace(() => 500);
    expect([pace.isLeft(series(['a']), told(600)), pace.isLeft(series(['b']), told(1_500))]).toEqual([true, false]);
  });

  it('remembers no list of measurands that is longer than any charger’s own', () => {
    const many = Array.from({ length: 201 }, () => 'a');
    const pace = makeMeterPace(() => undefined);
    expect([0, 1].map((atMs) => pace.isLeft(series(many), told(atMs)))).toEqual([false, false]);
    expect([0, 1].map((atMs) => pace.isLeft(series(many.slice(1)), told(atMs)))).toEqual([false, true]);
  });
});
