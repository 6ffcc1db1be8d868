import { describe, expect, it } from '@jest/globals';
import { Decimal } from '../../jobs/node/decimal.ts';
import { Fault, FixedBytes, makeMap, type Value } from '../../jobs/node/values.ts';
import { bytes, plain, runTask } from './run-task.ts';

const lost = new Fault('lost');
const text = (value: Value) => Buffer.from(value as Uint8Array).toString('utf8');

describe('any', () => {
  it('gives one of the inputs that did not fail, as chance has it', async () => {
    const pick = (inputs: Value[], chance: number) =>
      runTask('any', {}, {}, inputs, { randomBelow: (bound) => Math.min(chance, bound - 1) });
    expect(await pick(['a', lost, 'b', 'c'], 0)).toBe('a');
    expect(await pick(['a', lost, 'b', 'c'], 1)).toBe('b');
    expect(await pick(['a', lost, 'b', 'c'], 9)).toBe('c');
    await expect(pick([lost, lost], 0)).rejects.toThrow('every input failed');
    await expect(pick([], 0)).rejects.toThrow('expected at least one task before this one');
  });
});

describe('merge', () => {
  it('lets the right side win, with nothing at all too', async () => {
    const attributes = { left: '{"foo":"abc", "bar":"123"}', right: '{"bar":"xyz", "biz":"buzz"}' };
    expect(plain(await runTask('merge', attributes))).toEqual({ foo: 'abc', bar: 'xyz', biz: 'buzz' });
    expect(plain(await runTask('merge', { left: '{"a": 1}', right: '{"a": null}' }))).toEqual({ a: null });
  });

  it('takes its input for the left, and maps by reference', async () => {
    const right = makeMap([['b', 2]]);
    expect(plain(await runTask('merge', { right: '$(r)' }, { r: right }, [makeMap([['a', 1]])]))).toEqual({
      a: 1,
      b: 2,
    });
    expect(plain(await runTask('merge', { right: '{}' }, {}, ['{"a": 1}']))).toEqual({ a: 1 });
    await expect(runTask('merge', { right: '{}' }, {}, [5])).rejects.toThrow('left: expected a map');
    await expect(runTask('merge', { left: '[1]', right: '{}' })).rejects.toThrow('left: expected a map');
  });
});

describe('lookup', () => {
  it('gives what stands under a key, and nothing where nothing does', async () => {
    const map = makeMap([['price', 5]]);
    expect(await runTask('lookup', { key: 'price' }, {}, [map])).toBe(5);
    expect(await runTask('lookup', { key: 'constructor' }, {}, [map])).toBeNull();
    await expect(runTask('lookup', { key: 'a' }, {}, ['text'])).rejects.toThrow('expected a map as the input');
    await expect(runTask('lookup', { key: 'a' }, {}, [lost])).rejects.toThrow('an input failed: lost');
  });
});

describe('conditional', () => {
  it('passes on true alone', async () => {
    expect(await runTask('conditional', {}, {}, [true])).toBe(true);
    expect(await runTask('conditional', { data: '$(a)' }, { a: 'true' })).toBe(true);
    await expect(runTask('conditional', {}, {}, [false])).rejects.toThrow('the condition does not hold');
    await expect(runTask('conditional', {}, {}, [1])).rejects.toThrow('data: expected true or false');
    await expect(runTask('conditional', {}, {}, [null])).rejects.toThrow('data: expected true or false');
  });
});

describe('memo', () => {
  it('gives the JSON it holds, or its input', async () => {
    expect(await runTask('memo', { value: '10' })).toBe(10);
    expect(plain(await runTask('memo', { value: '{"a": [$(b), true]}' }, { b: 'x' }))).toEqual({ a: ['x', true] });
    expect(await runTask('memo', {}, {}, ['as it is'])).toBe('as it is');
    await expect(runTask('memo', { value: 'no json' })).rejects.toThrow('no JSON');
    await expect(runTask('memo', {})).rejects.toThrow('value: expected JSON');
  });
});

describe('length', () => {
  it('counts bytes, not characters', async () => {
    expect(await runTask('length', { input: 'xyz' })).toEqual(new Decimal(3n));
    expect(await runTask('length', {}, {}, ['ü€'])).toEqual(new Decimal(5n));
    expect(await runTask('length', {}, {}, [bytes('00ff')])).toEqual(new Decimal(2n));
    expect(await runTask('length', {}, {}, ['0x00ff00'])).toEqual(new Decimal(3n));
    expect(await runTask('length', { input: '$(none)' }, { none: null })).toEqual(new Decimal(0n));
    await expect(runTask('length', {}, {}, [5])).rejects.toThrow('input: expected bytes');
  });
});

describe('lowercase and uppercase', () => {
  it('change letters and leave the rest', async () => {
    expect(await runTask('lowercase', { input: 'Hello World!' })).toBe('hello world!');
    expect(await runTask('uppercase', { input: 'Hello World!' })).toBe('HELLO WORLD!');
    expect(await runTask('uppercase', {}, {}, ['ärger'])).toBe('ÄRGER');
    await expect(runTask('lowercase', {}, {}, [5])).rejects.toThrow('input: expected text');
  });
});

describe('base64decode and base64encode', () => {
  it('work out the documented examples', async () => {
    expect(text(await runTask('base64decode', { input: 'SGVsbG8sIHBsYXlncm91bmQ=' }))).toBe('Hello, playground');
    expect(await runTask('base64encode', { input: 'Hello, playground' })).toBe('SGVsbG8sIHBsYXlncm91bmQ=');
    expect(await runTask('base64encode', {}, {}, [bytes('fbff')])).toBe('+/8=');
  });

  it('refuse what is no base64 with its padding', async () => {
    for (const wrong of ['SGVsbG8', 'SGV_', 'a=b=', '====']) {
      await expect(runTask('base64decode', { input: wrong })).rejects.toThrow('input: expected base64');
    }
  });
});

describe('hexdecode and hexencode', () => {
  it('work out the documented examples', async () => {
    expect(await runTask('hexdecode', { input: '0x12345678' })).toEqual(bytes('12345678'));
    expect(await runTask('hexencode', { input: 'xyz' })).toBe('0x78797a');
  });

  it('encode bytes and whole numbers, nothing as nothing', async () => {
    const encode = (input: Value) => runTask('hexencode', {}, {}, [input]);
    expect(await encode(bytes('c0ffee'))).toBe('0xc0ffee');
    expect(await encode(new FixedBytes([1, 2]))).toBe('0x0102');
    expect(await encode(255)).toBe('0xff');
    expect(await encode(2n ** 64n)).toBe('0x10000000000000000');
    expect(await encode(new Decimal(0n))).toBe('0x0');
    expect(await encode('')).toBe('');
    await expect(encode(-1)).rejects.toThrow('input: expected a whole number, not negative');
    await expect(encode(1.5)).rejects.toThrow('input: expected a whole number, not negative');
  });

  it('decode pairs of digits behind 0x alone', async () => {
    for (const wrong of ['12', '0x1', '0xgg']) {
      await expect(runTask('hexdecode', { input: wrong })).rejects.toThrow('input: expected 0x and pairs');
    }
  });
});

describe('ethabiencode', () => {
  it('takes the whole part of a decimal, exactly', async () => {
    const encode = (n: Value) => runTask('ethabiencode', { abi: '(uint256 n)', data: '{"n": $(n)}' }, { n });
    const word = (n: bigint) => `0x${n.toString(16).padStart(64, '0')}`;
    expect(await encode(new Decimal(300000000000000040999n, 3))).toBe(word(300000000000000040n));
    expect(await encode(1e30)).toBe(word(10n ** 30n));
  });
});
