import { describe, expect, it } from '@jest/globals';
import {
  asAddress,
  asBoolean,
  asHexBytes,
  asOneOf,
  asText,
  asUrl,
  asWhole,
  readSettings,
} from '../../runtime/settings.ts';

const ROWS = {
  PORT: { about: 'Where it listens.', unit: 'port', default: '80', read: asWhole(0, 65_535) },
  NAME: { about: 'Who it is.', unit: 'text', read: asText },
  KEY: { about: 'What it signs with.', unit: 'hex', isSecret: true, read: asHexBytes(2, 2) },
};

describe('settings', () => {
  it('are read with their types, defaults where a variable is unset or empty', () => {
    expect(readSettings(ROWS, { NAME: 'one', KEY: '0xAb01', PORT: '' })).toEqual({
      PORT: 80,
      NAME: 'one',
      KEY: Buffer.from('ab01', 'hex'),
    });
  });

  it('that are wrong are named all at once, without their values', () => {
    expect(() => readSettings(ROWS, { PORT: '-1', KEY: 'c0ffee' })).toThrow(
      [
        'PORT is wrong: expected a whole number from 0 to 65535',
        'NAME is not set: Who it is. (text)',
        'KEY is wrong: expected 2 bytes as hex digits',
      ].join('\n'),
    );
  });
});

describe('a reader of settings', () => {
  it.each([
    ['whole number', asWhole(1, 10), ['1', '10'], ['0', '11', '1.5', '1e1', ' 1', '']],
    ['URL', asUrl('http:', 'https:'), ['http://a', 'https://a/b?c'], ['ftp://a', 'a', 'http//a', '']],
    ['address', asAddress, [`0x${'aB'.repeat(20)}`], ['0x', 'ab'.repeat(20), `0x${'ab'.repeat(21)}`]],
    ['choice', asOneOf('a', 'b'), ['a', 'b'], ['c', 'A', '']],
    ['truth value', asBoolean, ['true', 'false'], ['1', 'yes', 'TRUE']],
    ['bytes', asHexBytes(1, 2), ['0a', '0x0a0b'], ['', 'a', '0a0b0c', 'zz']],
  ])('takes a %s and nothing else', (_, read: (text: string) => unknown, good, bad) => {
    for (const text of good) expect(() => read(text)).not.toThrow();
    for (const text of bad) expect(() => read(text)).toThrow(/^expected /);
  });

  it('gives an address in lower case and truth values as such', () => {
    expect(asAddress(`0x${'AB'.repeat(20)}`)).toBe(`0x${'ab'.repeat(20)}`);
    expect([asBoolean('true'), asBoolean('false')]).toEqual([true, false]);
  });
});
