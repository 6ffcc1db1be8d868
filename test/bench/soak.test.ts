import { describe, expect, it } from '@jest/globals';
import { type ChargerAccount, digestOf, makeAccount, note } from '../../bench/soak/charger-account.ts';
import {
  checkAgreement,
  checkRecord,
  checkTransactions,
  type RecordedEvent,
  whatDidNotHappen,
} from '../../bench/soak/checker.ts';
import { trendOf } from '../../bench/soak/memory.ts';
import { nextMishap } from '../../bench/soak/mishaps.ts';
import { seeded } from '../../bench/soak/random.ts';
import type { ChargerMessage } from '../../simulator/charger-message.ts';

const call = (seq: number, action: string, payload: object, answer: object = {}): RecordedEvent => ({
  epoch: 1,
  seq,
  kind: 'call',
  frame: JSON.stringify([2, `m${seq}`, action, payload]),
  reply: JSON.stringify([3, `m${seq}`, answer]),
});
const opening: RecordedEvent = { epoch: 1, seq: 0, kind: 'open', frame: '{}', reply: '' };
const start = call(1, 'StartTransaction', { connectorId: 1 }, { transactionId: 7 });
const meter = call(2, 'MeterValues', { transactionId: 7 });
const stop = call(3, 'StopTransaction', { transactionId: 7 });
const good = [opening, start, meter, stop];

const common = { transaction: 'key', connector: 1, atMs: 0 };
const messages: [ChargerMessage, RecordedEvent][] = [
  [{ kind: 'start', idTag: 'T', registerWh: 0, ...common }, start],
  [{ kind: 'meter', reading: { registerWh: 1, powerW: 1 }, occasion: 'Periodic', ...common }, meter],
  [{ kind: 'stop', idTag: 'T', registerWh: 2, reason: 'Local', ...common }, stop],
];

function accountOf(told = messages): ChargerAccount {
  const account = makeAccount('CP-1');
  for (const [message, { frame, reply }] of told) note(account, { kind: 'acknowledged', message, frame, reply });
  return account;
}

describe('the checker of a soak', () => {
  it('finds nothing where every acknowledged message is on record once and in order', () => {
    expect(checkRecord(accountOf(), 'operator-1', good)).toEqual([]);
    expect(checkAgreement('CP-1', 'operator-2', good, [...good])).toEqual([]);
    expect(checkTransactions(accountOf(), good)).toEqual({
      findings: [],
      count: { complete: 1, parked: new Map() },
    });
  });

  it('finds a message that was acknowledged and is not on record', () => {
    const what = 'acknowledged message 2 of 3';
    expect(checkRecord(accountOf(), 'operator-1', [opening, start, { ...stop, seq: 2 }])).toEqual([
      { kind: 'lost', charger: 'CP-1', operator: 'operator-1', what },
    ]);
    // with another answer than the charger got it is another event
    const altered = { ...meter, reply: '[3,"m2",{"x":1}]' };
    expect(checkRecord(accountOf(), 'operator-1', [opening, start, altered, stop]).map(({ kind }) => kind)).toEqual([
      'lost',
    ]);
  });

  it('finds a message that is on record twice, in another order, or with a number left out', () => {
    const kinds = (events: RecordedEvent[]) => checkRecord(accountOf(), 'operator-1', events).map(({ kind }) => kind);
    expect(kinds([...good, { ...meter, seq: 4 }])).toEqual(['doubled']);
    expect(kinds([opening, { ...meter, seq: 1 }, { ...start, seq: 2 }, stop])).toEqual(['disordered']);
    expect(kinds([opening, start, meter, { ...stop, seq: 4 }])).toEqual(['gap']);
  });

  it('finds operators that have not the same', () => {
    const found = checkAgreement('CP-1', 'operator-2', good, good.slice(0, 3));
    expect(found).toEqual([
      {
        kind: 'differing',
        charger: 'CP-1',
        operator: 'operator-2',
        what: '3 events, the first operator has 4; from epoch 1 seq 3 on',
      },
    ]);
  });

  it('finds transactions without an end, and parks those that never began', () => {
    const never = makeAccount('CP-1');
    note(never, {
      kind: 'rejected',
      message: messages[0]?.[0] as ChargerMessage,
      code: 'InternalError',
      description: '',
    });
    expect(checkTransactions(never, [opening])).toEqual({
      findings: [],
      count: { complete: 0, parked: new Map([['InternalError', 1]]) },
    });
    expect(checkTransactions(accountOf(messages.slice(0, 2)), good).findings).toMatchObject([
      { kind: 'open transaction' },
    ]);
    expect(checkTransactions(accountOf(), good.slice(0, 3)).findings).toMatchObject([
      { kind: 'open transaction', what: 'transaction 7: no end on record' },
    ]);
  });

  it('finds a start that was sent again and got another number', () => {
    const again = call(4, 'StartTransaction', { connectorId: 1 }, { transactionId: 8 });
    expect(checkTransactions(accountOf(), [...good, again]).findings).toEqual([
      { kind: 'divided transaction', charger: 'CP-1', what: 'transaction 8 is on record only' },
    ]);
  });

  it('knows a transaction of OCPP 2 by its key', () => {
    const transactionInfo = { transactionId: 'key' };
    const events = ['Started', 'Ended'].map((eventType, n) =>
      call(n + 1, 'TransactionEvent', { eventType, transactionInfo }),
    );
    const told = [messages[0], messages[2]].map((each, n): [ChargerMessage, RecordedEvent] => [
      each?.[0] as ChargerMessage,
      events[n] as RecordedEvent,
    ]);
    expect(checkTransactions(accountOf(told), [opening, ...events])).toEqual({
      findings: [],
      count: { complete: 1, parked: new Map() },
    });
  });

  it('tells apart every frame and answer', () => {
    expect(digestOf('a', 'b')).not.toBe(digestOf('a', 'c'));
    expect(digestOf('a', 'b')).toHaveLength(16);
  });
});

describe('the mishaps of a soak', () => {
  it('are the same for the same seed', () => {
    const play = (seed: number) => {
      const random = seeded(seed);
      return Array.from({ length: 200 }, () => nextMishap(random, 4, 20_000));
    };
    expect(play(7)).toEqual(play(7));
    expect(play(7)).not.toEqual(play(8));
    const victims = play(7).flatMap((mishap) => (mishap.kind === 'cut' ? [] : [mishap.victim]));
    expect(new Set(victims)).toEqual(
      new Set(['gateway', 'redis', 'operator-1', 'operator-2', 'operator-3', 'operator-4']),
    );
    expect(play(7).every(({ afterMs }) => afterMs >= 10_000 && afterMs <= 30_000)).toBe(true);
  });

  it('kill neither gateway nor operators where their memory is to show', () => {
    const random = seeded(7);
    const later = Array.from({ length: 200 }, () => nextMishap(random, 4, 20_000, false));
    const killed = later.flatMap((mishap) => (mishap.kind === 'kill' ? mishap.victim : []));
    expect(new Set(killed)).toEqual(new Set(['redis']));
    expect(new Set(later.map(({ kind }) => kind))).toEqual(new Set(['kill', 'freeze', 'cut']));
  });
});

describe('a soak', () => {
  it('says nothing if nothing happened in it', () => {
    const account = (acknowledged: string[]) => ({ identity: 'CP-1', acknowledged });
    expect(whatDidNotHappen([account(['x'])], 1, 1)).toEqual([]);
    expect(whatDidNotHappen([account(['x']), account([])], 0, 0)).toEqual([
      'nothing went wrong in the time there was',
      'no transaction was completed',
      '1 chargers were never acknowledged a message, such as CP-1',
    ]);
    expect(whatDidNotHappen([], 1, 1)).toEqual(['there was no charger']);
  });
});

describe('memory over a soak', () => {
  const samples = (mib: (n: number) => number) =>
    Array.from({ length: 30 }, (_, n) => ({ atMs: n * 5_000, mib: mib(n), pid: 1 }));

  it('is flat if the last third is like the middle one', () => {
    expect(
      trendOf(
        'gateway',
        samples((n) => 200 + (n % 3)),
      )?.isFlat,
    ).toBe(true);
    expect(
      trendOf(
        'gateway',
        samples((n) => 100 + 20 * n),
      )?.isFlat,
    ).toBe(false);
    expect(trendOf('gateway', samples(() => 1).slice(0, 5))).toBeUndefined();
  });

  it('is that of the process that lived longest, not of those that came after one another', () => {
    // Killed twice, and growing by 20 MiB a sample while it lives.
    const lives = [0, 10, 15].map((from, n) => ({ from, pid: n + 1 }));
    const growing = samples((n) => {
      const { from } = lives.findLast((life) => life.from <= n) as (typeof lives)[number];
      return 100 + 20 * (n - from);
    }).map((sample, n) => ({ ...sample, pid: lives.findLast(({ from }) => from <= n)?.pid as number }));
    expect(trendOf('gateway', growing)).toMatchObject({ isFlat: false, minutes: (14 * 5) / 60 });
  });
});
