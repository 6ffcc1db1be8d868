import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { normaliseValue } from '../../core/units.ts';

describe('normaliseValue', () => {
  it.each([
    ['12.3456', 'kWh', 12_345, 'Wh'],
    ['1.001', 'kWh', 1_001, 'Wh'],
    ['0.999', 'Wh', 0, 'Wh'],
    ['-0.5', 'Wh', -1, 'Wh'],
    ['7.36', 'kW', 7_360, 'W'],
    ['229.1234', 'V', 229.123, 'V'],
    ['229.1235', 'V', 229.124, 'V'],
    ['-229.1235', 'V', -229.124, 'V'],
    ['16', 'A', 16, 'A'],
    ['+16.0', 'A', 16, 'A'],
    ['-0', 'A', 0, 'A'],
    ['80', 'Percent', 80, 'percent'],
    ['21.5', 'Celcius', 21.5, 'celsius'],
    ['294.65', 'K', 21.5, 'celsius'],
    ['70.7', 'Fahrenheit', 21.5, 'celsius'],
    ['2', 'kvarh', 2_000, 'varh'],
  ])('reads %s %s as %d %s', (text, unit, value, normalised) => {
    expect(normaliseValue(text, unit)).toEqual({ value, unit: normalised });
  });

  it.each([
    ['', 'Wh'],
    ['1e3', 'Wh'],
    ['1,5', 'kWh'],
    ['NaN', 'W'],
    ['0x10', 'W'],
    ['12', 'wh'],
    ['12', 'Joule'],
    ['99999999999999999999', 'Wh'],
    ['9007199254740991', 'V'],
  ])('does not guess at %j %s', (text, unit) => {
    expect(normaliseValue(text, unit)).toBeUndefined();
  });

  it('gives the same energy for Wh and for kWh with the point moved by three', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 15n }), (milliWh) => {
        const wh = `${milliWh / 1000n}.${`${milliWh % 1000n}`.padStart(3, '0')}`;
        const kwh = `${milliWh / 1_000_000n}.${`${milliWh % 1_000_000n}`.padStart(6, '0')}`;
        expect(normaliseValue(wh, 'Wh')).toEqual({ value: Number(milliWh / 1000n), unit: 'Wh' });
        expect(normaliseValue(kwh, 'kWh')).toEqual(normaliseValue(wh, 'Wh'));
      }),
    );
  });
});
