import { describe, expect, it } from '@jest/globals';
import { noTransactions } from '../../bench/soak/checker.ts';
import { type Seen, whatDidNotHappen } from '../../bench/soak/floors.ts';
import { MISHAP_NAMES, makeMishaps, nameOf } from '../../bench/soak/mishaps.ts';
import { seeded } from '../../bench/soak/random.ts';

describe('the mishaps of a soak', () => {
  const options = { operators: 4, gateways: 2, meanMs: 20_000 };
  const play = (seed: number, blows = 200, mayEnd = true) => {
    const next = makeMishaps(seeded(seed), options);
    return Array.from({ length: blows }, () => next(mayEnd));
  };
  const namesIn = (blows: ReturnType<typeof play>) => blows.flatMap(({ mishaps }) => mishaps.map(nameOf));

  it('are the same for the same seed', () => {
    expect(play(7)).toEqual(play(7));
    expect(play(7)).not.toEqual(play(8));
    const victims = play(7).flatMap(({ mishaps }) => mishaps.flatMap((each) => ('victim' in each ? each.victim : [])));
    expect(new Set(victims)).toEqual(
      new Set(['gateway', 'gateway-2', 'redis', 'chain', 'operator-1', 'operator-2', 'operator-3', 'operator-4']),
    );
    expect(play(7).every(({ afterMs }) => afterMs >= 10_000 && afterMs <= 30_000)).toBe(true);
  });

  it('are each dealt once before any comes again', () => {
    for (let seed = 1; seed <= 20; seed++) {
      // Every third blow is of two: ten blows are thirteen mishaps.
      expect(namesIn(play(seed, 10)).toSorted()).toEqual([...MISHAP_NAMES].sort());
    }
  });

  it('come two at once at times, never both to the same part', () => {
    const doubles = play(7, 300).filter(({ mishaps }) => mishaps.length === 2);
    expect(doubles).toHaveLength(100);
    for (const { mishaps } of doubles) {
      const parts = mishaps.map((each) => ('victim' in each ? each.victim : each.kind));
      expect(new Set(parts).size).toBe(2);
    }
  });

  it('are as much shorter as they come more often', () => {
    const longest = (meanMs: number) => {
      const next = makeMishaps(seeded(7), { ...options, meanMs });
      const all = Array.from({ length: 200 }, () => next()).flatMap(({ mishaps }) => mishaps);
      return Math.max(...all.flatMap((each) => (each.kind === 'freeze' ? each.awayMs : [])));
    };
    expect(longest(20_000)).toBeGreaterThan(14_000);
    expect(longest(2_000)).toBeLessThanOrEqual(1_500);
    expect(longest(200_000)).toBeLessThanOrEqual(15_000);
  });

  it('kill neither gateways nor operators where their memory is to show', () => {
    const names = new Set(namesIn(play(7, 200, false)));
    expect(names).toEqual(
      new Set(MISHAP_NAMES.filter((name) => name !== 'gateway killed' && name !== 'operator killed')),
    );
  });
});

describe('a soak', () => {
  const account = (messages: number, identity = 'CP-1') => ({
    identity,
    acknowledged: Array.from({ length: messages }, (_, n) => String(n)),
  });
  const all = Object.fromEntries(MISHAP_NAMES.map((name) => [name, 1]));
  /** Ten minutes of a charger that was heard 23 times, as is just enough. */
  const seen = (more: Partial<Seen>): Seen => ({
    minutes: 10,
    meanMs: 20_000,
    accounts: [account(23)],
    mishaps: all,
    calm: [],
    transactions: { ...noTransactions(), complete: 2 },
    completeOf: new Map([['CP-1', 2]]),
    ...more,
  });

  it('says nothing if nothing happened in it', () => {
    expect(whatDidNotHappen(seen({}))).toEqual([]);
    expect(whatDidNotHappen(seen({ mishaps: {}, transactions: noTransactions() }))).toEqual([
      'nothing went wrong in the time there was',
      'no transaction was completed',
    ]);
    expect(whatDidNotHappen(seen({ accounts: [] }))).toEqual(['there was no charger']);
  });

  it('has heard and charged at each charger as often as it was long', () => {
    expect(whatDidNotHappen(seen({ accounts: [account(23), account(22, 'CP-2')] }))).toEqual([
      '1 chargers were acknowledged less than 23 messages, such as CP-2',
      '1 chargers completed less than 2 transactions, such as CP-2',
    ]);
    expect(whatDidNotHappen(seen({ minutes: 0.2, accounts: [account(4)], completeOf: new Map() }))).toEqual([]);
  });

  it('has seen each mishap if there was time for it', () => {
    const mishaps = Object.fromEntries(Object.entries(all).filter(([name]) => name !== 'chain frozen'));
    expect(whatDidNotHappen(seen({ mishaps }))).toEqual(['never happened: chain frozen']);
    expect(whatDidNotHappen(seen({ mishaps, meanMs: 60_000 }))).toEqual([]);
  });

  it('was served between its mishaps', () => {
    const accounts = Array.from({ length: 100 }, (_, n) => account(23, `CP-${n}`));
    const completeOf = new Map(accounts.map(({ identity }) => [identity, 2]));
    // A message of each charger in a hundred seconds is due.
    const calm = [
      { sec: 20, acknowledged: 20 },
      { sec: 10, acknowledged: 9 },
      { sec: 4, acknowledged: 0 },
    ];
    expect(whatDidNotHappen(seen({ accounts, completeOf, calm }))).toEqual([
      'in 1 of 2 calm times too little was said, such as 9 messages in 10 s',
    ]);
  });

  it('had nearly all its starts accepted', () => {
    const told = (refused: number, complete: number) =>
      whatDidNotHappen(
        seen({ transactions: { ...noTransactions(), complete, refused: new Map([['Invalid', refused]]) } }),
      );
    expect(told(3, 10)).toEqual([]);
    expect(told(4, 10)).toEqual(['4 starts were not accepted, beside 10 complete transactions']);
    expect(told(20, 1_000)).toEqual([]);
    expect(told(21, 1_000)).toHaveLength(1);
  });
});
