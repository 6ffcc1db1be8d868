import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

/**
 * Every revert that an interface's NatSpec promises ('Reverts: …') must be expected by a Solidity test at a call of that
 * function. This reads sources only: the Solidity tests themselves say whether the error and its parameters are exact.
 */
const TESTS = import.meta.dirname;
const INTERFACES = join(TESTS, '..', '..', 'contracts', 'interfaces');
/** Errors of what the contracts inherit or call, which the documentation names too. */
const INHERITED = [
  'OwnableUnauthorizedAccount',
  'SafeERC20FailedOperation',
  'SafeCastOverflowedUintDowncast',
  'AccessControlUnauthorizedAccount',
  'ERC20ExceededCap',
  'ERC20InvalidReceiver',
];

/** Errors of a constructor, of an inherited function and of the answer to a request: no function here promises them. */
const OTHERWISE = ['AdminRequired', 'BadEpochLength', 'NotOracle'];

const sources = [TESTS, join(TESTS, 'support')].flatMap(solidityIn);
/** Of several helpers with one name, all bodies. */
const helpers = new Map<string, string>();
for (const [name, body] of sources.flatMap(bodiesIn)) helpers.set(name, (helpers.get(name) ?? '') + body);

describe('the reverts of the contracts', () => {
  const expected = new Set(sources.flatMap(expectationsIn));
  const interfaces = solidityIn(INTERFACES);

  it('are each tested at each function that promises them', () => {
    const promised = interfaces.flatMap((one) => promisesIn(one));
    expect(promised.length).toBeGreaterThan(100);
    expect(promised.filter((pair) => !expected.has(pair))).toEqual([]);
  });

  it('are each tested at least once, and promised by some function', () => {
    const tested = new Set([...expected].map((pair) => pair.split(' ').at(-1)));
    const known = interfaces.flatMap(errorsOf);
    const documented = [...interfaces, ...solidityIn(join(INTERFACES, '..'))];
    const promised = new Set(documented.flatMap((one) => promisesIn(one, known)).map((pair) => pair.split(' ').at(-1)));
    const errors = [...new Set(known)].sort();
    expect(errors.filter((error) => !tested.has(error))).toEqual([]);
    expect(errors.filter((error) => !promised.has(error))).toEqual(OTHERWISE);
  });
});

/** The Solidity sources in a folder. */
function solidityIn(folder: string): string[] {
  const files = readdirSync(folder).filter((file) => file.endsWith('.sol'));
  return files.map((file) => readFileSync(join(folder, file), 'utf8'));
}

/** Names of the errors that an interface declares. */
function errorsOf(source: string): string[] {
  return [...source.matchAll(/^ {4}error (\w+)\(/gm)].map(([, name = '']) => name);
}

/** `function error` for every error that the NatSpec of a function names after 'Reverts:'. */
function promisesIn(source: string, errors = errorsOf(source)): string[] {
  const known = new Set([...errors, ...INHERITED]);
  return [...source.matchAll(/((?:^ {4}\/\/\/.*\n)+) {4}function (\w+)/gm)].flatMap(([, comment = '', name]) => {
    const text = comment.replace(/\n? *\/\/\/ ?/g, ' ');
    const list = /Reverts(?::| as) ((?:[^.]|\.(?=\w))*)/.exec(text)?.[1] ?? '';
    return [...list.matchAll(/\b[A-Z]\w+/g)].flatMap(([error]) => (known.has(error) ? [`${name} ${error}`] : []));
  });
}

/** `function error` for every call that a test expects to revert. */
function expectationsIn(source: string): string[] {
  const anyHelper = [...helpers].filter(([, body]) => body.includes('vm.expect') && errorIn(body, body) !== undefined);
  const direct = [...source.matchAll(/vm\.expect(?:Partial)?Revert\(([\s\S]*?)\);\n([\s\S]*?);\n/g)].flatMap(
    ([, what = '', call = ''], i, all) => pairs(errorIn(what, source.slice(0, all[i]?.index)), call),
  );
  const byHelper = anyHelper.flatMap(([name, body]) =>
    [...source.matchAll(new RegExp(`\\b${name}\\([^;]*\\);\\n([\\s\\S]*?);\\n`, 'g'))].flatMap(([, call = '']) =>
      pairs(errorIn(body, body), call),
    ),
  );
  return [...direct, ...byHelper];
}

function pairs(error: string | undefined, statement: string): string[] {
  return error === undefined ? [] : functionsCalledIn(statement).map((name) => `${name} ${error}`);
}

/** The error in what is expected: its selector, or a variable that was given one before. */
function errorIn(what: string, before: string): string | undefined {
  const direct = /\.(\w+)\.selector/.exec(what)?.[1];
  if (direct !== undefined) return direct;
  const variable = /^\s*(\w+)/.exec(what)?.[1] ?? '';
  return [...before.matchAll(new RegExp(`bytes memory ${variable} = [^;]*?\\.(\\w+)\\.selector`, 'g'))].at(-1)?.[1];
}

/** Functions of contracts that a statement calls, itself or through helpers of the tests. */
function functionsCalledIn(statement: string, depth = 0): string[] {
  const called = [...statement.matchAll(/\.(\w+)(?:\{[^}]*\})?\(/g)].map(([, name = '']) => name);
  const viaHelpers = [...statement.matchAll(/(?<![.\w])(\w+)\(/g)].flatMap(([, name = '']) => {
    const body = helpers.get(name);
    return body === undefined || depth > 2 ? [] : functionsCalledIn(body, depth + 1);
  });
  // What a call leads to at once: the factory alone initializes; the tests' charger has names of its own.
  const onwards = Object.entries({ createDevice: 'initialize', settleTo: 'settle' });
  const viaOthers = onwards.flatMap(([name, next]) => (called.includes(name) ? [next] : []));
  const made = [...statement.matchAll(/new (\w+)\(/g)].map(([, name = '']) => `new ${name}`);
  return [...called, ...viaHelpers, ...viaOthers, ...made];
}

/** Bodies of the functions in a source, by name. */
function bodiesIn(source: string): [string, string][] {
  return [...source.matchAll(/^ {4}function (\w+)\([\s\S]*?\{\n([\s\S]*?)^ {4}\}/gm)].map(
    ([, name = '', body = '']) => [name, body],
  );
}
