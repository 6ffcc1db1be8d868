import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Decimal } from '../../jobs/node/decimal.ts';
import { interpolateJson, valueAt } from '../../jobs/node/references.ts';
import { FinalError } from '../../jobs/node/task.ts';
import {
  Fault,
  FixedBytes,
  fromJson,
  loadValue,
  makeMap,
  storeValue,
  toJson,
  type Value,
} from '../../jobs/node/values.ts';
import { bytes, plain, runTask as run } from './run-task.ts';
import { startBridge, type TestBridge } from './world.ts';

describe('jsonparse', () => {
  const json = '{"data": [{"price": 1.5}, {"price": 123456789012345678901234567890}], "none": null}';
  const parse = (path: string, more: Record<string, string> = {}) => run('jsonparse', { path, ...more }, {}, [json]);

  it('follows names and places, from the end too, and keeps every digit', async () => {
    expect(await parse('data,0,price')).toBe(1.5);
    expect(await parse('data,-1,price')).toBe(123456789012345678901234567890n);
    expect(await parse('data.0.price', { separator: '.' })).toBe(1.5);
    expect(await parse('none')).toBeNull();
  });

  it('fails where there is nothing, unless it is lax', async () => {
    await expect(parse('data,2')).rejects.toThrow('data: nothing at data,2');
    expect(await parse('data,2,price', { lax: 'true' })).toBeNull();
    await expect(parse('__proto__')).rejects.toThrow('data: nothing at __proto__');
    await expect(run('jsonparse', { path: 'a' }, {}, ['{'])).rejects.toThrow('data: no JSON');
    await expect(run('jsonparse', { path: 'a' }, {}, [new Fault('lost')])).rejects.toThrow('an input failed: lost');
  });
});

describe('cborparse', () => {
  const parse = (hex: string, more: Record<string, string> = {}) =>
    run('cborparse', { data: '$(log)', ...more }, { log: bytes(hex) });

  it('reads a map that lacks its start and end, as Solidity writes it', async () => {
    // "get" → "url", "n" → 5, "b" → h'0102', "big" → 2^64
    const value = await parse('6367657463' + '75726c' + '616e05' + '6162420102' + '63626967c249010000000000000000');
    expect(value).toEqual(
      makeMap([
        ['get', 'url'],
        ['n', 5],
        ['b', bytes('0102')],
        ['big', 2n ** 64n],
      ]),
    );
  });

  it('reads a whole map, and nothing as an empty one', async () => {
    expect(plain(await parse('a1616e05'))).toEqual({ n: 5 });
    expect(plain(await parse(''))).toEqual({});
  });

  it('refuses keys that are no text and bytes that are no CBOR', async () => {
    await expect(parse('a10102')).rejects.toThrow('expected text as the keys');
    await expect(parse('6367')).rejects.toThrow('data: no CBOR');
  });
});

describe('ethabiencode and ethabidecode', () => {
  it('give back what was put in', async () => {
    const abi = '(bytes32 id, bytes data, uint64 n, int256 z, address who, bool yes, string word, uint8[] list)';
    const given = {
      id: new FixedBytes(Buffer.alloc(32, 7)),
      data: bytes('c0ffee'),
      n: 2n ** 63n,
      z: -5n,
      who: '0x5FbDB2315678afecb367f032d93F642f64180aa3',
      yes: true,
      word: 'ünï',
      list: [1, 2, 3],
    };
    const encoded = await run('ethabiencode', { abi, data: '$(given)' }, { given: makeMap(Object.entries(given)) });
    const decoded = await run('ethabidecode', { abi: abi.slice(1, -1), data: '$(encoded)' }, { encoded });
    expect(decoded).toEqual(makeMap(Object.entries(given)));
  });

  it('puts the selector of a named function in front', async () => {
    const encoded = await run('ethabiencode', {
      abi: 'transfer(address to, uint256 value)',
      data: '{"to": "0x5fbdb2315678afecb367f032d93f642f64180aa3", "value": "1"}',
    });
    expect(encoded).toBe(
      `0xa9059cbb${'5fbdb2315678afecb367f032d93f642f64180aa3'.padStart(64, '0')}${'1'.padStart(64, '0')}`,
    );
  });

  it('says which argument is missing, of another length, or too large', async () => {
    const encode = (abi: string, data: string) => run('ethabiencode', { abi, data });
    await expect(encode('(bytes32 id)', '{}')).rejects.toThrow('data: argument id is missing');
    await expect(encode('(bytes32 id)', '{"id": "0x01"}')).rejects.toThrow(
      'data: argument id: expected 32 bytes, found 1',
    );
    await expect(encode('(bytes32 id)', '{"id": "Kraken"}')).rejects.toThrow('expected 32 bytes, found 6');
    await expect(encode('(uint8 n)', '{"n": 256}')).rejects.toThrow('data: a value does not fit its type');
    await expect(encode('(bytes b)', '{"b": "0xabc"}')).rejects.toThrow('expected bytes as 0x and hex digits');
    await expect(run('ethabidecode', { abi: 'uint256 n', data: '$(d)' }, { d: bytes('01') })).rejects.toThrow(
      'the bytes do not decode as the abi says',
    );
  });
});

describe('bridge', () => {
  let bridge: TestBridge;
  beforeAll(async () => {
    bridge = await startBridge();
  });
  afterAll(() => bridge.close());
  const ask = (attributes: Record<string, string> = {}, vars: Record<string, Value> = {}, httpTimeoutMs = 10_000) =>
    run('bridge', { name: 'devsen', ...attributes }, vars, [], {
      bridges: { devsen: { url: bridge.url, token: '' }, away: { url: 'http://127.0.0.1:9/', token: '' } },
      httpTimeoutMs,
    });
  const answering = (status: number, body: unknown) => {
    bridge.answer = () => ({ status, body });
    return ask();
  };

  it("sends bytes as base64, fixed bytes as numbers, large numbers by their digits, and the run's meta", async () => {
    const vars = {
      b: bytes('ff00'),
      f: new FixedBytes(Buffer.from('0102', 'hex')),
      n: 2n ** 70n,
      jobRun: makeMap([['meta', makeMap([['oracleRequest', 'x']])]]),
    };
    await ask({ requestdata: '{"data": {"b": $(b), "f": $(f), "n": $(n)}}' }, vars);
    expect(bridge.asked.at(-1)).toEqual({ data: { b: '/wA=', f: [1, 2], n: 2 ** 70 }, meta: { oracleRequest: 'x' } });
  });

  it('lets the status in the body beat that of HTTP, both ways', async () => {
    expect(await answering(500, { statusCode: 200, result: 1 })).toBe('{"statusCode":200,"result":1}');
    const errored = { status: 'errored', statusCode: 504, error: { name: 'NOT_YET', message: 'too early' } };
    await expect(answering(200, errored)).rejects.toThrow('bridge devsen: answered 504: NOT_YET: too early');
    await expect(answering(200, { statusCode: 200, error: 'odd' })).rejects.toThrow('bridge devsen: answered 500: odd');
    await expect(answering(200, { statusCode: 200, providerStatusCode: 502 })).rejects.toThrow('answered 502');
    await expect(answering(404, {})).rejects.toThrow('bridge devsen: answered 404');
    // What is the asker's own fault is not asked again; 'not now' is.
    const finals: number[] = [];
    for (const status of [400, 401, 408, 409, 429, 500, 504]) {
      await answering(200, { statusCode: status }).catch((error) => error instanceof FinalError && finals.push(status));
    }
    expect(finals).toEqual([400, 401, 409]);
    expect(await answering(200, { error: 'without a status this passes' })).toContain('passes');
  });

  it('says what went wrong without naming the URL', async () => {
    await expect(answering(200, { result: 'x'.repeat(40_000) })).rejects.toThrow(
      'bridge devsen: the answer is longer than 32768 bytes',
    );
    await expect(ask({ name: 'other' })).rejects.toThrow('no bridge is called "other"');
    await expect(ask({ name: 'away' })).rejects.toThrow(/^bridge away: (?!.*127)/);
    bridge.answer = () => new Promise(() => {});
    await expect(ask({}, {}, 100)).rejects.toThrow('bridge devsen: no answer in time');
  });
});

describe('references', () => {
  const vars = makeMap([
    ['a', makeMap([['b', ['x', makeMap([['c', 7]])]]])],
    ['bad', new Fault('lost')],
  ]);
  it('lead through maps and lists, and only there', () => {
    expect(valueAt(vars, 'a.b.1.c')).toBe(7);
    for (const path of ['a.c', 'a.b.2', 'a.b.x', 'a.b.0.length', 'constructor', 'a.__proto__']) {
      expect(() => valueAt(vars, path)).toThrow(`$(${path}) leads to nothing`);
    }
  });
  it('to a failed task are refused unless allowed', () => {
    expect(() => interpolateJson('[$(bad)]', vars, false)).toThrow('$(bad) failed: lost');
    expect(interpolateJson('[$(bad)]', vars, true)).toEqual([new Fault('lost')]);
    expect(() => interpolateJson('{"a": $(a', vars, false)).toThrow('no JSON');
  });
});

describe('values', () => {
  const value: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constant(null),
      fc.boolean(),
      fc.string(),
      fc.double({ noNaN: true }).map((n) => (Object.is(n, -0) ? 0 : n)),
      fc.bigInt(),
      fc.tuple(fc.bigInt(), fc.nat(40)).map(([digits, scale]) => new Decimal(digits, scale)),
      fc.uint8Array(),
      fc.uint8Array().map((data) => new FixedBytes(data)),
      fc.string().map((message) => new Fault(message)),
      fc.array(tie('value')),
      fc.dictionary(fc.string(), tie('value')).map((map) => makeMap(Object.entries(map))),
    ),
  })).value;

  it('come back from the database as they went in', () => {
    fc.assert(fc.property(value, (given) => expect(loadValue(storeValue(given))).toEqual(given)));
  });
  it('of JSON keep every digit of a whole number', () => {
    fc.assert(fc.property(fc.bigInt(), (n) => expect(String(fromJson(toJson(n)))).toBe(String(n))));
  });
  it('of JSON keep what a double would round, and stay a number where it rounds nothing', () => {
    expect(fromJson('[0.1, 1e30, 0.12345678901234567890, 1e400, 123456789.123456789]')).toEqual([
      0.1,
      1e30,
      new Decimal(1234567890123456789n, 19),
      new Decimal(10n ** 400n),
      new Decimal(123456789123456789n, 9),
    ]);
    expect(() => fromJson('1e999999999')).toThrow('an exponent beyond 1000');
  });
});
