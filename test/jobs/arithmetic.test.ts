import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Decimal } from '../../jobs/node/decimal.ts';
import { TASK_TYPES } from '../../jobs/node/tasks/table.ts';
import { Fault, makeMap, toJson, type Value } from '../../jobs/node/values.ts';
import { bytes, plain, runTask } from './run-task.ts';

const text = async (...given: Parameters<typeof runTask>) => String(await runTask(...given));
const lost = new Fault('lost');

describe('decimal numbers', () => {
  const decimal = fc.tuple(fc.bigInt(), fc.nat(30)).map(([digits, scale]) => new Decimal(digits, scale));

  it('are read from every usual form, and written without an exponent or needless zeros', () => {
    const forms = ['0', '-0.050', '1.5e3', '15E-1', '+.5', '7.', '1e-20', '123456789012345678901234567890.1'];
    expect(forms.map((form) => Decimal.parse(form).toString())).toEqual([
      '0',
      '-0.05',
      '1500',
      '1.5',
      '0.5',
      '7',
      '0.00000000000000000001',
      '123456789012345678901234567890.1',
    ]);
    for (const wrong of ['', '.', 'e5', '0x10', '1,5', 'NaN', 'Infinity', '1 2']) {
      expect(() => Decimal.parse(wrong)).toThrow('expected a number');
    }
  });

  it('come back from their text', () => {
    fc.assert(fc.property(decimal, (n) => expect(Decimal.parse(n.toString())).toEqual(n)));
  });

  it('add and multiply by the laws of arithmetic', () => {
    fc.assert(
      fc.property(decimal, decimal, decimal, (a, b, c) => {
        expect(a.plus(b)).toEqual(b.plus(a));
        expect(a.times(b.plus(c))).toEqual(a.times(b).plus(a.times(c)));
        expect(Math.sign(a.compare(b))).toBe(0 - Math.sign(b.compare(a)));
      }),
    );
  });

  it('divide to within half of the last place asked for', () => {
    const divisor = decimal.filter(({ unscaled }) => unscaled !== 0n);
    fc.assert(
      fc.property(decimal, divisor, fc.integer({ min: -5, max: 30 }), (a, b, places) => {
        const quotient = a.dividedBy(b, places);
        const error = a.plus(new Decimal(-1n).times(quotient.times(b)));
        const most = new Decimal(5n, places + 1).times(b);
        const square = (n: Decimal) => n.times(n);
        expect(square(error).compare(square(most))).toBeLessThanOrEqual(0);
      }),
    );
  });
});

describe('multiply', () => {
  it('is exact where doubles are not', async () => {
    expect(await text('multiply', { times: '3' }, {}, [10])).toBe('30');
    expect(await text('multiply', { times: '100' }, {}, [1.1])).toBe('110');
    expect(await text('multiply', { input: '$(a)', times: '$(b)' }, { a: '0.1', b: bytes('332e30') })).toBe('0.3');
    expect(await text('multiply', { times: '1000000000000000000' }, {}, [0.30000000000000004])).toBe(
      '300000000000000040',
    );
    expect(await text('multiply', { input: '1e77', times: '-2.5' })).toBe(`-25${'0'.repeat(76)}`);
  });

  it('refuses what is no number, a fault, and a second input', async () => {
    await expect(runTask('multiply', { times: '3' }, {}, ['abc'])).rejects.toThrow('input: expected a number');
    await expect(runTask('multiply', { times: '3' }, {}, [null])).rejects.toThrow('input: expected a number');
    await expect(runTask('multiply', { times: '3' }, {}, [true])).rejects.toThrow('input: expected a number');
    await expect(runTask('multiply', { times: '3' }, {}, [lost])).rejects.toThrow('an input failed: lost');
    await expect(runTask('multiply', { times: '3' }, {}, [1, 2])).rejects.toThrow('2 inputs, expected at most 1');
    await expect(runTask('multiply', { times: '3' })).rejects.toThrow('input: expected a value');
  });

  it('gives a bridge its result as text', async () => {
    expect(toJson(await runTask('multiply', { times: '0.5' }, {}, [3]))).toBe('"1.5"');
  });
});

describe('divide', () => {
  it('rounds a half away from zero, to 16 places or to those asked for', async () => {
    const divide = (input: string, divisor: string, precision?: string) =>
      text('divide', { input, divisor, ...(precision && { precision }) });
    expect(await divide('10', '3', '2')).toBe('3.33');
    expect(await divide('2', '3')).toBe('0.6666666666666667');
    expect(await divide('-1', '8', '2')).toBe('-0.13');
    expect(await divide('1', '8', '2')).toBe('0.13');
    expect(await divide('1250', '1', '-2')).toBe('1300');
    expect(await divide('10', '4', '0')).toBe('3');
    expect(await divide('1e40', '1e-10', '0')).toBe(`1${'0'.repeat(50)}`);
  });

  it('refuses zero and a precision that is no whole number', async () => {
    await expect(runTask('divide', { input: '1', divisor: '0.0' })).rejects.toThrow('division by zero');
    await expect(runTask('divide', { input: '1', divisor: '3', precision: '1.5' })).rejects.toThrow('precision:');
    await expect(runTask('divide', { input: '1', divisor: '3', precision: '1001' })).rejects.toThrow('precision:');
  });
});

describe('sum, mean, median and mode', () => {
  const of = (type: string, values: Value[], more: Record<string, string> = {}) => runTask(type, more, {}, values);

  it('work out the documented examples', async () => {
    const values = '[ $(a), $(b), $(c) ]';
    const vars = { a: 2, b: '5', c: 20n };
    expect(await text('sum', { values }, vars)).toBe('27');
    expect(await text('mean', { values, precision: '2' }, vars)).toBe('9');
    expect(await text('median', { values }, vars)).toBe('5');
    expect(plain(await of('mode', [2, 5, 2, 'foo', 'foo', 'bar', 'foo', 2]))).toEqual({
      occurrences: 3,
      results: ['foo', 2],
    });
    expect(plain(await runTask('mode', { values: '[ 1, 2, 2, 3, 1 ]' }))).toEqual({ occurrences: 2, results: [2, 1] });
  });

  it('take the values of a list by reference, and else the inputs', async () => {
    expect(await text('sum', { values: '$(list)' }, { list: [0.1, 0.2] }, [100])).toBe('0.3');
    expect(String(await of('sum', [0.1, '0.2', 3n]))).toBe('3.3');
    await expect(runTask('sum', { values: '$(list)' }, { list: 5 })).rejects.toThrow('values: expected a list');
  });

  it('find the middle by number, not by text, and of two the mean', async () => {
    expect(String(await of('median', [9, '10', 2]))).toBe('9');
    expect(String(await of('median', [1, 2, '2.5', 100]))).toBe('2.25');
    expect(String(await of('median', [7]))).toBe('7');
    expect(String(await of('mean', [1, 1, 2]))).toBe('1.3333333333333333');
  });

  it('allow all values but one to fail, unless told otherwise', async () => {
    for (const type of ['sum', 'mean', 'median']) {
      expect(String(await of(type, [lost, 4, lost]))).toBe('4');
      await expect(of(type, [lost, 4, lost], { allowedfaults: '1' })).rejects.toThrow(
        'values: 2 of 3 failed, 1 may: lost; lost',
      );
      await expect(of(type, [lost, lost])).rejects.toThrow('values: 2 of 2 failed, 1 may');
      await expect(of(type, [lost], { allowedfaults: '1' })).rejects.toThrow('values: there are none');
      await expect(of(type, [])).rejects.toThrow('values: there are none');
    }
    expect(plain(await of('mode', [lost, 'a']))).toEqual({ occurrences: 1, results: ['a'] });
    await expect(of('mode', [lost, 'a'], { allowedfaults: '0' })).rejects.toThrow('values: 1 of 2 failed, 0 may: lost');
    expect(await text('sum', { values: '[$(a), $(b)]' }, { a: lost, b: 3 })).toBe('3');
    expect(TASK_TYPES.sum?.check?.({ allowedfaults: 'two' })).toBe('allowedFaults: expected a whole number');
  });

  it('gives every value that ties, and takes a number and its text for the same', async () => {
    expect(plain(await of('mode', ['b', 'a', 'c']))).toEqual({ occurrences: 1, results: ['b', 'a', 'c'] });
    expect(plain(await of('mode', [1, '1', 2]))).toEqual({ occurrences: 2, results: ['1'] });
    const [left, right] = [
      makeMap([
        ['x', 1],
        ['y', 2],
      ]),
      makeMap([
        ['y', 2],
        ['x', 1],
      ]),
    ];
    expect(plain(await of('mode', [left, [1], right]))).toEqual({ occurrences: 2, results: [{ x: 1, y: 2 }] });
  });

  it('do not depend on the order of the values', async () => {
    const number = fc.oneof(fc.bigInt(), fc.integer().map(String));
    await fc.assert(
      fc.asyncProperty(fc.array(number, { minLength: 1 }), async (values) => {
        for (const type of ['sum', 'mean', 'median']) {
          expect(String(await of(type, values))).toBe(String(await of(type, values.toReversed())));
        }
      }),
    );
  });
});

describe('lessthan', () => {
  it('compares numbers of every form', async () => {
    expect(await runTask('lessthan', { left: '3', right: '10' })).toBe(true);
    expect(await runTask('lessthan', { left: '10', right: '3' })).toBe(false);
    expect(await runTask('lessthan', { right: '10.0' }, {}, [10])).toBe(false);
    expect(await runTask('lessthan', { right: '$(limit)' }, { limit: 2n ** 70n }, ['1e20'])).toBe(true);
  });
});
