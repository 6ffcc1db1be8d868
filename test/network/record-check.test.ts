import { describe, expect, it } from '@jest/globals';
import { compareWithChain, type RecordWord } from '../../network/cli/record-check.ts';

const NOW_SEC = 2_000;
const chain = { identity: 'CP-1', connector: 1, observedAtSec: 1_000, askedAtSec: 1_500 };
const word = (name: unknown, observedAt: unknown, asOf: unknown = 1_990, online: unknown = true): RecordWord => ({
  connector: 1,
  asOf,
  status: { name, observedAt, online },
});

describe('a record beside the chain’s word that a connector is available since 1000, asked at 1500', () => {
  it.each<[string, RecordWord | undefined]>([
    ['agrees', word('Available', 1_000)],
    ['newer', word('Occupied', 1_501)],
    ['newer', word('Available', 1_600)],
    ['newer', word('Unknown', 1_700, 1_990, false)],
    ['newer', word('Occupied', 1_490)],
    ['differs', word('Available', 1_100)],
    ['differs', word('Faulted', 900)],
    ['differs', word('Available', 1_000, 1_990, false)],
    // Nobody can have told it yet.
    ['differs', word('Occupied', NOW_SEC + 301)],
    ['differs', word(7, 1_501)],
    ['differs', word('Occupied', '1501')],
    ['behind', word('Occupied', 900, 1_400)],
    ['silent', undefined],
    ['silent', { connector: 1, asOf: 1_990, status: null }],
  ])('%s: %j', (comparison, told) => {
    expect(compareWithChain(chain, told, NOW_SEC)).toBe(comparison);
  });
});
