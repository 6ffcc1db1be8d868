import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { deviceIdOf, idTagCommitment } from '../../core/identity.ts';
import type { OcppVersion } from '../../core/ocpp-version.ts';
import { cardSessionId } from '../../core/session-answers.ts';
import { MARK_VALID_MS } from '../../ocpp-gateway/card-marks.ts';
import { DIALECTS } from '../../ocpp-gateway/dialects.ts';
import { recordedMessage } from '../../ocpp-gateway/recorded-message.ts';
import {
  type CardTransaction,
  makeTransactionBook,
  type TransactionBook,
} from '../../ocpp-gateway/transaction-book.ts';
import { makeTransactionIds } from '../../ocpp-gateway/transaction-ids.ts';
import { makeTransactionStore, type TransactionStore } from '../../ocpp-gateway/transaction-store.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';
import { silentLog } from './support.ts';

const DAY_MS = 86_400_000;
const commitmentOf = (idTag: string) => idTagCommitment(idTag, Buffer.alloc(16, 7));

describe('the transactions that go on at the chargers of a network', () => {
  let redis: TestRedis;
  let client: Redis;
  let store: TransactionStore;
  let count = 0;
  let nowMs = 0;
  let gaps: string[] = [];
  /** The connections that gateways hold, where they are not a charger's first. */
  const held = new Map<string, number>();
  const books: TransactionBook[] = [];

  beforeAll(async () => {
    redis = await startRedis();
    client = new Redis(redis.url);
    store = makeTransactionStore(client, '1:0x', 'test', DAY_MS, 2 * DAY_MS);
  });
  afterEach(() => {
    for (const book of books.splice(0)) book.close();
    gaps = [];
  });
  afterAll(async () => {
    client.disconnect();
    await redis.close();
  });

  /** A gateway's book. */
  const open = (
    version: OcppVersion = 'ocpp1.6',
    refusesConcurrent = true,
    onCard: (transaction: CardTransaction) => void = () => {},
    from = store,
  ) => {
    const onGap = (of: string) => void gaps.push(of);
    const book = makeTransactionBook({
      store: from,
      commitmentOf,
      dialectOf: () => DIALECTS[version],
      isHeld: async (charger, epoch) => (held.get(charger) ?? 1) === epoch,
      refusesConcurrent,
      onCard: (_charger, transaction) => onCard(transaction),
      onGap,
      log: silentLog,
      now: () => nowMs,
    });
    books.push(book);
    return book;
  };
  /** A card and two chargers that no other test has. */
  const begin = () => {
    count += 1;
    nowMs = Date.UTC(2026, 5, 15, 12);
    return { card: `CARD${count}`, here: `CP${count}`, there: `CP${count}-2` };
  };
  const time = (ms = nowMs) => new Date(ms).toISOString();
  const startOf = (idTag: string, connectorId = 1, timestamp = time()) => ({
    action: 'StartTransaction',
    payload: { connectorId, idTag, meterStart: 0, timestamp },
  });
  let seq = 0;
  const record = (
    book: TransactionBook,
    charger: string,
    action: string,
    payload: object,
    result: object,
    epoch = 1,
    kind: 'call' | 'suspect' = 'call',
  ) => {
    seq += 1;
    const frame = JSON.stringify([2, 'id', action, payload]);
    const event = { kind, frame, reply: JSON.stringify([3, 'id', result]) };
    book.recorded(charger, action, { epoch, seq }, recordedMessage(event, undefined, nowMs));
    return seq;
  };
  /** A transaction of OCPP 1.6 begins; settles when all gateways can know. */
  const start = async (
    book: TransactionBook,
    charger: string,
    idTag: string,
    transactionId: number,
    connectorId = 1,
    epoch = 1,
  ) => {
    const { action, payload } = startOf(idTag, connectorId);
    const at = record(book, charger, action, payload, { transactionId, idTagInfo: { status: 'Accepted' } }, epoch);
    await known(charger, transactionId);
    return at;
  };
  const known = (charger: string, transactionId: number | string, isOver = false) =>
    waitFor(
      async () => {
        const found = (await store.load(charger)).find((one) => one.transactionId === transactionId);
        return found !== undefined && (found.isOver === true) === isOver;
      },
      { what: 'the transaction to be known' },
    );
  const stop = async (book: TransactionBook, charger: string, transactionId: number) => {
    record(book, charger, 'StopTransaction', { transactionId, meterStop: 1, timestamp: time() }, {});
    await known(charger, transactionId, true);
  };
  const marked = (idTag: string, chargers: string[]) =>
    waitFor(
      async () => {
        const marks = await store.marks(commitmentOf(idTag));
        return (
          marks
            .map(({ charger }) => charger)
            .sort()
            .join() === [...chargers].sort().join()
        );
      },
      { what: `marks of ${chargers}` },
    );

  it('keep their card from beginning another one, at whichever gateway, until they end', async () => {
    const { card, here, there } = begin();
    const [one, other] = [open(), open()];
    one.connected(here, 1);
    other.connected(there, 1);
    await start(one, here, card, 1);
    await marked(card, [here]);
    expect(await other.isConcurrent(there, card.toLowerCase(), startOf(card), 2)).toBe(true);
    expect(await other.isConcurrent(there, 'ANOTHER', startOf('ANOTHER'), 2)).toBe(false);
    expect(await one.isConcurrent(here, card, startOf(card, 2), 2)).toBe(true);
    // Told again, or at the same connector after its end was lost.
    expect(await one.isConcurrent(here, card, startOf(card), 1)).toBe(false);
    expect(await one.isConcurrent(here, card, startOf(card), 2)).toBe(false);
    // Not what it is asked for: to authorise, and what happened in the past.
    expect(await other.isConcurrent(there, card, { action: 'Authorize', payload: { idTag: card } })).toBe(false);
    expect(await other.isConcurrent(there, card, startOf(card, 1, time(nowMs - 3_600_000)), 2)).toBe(false);
    expect(await other.isConcurrent(there, card, startOf(card, 1, '1970-01-01T00:00:00Z'), 2)).toBe(false);
    await stop(one, here, 1);
    await marked(card, []);
    expect(await other.isConcurrent(there, card, startOf(card), 2)).toBe(false);
  });

  it('are not certain once their charger is gone, or nobody has said for a while that they go on', async () => {
    const { card, here, there } = begin();
    const [one, other] = [open(), open()];
    one.connected(here, 1);
    await start(one, here, card, 1);
    await marked(card, [here]);
    nowMs += MARK_VALID_MS + 1;
    expect(await other.isConcurrent(there, card, startOf(card), 2)).toBe(false);
    nowMs -= MARK_VALID_MS + 1;
    expect(await other.isConcurrent(there, card, startOf(card), 2)).toBe(true);
    one.gone(here, 1);
    await marked(card, []);
    expect(await other.isConcurrent(there, card, startOf(card), 2)).toBe(false);
  });

  it('are not certain once their charger has another connection than the one in which they were told', async () => {
    const { card, here, there } = begin();
    const [one, other] = [open(), open()];
    one.connected(here, 1);
    await start(one, here, card, 1);
    await marked(card, [here]);
    expect(await other.isConcurrent(there, card, startOf(card), 2)).toBe(true);
    // Its gateway has died and taken nothing back; the charger is at another one, where the end may yet come in.
    held.set(here, 2);
    expect(await other.isConcurrent(there, card, startOf(card), 2)).toBe(false);
  });

  it('keep no card from anything where a card may begin several', async () => {
    const { card, here, there } = begin();
    const one = open('ocpp1.6', false);
    one.connected(here, 1);
    await start(one, here, card, 1);
    await marked(card, [here]);
    expect(await one.isConcurrent(there, card, startOf(card), 2)).toBe(false);
    // Gateways that are set to refuse still know of it.
    expect(await open().isConcurrent(there, card, startOf(card), 2)).toBe(true);
  });

  it('are not opened again by a start that is told once more after their end', async () => {
    const { card, here } = begin();
    const one = open();
    one.connected(here, 1);
    await start(one, here, card, 1);
    await stop(one, here, 1);
    one.gone(here, 1);
    const other = open();
    other.connected(here, 2);
    const { action, payload } = startOf(card);
    record(other, here, action, payload, { transactionId: 1, idTagInfo: { status: 'Accepted' } }, 2);
    await start(other, here, card, 2, 2, 2);
    await marked(card, [here]);
    expect((await store.load(here)).filter(({ isOver }) => isOver === true)).toHaveLength(1);
  });

  it('are known on while they go on, however many end meanwhile, and only the latest of those', async () => {
    const { card, here } = begin();
    const book = open();
    book.connected(here, 1);
    await start(book, here, card, 1);
    for (let id = 2; id <= 101; id += 1) {
      const { action, payload } = startOf('NEXT', 2);
      record(book, here, action, payload, { transactionId: id, idTagInfo: { status: 'Accepted' } });
      record(book, here, 'StopTransaction', { transactionId: id, meterStop: 1, timestamp: time() }, {});
    }
    await known(here, 101, true);
    await marked(card, [here]);
    const kept = (await store.load(here)).map(({ transactionId }) => transactionId);
    expect([kept.length, kept.includes(1), kept.includes(2), kept.includes(3)]).toEqual([100, true, false, true]);
  });

  it('doubt one whose connector another one has begun at', async () => {
    const { card, here, there } = begin();
    const one = open();
    one.connected(here, 1);
    await start(one, here, card, 1);
    await marked(card, [here]);
    await start(one, here, 'NEXT', 2);
    await marked(card, []);
    expect(await one.isConcurrent(there, card, startOf(card), 3)).toBe(false);
  });

  describe('are not certain any more', () => {
    const status = (reported: string, connectorId = 1, more: object = {}) =>
      [
        'StatusNotification',
        { connectorId, status: reported, errorCode: 'NoError', timestamp: time(), ...more },
      ] as const;
    const ended = (transactionId: unknown, more: object = {}) =>
      ['StopTransaction', { transactionId, meterStop: 1, timestamp: time(), ...more }] as const;
    const boot = ['BootNotification', { chargePointVendor: 'V', chargePointModel: 'M' }] as const;
    /** Cards with a transaction at connectors 1 and 2 of a charger, and what that tells then. */
    const setUp = async () => {
      const { card, here } = begin();
      const book = open();
      book.connected(here, 1);
      await start(book, here, `${card}-1`, 1);
      await start(book, here, `${card}-2`, 2, 2);
      for (const n of [1, 2]) await marked(`${card}-${n}`, [here]);
      const tell = (action: string, payload: object, kind?: 'suspect') =>
        void record(book, here, action, payload, action === 'BootNotification' ? { status: 'Accepted' } : {}, 1, kind);
      /** The connectors whose cards are still known to be in use, once a further transaction shows that all was taken in. */
      const certain = async () => {
        const last = `${card}-3`;
        await start(book, here, last, 3, 3);
        await marked(last, [here]);
        const marks = [1, 2].map(async (n) =>
          (await store.marks(commitmentOf(`${card}-${n}`))).length > 0 ? [n] : [],
        );
        return (await Promise.all(marks)).flat();
      };
      return { book, here, tell, certain };
    };

    it.each<[string, () => readonly [string, object, 'suspect'?], number[]]>([
      ['their connector is free', () => status('Available'), [2]],
      ['somebody else has plugged in', () => status('Preparing', 2), [1]],
      ['their connector waits for the car to leave', () => status('Finishing'), [2]],
      ['their connector is kept for somebody', () => status('Reserved'), [2]],
      ['their connector is out of use', () => status('Unavailable', 1, { timestamp: undefined }), [2]],
      ['their charger has booted', () => boot, []],
      ['an end of transaction -1 has come', () => ended(-1), []],
      ['an end came that names none of them', () => ended(77), []],
      ['their own end came and broke its schema', () => [...ended(2, { meterStop: 'many' }), 'suspect'], [1]],
      ['an end came that names none and broke its schema', () => [...ended('?'), 'suspect'], []],
    ])('once %s', async (_what, told, expected) => {
      const { tell, certain } = await setUp();
      tell(...told());
      expect(await certain()).toEqual(expected);
    });

    it('once an end came that broke its schema behind a byte order mark', async () => {
      const { book, here, certain } = await setUp();
      const frame = `\uFEFF${JSON.stringify([2, 'id', 'StopTransaction', {}])}`;
      const event = { kind: 'suspect', frame, reply: '[3,"id",{}]' } as const;
      book.recorded(here, 'StopTransaction', { epoch: 1, seq: 99 }, recordedMessage(event, 'ocpp1.6', nowMs));
      expect(await certain()).toEqual([]);
    });

    it('by each end that names none of them, told again with the same id', async () => {
      const { book, here, tell } = await setUp();
      tell(...ended(-1));
      const { card } = begin();
      await start(book, here, card, 5);
      await marked(card, [here]);
      tell(...ended(-1));
      await marked(card, []);
    });

    it('but are by what says nothing of them, or of the time before them', async () => {
      const { here, tell, certain } = await setUp();
      const before = { timestamp: time(nowMs - 1_000) };
      tell(...status('Available', 1, before));
      tell(...status('Available', 1, { timestamp: time(nowMs - 3_600_000) }));
      tell(...ended(-1, before));
      for (const reported of ['Charging', 'SuspendedEV', 'Faulted']) tell(...status(reported));
      tell(...status('Unavailable', 0));
      tell('StartTransaction', { connectorId: '1' }, 'suspect');
      expect(await certain()).toEqual([1, 2]);
      expect((await store.load(here)).filter(({ isOver }) => isOver).map((one) => one.transactionId)).toEqual([-1]);
    });

    it('without a look at statuses where none is', async () => {
      const { here } = begin();
      const book = open();
      const unread = {
        ...recordedMessage({ kind: 'call', frame: '', reply: '' }, 'ocpp1.6', nowMs),
        get facts(): never {
          throw new Error('read');
        },
      };
      book.connected(here, 1);
      book.recorded(here, 'StatusNotification', { epoch: 1, seq: 1 }, unread);
      await start(book, here, 'CARD', 1);
      expect(() => book.recorded(here, 'StatusNotification', { epoch: 1, seq: 1 }, unread)).toThrow('read');
      await stop(book, here, 1);
      book.recorded(here, 'StatusNotification', { epoch: 1, seq: 1 }, unread);
    });
  });

  it('are found by the session that their card has opened, also at another gateway, until they end', async () => {
    const { card, here } = begin();
    const one = open();
    one.connected(here, 5);
    const at = await start(one, here, card, 7, 1, 5);
    const session = cardSessionId(deviceIdOf(here), 5n, BigInt(at));
    // Told again for want of an answer: the session has one name.
    const again = await start(one, here, card, 7, 1, 5);
    expect(await one.transactionOf(here, session)).toBe(7);
    expect(await one.transactionOf(here, cardSessionId(deviceIdOf(here), 5n, BigInt(again)))).toBeUndefined();
    const other = open();
    expect(await other.transactionOf(here, session)).toBeUndefined();
    other.connected(here, 6);
    expect(await other.transactionOf(here, session)).toBe(7);
    record(other, here, 'StopTransaction', { transactionId: 7, meterStop: 1, timestamp: time() }, {}, 6);
    await known(here, 7, true);
    expect(await other.transactionOf(here, session)).toBeUndefined();
  });

  describe('that are over', () => {
    const over = (transactionId: number) =>
      ({
        transactionId,
        connector: 1,
        card: commitmentOf('BEFORE'),
        opening: { epoch: 1, seq: transactionId, atMs: 1, startWh: 0 },
        isOver: true,
      }) as const;

    it('are not read for a charger that only connects, and are once it is asked about one', async () => {
      const { card, here } = begin();
      const one = open();
      one.connected(here, 1);
      await start(one, here, card, 1);
      // As they were kept in full.
      for (const id of [2, 3]) await store.save(here, over(id));
      let loads = 0;
      const load: TransactionStore['load'] = (charger) => {
        loads += 1;
        return store.load(charger);
      };
      const other = open('ocpp1.6', true, undefined, { ...store, load });
      other.connected(here, 2);
      expect((await store.loadOpen(here)).map(({ transactionId }) => transactionId)).toEqual([1]);
      expect((await other.openByCard(here)).map(({ transactionId }) => transactionId)).toEqual([1]);
      expect(loads).toBe(0);
      expect([await other.isOver(here, 1), await other.isOver(here, 2)]).toEqual([false, true]);
      expect([await other.isOthers(here, 2, card), await other.isOthers(here, 2, 'before')]).toEqual([true, false]);
      expect(loads).toBe(1);
      record(other, here, 'StopTransaction', { transactionId: 1, meterStop: 1, timestamp: time() }, {}, 2);
      await known(here, 1, true);
      expect(await other.openByCard(here)).toEqual([]);
    });

    it('are none of those that go on, if their end is told while these are read', async () => {
      const { card, here } = begin();
      const one = open();
      one.connected(here, 1);
      await start(one, here, card, 1);
      const held = Promise.withResolvers<void>();
      const loadOpen: TransactionStore['loadOpen'] = async (charger) => {
        const found = await store.loadOpen(charger);
        await held.promise;
        return found;
      };
      const other = open('ocpp1.6', true, undefined, { ...store, loadOpen });
      other.connected(here, 2);
      const found = other.openByCard(here);
      record(other, here, 'StopTransaction', { transactionId: 1, meterStop: 1, timestamp: time() }, {}, 2);
      await known(here, 1, true);
      held.resolve();
      expect(await found).toEqual([]);
    });

    it('are kept with no more than whose they were and where', async () => {
      const { card, here } = begin();
      const book = open();
      book.connected(here, 1);
      await start(book, here, card, 1);
      await stop(book, here, 1);
      expect(await store.load(here)).toEqual([
        { transactionId: 1, connector: 1, card: commitmentOf(card), isOver: true },
      ]);
    });
  });

  describe('of OCPP 2.x', () => {
    const tell = (
      book: TransactionBook,
      charger: string,
      eventType: string,
      seqNo: number,
      more: object = {},
      result: object = {},
    ) =>
      record(
        book,
        charger,
        'TransactionEvent',
        {
          eventType,
          seqNo,
          timestamp: time(),
          triggerReason: 'Authorized',
          transactionInfo: { transactionId: 'tx' },
          ...more,
        },
        result,
      );
    const accepted = { idTokenInfo: { status: 'Accepted' } };
    const shows = (idToken: string) => ({ idToken: { idToken, type: 'ISO14443' } });

    it('are their first accepted card’s, shown at whichever message, and no other idTag’s', async () => {
      const { card, here, there } = begin();
      const book = open('ocpp2.0.1');
      book.connected(here, 1);
      tell(book, here, 'Started', 0, { evse: { id: 2 } });
      tell(book, here, 'Updated', 1, shows('WRONG'), { idTokenInfo: { status: 'Invalid' } });
      const at = tell(book, here, 'Updated', 2, shows(card), accepted);
      tell(book, here, 'Updated', 3, shows('LATER'), accepted);
      await marked(card, [here]);
      expect(await book.isOthers(here, 'tx', card.toLowerCase())).toBe(false);
      expect(await book.isOthers(here, 'tx', 'LATER')).toBe(true);
      expect(await book.isOthers(here, 'ty', 'LATER')).toBe(false);
      expect(await book.transactionOf(here, cardSessionId(deviceIdOf(here), 1n, BigInt(at)))).toBe('tx');
      const begun = {
        ...shows(card),
        eventType: 'Started',
        timestamp: time(),
        transactionInfo: { transactionId: 'ty' },
      };
      const call = (more: object) => ({ action: 'TransactionEvent', payload: { ...begun, ...more } });
      expect(await book.isConcurrent(there, card, call({}))).toBe(true);
      expect(await book.isConcurrent(there, card, call({ eventType: 'Updated' }))).toBe(false);
      expect(await book.isConcurrent(there, card, call({ offline: true }))).toBe(false);
    });

    it('are no card’s where the charger lets everybody charge, not even that of one that is shown later', async () => {
      const { card, here } = begin();
      const began: string[] = [];
      const book = open('ocpp2.0.1', true, ({ transactionId }) => began.push(String(transactionId)));
      book.connected(here, 1);
      const evse = { id: 2 };
      tell(book, here, 'Started', 0, { evse, idToken: { idToken: '', type: 'NoAuthorization' } }, accepted);
      tell(book, here, 'Updated', 1, shows(card), accepted);
      tell(book, here, 'Started', 0, { evse, ...shows(card), transactionInfo: { transactionId: 'ty' } }, accepted);
      await marked(card, [here]);
      expect((await store.marks(commitmentOf(card))).map(({ transactionId }) => transactionId)).toEqual(['ty']);
      expect(await store.marks(commitmentOf(''))).toEqual([]);
      expect(began).toEqual(['ty']);
      expect((await book.openByCard(here)).map(({ transactionId }) => transactionId)).toEqual(['ty']);
      expect([await book.isOthers(here, 'tx', card), await book.isBegun(here, commitmentOf(card), 'tx')]).toEqual([
        true,
        true,
      ]);
    });

    it('tell which of their messages never came, but not after the gateway was changed', async () => {
      const { card, here } = begin();
      const book = open('ocpp2.1');
      book.connected(here, 1);
      tell(book, here, 'Started', 0, shows(card), accepted);
      tell(book, here, 'Updated', 1);
      tell(book, here, 'Updated', 1);
      tell(book, here, 'Updated', 4);
      await waitFor(() => gaps.length > 0, { what: 'the gap' });
      book.gone(here, 1);
      book.connected(here, 1);
      tell(book, here, 'Updated', 9);
      tell(book, here, 'Ended', 11);
      await known(here, 'tx', true);
      expect(gaps).toEqual(['ocpp2.1', 'ocpp2.1']);
    });
  });
});

describe('the id of a StartTransaction', () => {
  it('is remembered for 90 days, but for one day where its charger has no clock', async () => {
    const remembered: number[] = [];
    const idOf = makeTransactionIds({
      idFor: async (_charger, _fingerprint, _nowMs, memorySec) => remembered.push(memorySec),
      isOver: async () => false,
      commitmentOf,
      now: () => Date.UTC(2026, 5, 15, 12),
    });
    for (const timestamp of ['2026-06-15T12:00:00Z', '2026-06-01T00:00:00Z', '1970-01-01T00:00:00Z', 'noon']) {
      await idOf('CP', { connectorId: 1, idTag: 'CARD', meterStart: 0, timestamp });
    }
    expect(remembered).toEqual([7_776_000, 7_776_000, 86_400, 86_400]);
  });
});
