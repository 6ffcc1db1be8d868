import { describe, expect, it } from '@jest/globals';
import { type ChargerAccount, digestOf, makeAccount, note } from '../../bench/soak/charger-account.ts';
import {
  checkAccount,
  checkAgreement,
  checkRecord,
  checkTransactions,
  noTransactions,
  type RecordedEvent,
} from '../../bench/soak/checker.ts';
import type { ChargerMessage, StopReason } from '../../simulator/charger-message.ts';

const call = (seq: number, action: string, payload: object, answer: object = {}): RecordedEvent => ({
  epoch: 1,
  seq,
  kind: 'call',
  frame: JSON.stringify([2, `m${seq}`, action, payload]),
  reply: JSON.stringify([3, `m${seq}`, answer]),
});
const opening: RecordedEvent = { epoch: 1, seq: 0, kind: 'open', frame: '{}', reply: '' };
const answerWith = (status: string) => ({ transactionId: 7, idTagInfo: { status } });
const start = call(1, 'StartTransaction', { connectorId: 1 }, answerWith('Accepted'));
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
    expect(checkAccount(accountOf())).toEqual([]);
    expect(checkTransactions(accountOf(), good)).toEqual({
      findings: [],
      count: { ...noTransactions(), complete: 1, ended: new Map([['Local', 1]]) },
    });
  });

  it('finds a message of which the charger knows nothing, and one that it was acknowledged twice', () => {
    const [first, ...others] = messages;
    expect(checkRecord(accountOf(others), 'operator-1', good)).toEqual([
      {
        kind: 'foreign',
        charger: 'CP-1',
        operator: 'operator-1',
        what: 'epoch 1 seq 1: not what the charger knows',
      },
    ]);
    // what it has sent without an answer may be on record
    for (const kind of ['unanswered', 'lost'] as const) {
      const account = makeAccount('CP-1');
      note(account, { kind, message: messages[0]?.[0] as ChargerMessage, frame: start.frame });
      expect(checkRecord(account, 'operator-1', [opening, start])).toEqual([]);
    }
    const twice = accountOf([...messages, first as (typeof messages)[number]]);
    expect(checkAccount(twice)).toEqual([
      { kind: 'doubled', charger: 'CP-1', what: 'acknowledged message 4 of 4 was one before' },
    ]);
  });

  it('finds a message that was acknowledged and is not on record', () => {
    const what = 'acknowledged message 2 of 3';
    expect(checkRecord(accountOf(), 'operator-1', [opening, start, { ...stop, seq: 2 }])).toEqual([
      { kind: 'lost', charger: 'CP-1', operator: 'operator-1', what },
    ]);
    // with another answer than the charger got it is another event
    const altered = { ...meter, reply: '[3,"m2",{"x":1}]' };
    expect(checkRecord(accountOf(), 'operator-1', [opening, start, altered, stop]).map(({ kind }) => kind)).toEqual([
      'foreign',
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
      frame: start.frame,
    });
    expect(checkTransactions(never, [opening])).toEqual({
      findings: [],
      count: { ...noTransactions(), parked: new Map([['InternalError', 1]]) },
    });
    expect(checkTransactions(accountOf(messages.slice(0, 2)), good).findings).toMatchObject([
      { kind: 'open transaction' },
    ]);
    expect(checkTransactions(accountOf(), good.slice(0, 3)).findings).toMatchObject([
      { kind: 'open transaction', what: 'transaction 7: no end on record' },
    ]);
  });

  it('finds a start that was never answered', () => {
    const account = makeAccount('CP-1');
    note(account, { kind: 'unanswered', message: messages[0]?.[0] as ChargerMessage, frame: start.frame });
    expect(checkTransactions(account, [opening, start]).findings).toMatchObject([
      { kind: 'unanswered start', charger: 'CP-1', what: 'the start of key was never answered' },
      { kind: 'divided transaction' },
    ]);
  });

  it('takes no transaction for complete whose card was refused', () => {
    const ending = (status: string, reason: StopReason) => {
      const begun = call(1, 'StartTransaction', { connectorId: 1 }, answerWith(status));
      const [started, , stopped] = messages as [(typeof messages)[number], unknown, (typeof messages)[number]];
      const ended = { ...stopped[0], reason } as ChargerMessage;
      const account = accountOf([
        [started[0], begun],
        [ended, stop],
      ]);
      return checkTransactions(account, [opening, begun, stop]);
    };
    expect(ending('ConcurrentTx', 'Local')).toEqual({
      findings: [],
      count: { ...noTransactions(), ended: new Map([['Local', 1]]), refused: new Map([['ConcurrentTx', 1]]) },
    });
    expect(ending('Accepted', 'DeAuthorized').count).toMatchObject({ complete: 0, refused: new Map() });
    expect(ending('Accepted', 'PowerLoss').count).toMatchObject({ complete: 1 });
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
      call(n + 1, 'TransactionEvent', { eventType, transactionInfo }, { idTokenInfo: { status: 'Accepted' } }),
    );
    const told = [messages[0], messages[2]].map((each, n): [ChargerMessage, RecordedEvent] => [
      each?.[0] as ChargerMessage,
      events[n] as RecordedEvent,
    ]);
    expect(checkTransactions(accountOf(told), [opening, ...events])).toEqual({
      findings: [],
      count: { ...noTransactions(), complete: 1, ended: new Map([['Local', 1]]) },
    });
  });

  it('tells apart every frame and answer', () => {
    expect(digestOf('a', 'b')).not.toBe(digestOf('a', 'c'));
    expect(digestOf('a', 'b')).toHaveLength(16);
  });
});
