import { statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { pino } from 'pino';
import type { Database } from '../../adapter/database.ts';
import { makeEventReader } from '../../adapter/event-reader.ts';
import { makeHousekeeping } from '../../adapter/housekeeping.ts';
import { makeRetention } from '../../adapter/retention.ts';
import { makeTransactionRecord } from '../../adapter/transaction-record.ts';
import type { DevsenError } from '../../core/errors.ts';
import { deviceIdOf } from '../../core/identity.ts';
import { sessionTag } from '../../core/request-approval.ts';
import { stopMessageId } from '../../core/session-stop.ts';
import { makeTestGateway } from '../support/batches.ts';
import { BEGIN_MS, CHARGERS, PLAYED_SESSION, play, REGISTERED, STEP, type Step } from './play.ts';
import { makeTestRecord, type TestRecord } from './record.ts';

const ms = (sec: number) => sec * 1000;
const LAST = [Number.MAX_SAFE_INTEGER, 0, 0] as const;

const MANY = fc.array(STEP, { minLength: 30, maxLength: 60 });

/** Empties all that may be, in as many steps as it takes. */
function emptyAll(record: TestRecord, windowMs: number): { emptied: number; kept: number } {
  const retention = makeRetention(record.db, () => 0);
  const total = { emptied: 0, kept: 0 };
  for (let isMore = true; isMore; ) {
    const done = retention.step(windowMs);
    total.emptied += done.emptied;
    total.kept += done.kept;
    isMore = done.isMore;
  }
  return total;
}

function sessionAt(record: TestRecord, charger: string, sec: number): string {
  try {
    const known = record.session(charger, PLAYED_SESSION, sec);
    return known.isKnown
      ? JSON.stringify(known.answer, (_, value) => (typeof value === 'bigint' ? `${value}` : value))
      : 'cannot know';
  } catch (error) {
    return (error as DevsenError).code;
  }
}

/** Kinds of the events whose text is there. */
function textsOf(record: TestRecord): string[] {
  const select = record.db.prepare<{ kind: string }>(`SELECT kind FROM events WHERE frame <> '' ORDER BY id`);
  return select.all().map(({ kind }) => kind);
}

/** Everything the record says of a time but for sessions, also whether it can. */
function toldAt(record: TestRecord, sec: number, nowMs: number): string[] {
  return [
    record.readiness(sec, nowMs),
    ...CHARGERS.flatMap((charger) => [
      record.told(charger, 0, sec),
      record.told(charger, 1, sec),
      JSON.stringify(record.meter(charger, 1, sec)),
      sec % 8 === 0 ? JSON.stringify(record.uptime(charger, BEGIN_MS / 1000, sec)) : '',
    ]),
  ];
}

/** The steps with chargers that are connected when they tell something, and processes of gateways that end now and then. */
function busy(steps: readonly Step[]): Step[] {
  const held = new Set<string>();
  return steps.flatMap((one, n) => {
    const step = (what: Step['what']): Step => ({ ...one, afterMs: 200, what });
    const name = `${one.gateway} ${one.charger}`;
    const isHeld = held.has(name);
    held.add(name);
    const told = one.what === 'open' || one.what === 'flush' ? step(one.status > 1 ? 'start' : 'stop') : one;
    if (told.what === 'close') held.delete(name);
    const isEnd = n % 6 === 5 || told.what === 'restart';
    if (isEnd) for (const other of [0, 1, 2]) held.delete(`${one.gateway} ${other}`);
    return [...(isHeld ? [] : [step('open')]), told, ...(isEnd ? [step('flush'), step('restart')] : [])];
  });
}

/** A gateway's two processes: the first from 1,000 s to 1,009 s, the second from 1,010 s on. */
function begin() {
  const gateway = makeTestGateway({ bootedAtMs: ms(1_000) });
  const record = makeTestRecord([gateway.listed()]);
  record.apply(gateway.flush(ms(1_000)));
  gateway.open('CH-1', ms(1_001));
  const flush = (sec: number) => record.apply(gateway.flush(ms(sec)));
  const second = () => {
    flush(1_009);
    gateway.restart(ms(1_010));
    gateway.open('CH-1', ms(1_010) + 1);
    flush(1_011);
  };
  const start = (sec: number, transactionId: number, idTag: string) => {
    const result = { transactionId, idTagInfo: { status: 'Accepted' } };
    gateway.call('CH-1', ms(sec), 'StartTransaction', { connectorId: 1, idTag, meterStart: 100 }, result);
  };
  const stop = (sec: number, transactionId: number) =>
    gateway.call('CH-1', ms(sec), 'StopTransaction', { transactionId, meterStop: 900 });
  const values = (sec: number, connectorId = 1) =>
    gateway.call('CH-1', ms(sec), 'MeterValues', { connectorId, meterValue: [{ sampledValue: [{ value: '500' }] }] });
  return { gateway, record, second, start, stop, values, flush };
}

describe('messages whose text is deleted for its age', () => {
  it('change no answer as of a time within the window, and make none of an earlier time wrong', () => {
    const total = { emptied: 0, kept: 0 };
    fc.assert(
      fc.property(MANY, fc.double({ min: 0.5, max: 1, noNaN: true }), (steps, share) => {
        const { sent, endMs } = play(busy(steps));
        const record = makeTestRecord(REGISTERED);
        try {
          record.apply(...sent.map(({ batch }) => batch));
          const windowSec = Math.ceil((BEGIN_MS + (endMs - BEGIN_MS) * share) / 1000);
          const seconds = Array.from({ length: 10 }, (_, n) => windowSec - 3 + n);
          const read = () => seconds.map((sec) => toldAt(record, sec, endMs + 60_000));
          const readSessions = () => seconds.map((sec) => CHARGERS.map((charger) => sessionAt(record, charger, sec)));
          const [told, sessions] = [read(), readSessions()];
          const atWindow = sessions[3] as string[];
          const done = emptyAll(record, ms(windowSec));
          total.emptied += done.emptied;
          total.kept += done.kept;
          expect(read()).toEqual(told);
          for (const [n, of] of readSessions().entries()) {
            for (const [charger, answer] of of.entries()) {
              if (answer !== 'PRUNED') expect(answer).toBe(sessions[n]?.[charger]);
              // Only what was over when the window began.
              else if (n >= 3) expect(atWindow[charger]).toMatch(/"verdict":"(Done|Unusable|Refused)"/);
            }
          }
          expect(emptyAll(record, ms(windowSec))).toEqual({ emptied: 0, kept: 0 });
        } finally {
          record.db.close();
        }
      }),
      { numRuns: 10, endOnFailure: true },
    );
    expect(Math.min(total.emptied, total.kept)).toBeGreaterThan(0);
  });

  it('are those of processes of a gateway that ended before the window, of which another came after', () => {
    const { gateway, record, second, values, flush } = begin();
    values(1_002);
    flush(1_003);
    expect(emptyAll(record, ms(5_000))).toEqual({ emptied: 0, kept: 0 });
    second();
    values(1_012);
    flush(1_013);
    expect(emptyAll(record, ms(1_009))).toEqual({ emptied: 0, kept: 0 });
    expect(emptyAll(record, ms(1_009) + 1)).toEqual({ emptied: 1, kept: 0 });
    gateway.restart(ms(1_014));
    flush(1_015);
    expect(emptyAll(record, ms(1_014))).toEqual({ emptied: 1, kept: 0 });
    expect(textsOf(record)).toEqual(['open', 'open']);
  });

  it('are none of a transaction that goes on, nor what was told of its connector, until it is over', () => {
    const { record, second, start, stop, values, flush } = begin();
    values(1_002);
    start(1_003, 7, sessionTag(PLAYED_SESSION));
    values(1_004);
    values(1_004, 2);
    second();
    expect(emptyAll(record, ms(1_010))).toEqual({ emptied: 2, kept: 2 });
    stop(1_015, 7);
    flush(1_016);
    expect(JSON.parse(sessionAt(record, 'CH-1', 1_015))).toMatchObject({ verdict: 'Done', energyWh: '800' });
    // The end lies within the window, then before it.
    const retention = makeRetention(record.db, () => 0);
    expect([ms(1_015), ms(6_000)].map((windowMs) => retention.step(windowMs).emptied)).toEqual([0, 2]);
    expect(sessionAt(record, 'CH-1', 1_015)).toBe('PRUNED');
    expect(record.count('kept_messages')).toBe(0);
  });

  it('are none by which a gateway ended a transaction that goes on, until it is over', () => {
    const { gateway, record, second, start, flush } = begin();
    start(1_003, 7, sessionTag(PLAYED_SESSION));
    gateway.answer('CH-1', ms(1_004), 'any', { status: 'Accepted' });
    gateway.answer('CH-1', ms(1_005), stopMessageId('idle', PLAYED_SESSION, 0), { status: 'Accepted' });
    second();
    gateway.call('CH-1', ms(1_015), 'StopTransaction', { transactionId: 7, meterStop: 900, reason: 'Remote' });
    flush(1_016);
    expect(emptyAll(record, ms(1_015))).toEqual({ emptied: 1, kept: 2 });
    expect(JSON.parse(sessionAt(record, 'CH-1', 1_015))).toMatchObject({ verdict: 'Done', stop: 'Idle' });
    // Of all the session's messages this one alone is deleted: it must not pass for a stop by its driver.
    record.db.prepare("UPDATE events SET frame = '', reply = '', is_emptied = 1 WHERE kind = 'answer'").run();
    expect(sessionAt(record, 'CH-1', 1_015)).toBe('PRUNED');
  });

  it('are those of a transaction whose end is lost, once its connector has begun another', () => {
    const { record, second, start, stop, flush } = begin();
    start(1_003, 7, 'ADA');
    second();
    start(1_012, 8, 'BOB');
    stop(1_013, 8);
    flush(1_014);
    expect(emptyAll(record, ms(1_612))).toEqual({ emptied: 0, kept: 1 });
    expect(emptyAll(record, ms(1_612) + 1)).toEqual({ emptied: 1, kept: 0 });
  });

  it('are none of what a charger told last of its software, nor of its security', () => {
    const { gateway, record, second, flush } = begin();
    const boot = (sec: number) => {
      const told = { chargePointVendor: 'V', chargePointModel: 'M' };
      gateway.call('CH-1', ms(sec), 'BootNotification', told, { status: 'Accepted', interval: 60 });
    };
    boot(1_002);
    boot(1_003);
    const timestamp = new Date(ms(1_004)).toISOString();
    gateway.call('CH-1', ms(1_004), 'SecurityEventNotification', { type: 'TamperDetectionActivated', timestamp });
    gateway.call('CH-1', ms(1_005), 'FirmwareStatusNotification', { status: 'Installed' });
    second();
    expect(emptyAll(record, ms(2_000))).toEqual({ emptied: 1, kept: 3 });
    boot(1_012);
    flush(1_013);
    expect(makeRetention(record.db, () => 0).step(ms(2_000))).toEqual({ emptied: 1, kept: 0, isMore: false });
  });

  it('go in steps that are short, whatever there is to do, and the same ones in the end', () => {
    const { record, second, start, stop, values } = begin();
    for (let n = 0; n < 20; n++) {
      start(1_001 + n / 4, n, 'ADA');
      values(1_001.1 + n / 4);
      if (n !== 19) stop(1_001.2 + n / 4, n);
    }
    second();
    let nowMs = 0;
    // A machine so slow that each message takes more than a step may.
    const slow = makeRetention(record.db, () => (nowMs += 1_000));
    const steps = Array.from({ length: 70 }, () => slow.step(ms(2_000)));
    expect(Math.max(...steps.map(({ emptied, kept }) => emptied + kept))).toBe(1);
    expect(steps.at(-1)).toEqual({ emptied: 0, kept: 0, isMore: false });
    expect([record.count('events WHERE is_emptied = 1'), record.count('kept_messages')]).toEqual([57, 2]);
  });

  it('are as they were where a step is cut off, and go with the next one', () => {
    const { record, second, start, stop, values } = begin();
    for (let n = 0; n < 8; n++) {
      start(1_001 + n / 2, n, 'ADA');
      values(1_001.1 + n / 2);
      if (n !== 7) stop(1_001.2 + n / 2, n);
    }
    second();
    const before = textsOf(record);
    // What opened the two connections is no message. A message takes two writes; the process ends at any of them.
    for (let writes = 0; writes < 40; writes += 7) {
      let left = writes;
      const db: Database = {
        ...record.db,
        prepare: (sql) => {
          const statement = record.db.prepare<never>(sql);
          const run: typeof statement.run = (...values) => {
            if (left-- === 0) throw new Error('cut off');
            return statement.run(...values);
          };
          return { ...statement, run };
        },
      };
      const retention = makeRetention(db, () => 0);
      // The first step only says which process is next.
      expect(() => [retention.step(ms(2_000)), retention.step(ms(2_000))]).toThrow('cut off');
      expect(textsOf(record)).toEqual(before);
    }
    expect(emptyAll(record, ms(2_000))).toEqual({ emptied: 21, kept: 2 });
    expect(record.count('events')).toBe(before.length);
  });

  it('are none that operators may still settle a session by, whatever the setting, and are counted', () => {
    const { record, second, values, flush } = begin();
    values(1_002);
    second();
    const settings = { WATERMARK_DAYS: 0, MESSAGE_DAYS: 1, SETTLE_SLOT_SEC: 300 };
    let nowMs = 0;
    let emptied = 0;
    let operators: number | undefined;
    const lines: string[] = [];
    const log = pino({ level: 'info' }, { write: (line: string) => lines.push(line) });
    const keepHouse = makeHousekeeping({
      ...{ db: record.db, settings, log, operators: () => operators, now: () => nowMs },
      emptied: (count) => (emptied += count),
      writing: (work) => work(),
    });
    const at = (sec: number) => {
      nowMs = ms(sec);
      for (let n = 0; n < 3; n++) keepHouse();
      return emptied;
    };
    // 22 operators until it is told how many: two rounds, and up to 1,024 times as long, and the last slot.
    const [ofMost, ofFour] = [1_009 + 45_057 * 300, 1_009 + 8_193 * 300];
    // A clock that is far ahead of all that gateways told makes nothing old.
    expect(at(100 * ofMost)).toBe(0);
    flush(100 * ofMost);
    expect(at(ofMost)).toBe(0);
    operators = 4;
    expect(at(ofFour)).toBe(0);
    expect(at(ofFour + 1)).toBe(1);
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { msg: 'text of old messages deleted', messages: 1, kept: 0 },
    ]);
  });

  it('are told of as deleted, while lists go on saying what the tables hold', () => {
    const { record, second, start, stop } = begin();
    start(1_002, 7, 'ADA');
    stop(1_003, 7);
    second();
    const events = makeEventReader(record.db);
    const transactions = makeTransactionRecord(record.db, events);
    const list = () => transactions.ofCharger(deviceIdOf('CH-1'), LAST, 10, 'any');
    const before = list();
    expect(before.items).toMatchObject([{ transactionId: 7, idTagStatus: 'Accepted', stop: { meterStopWh: 900 } }]);
    const hashes = events.after(0, 10).map(({ hash }) => hash);
    expect(emptyAll(record, ms(2_000))).toEqual({ emptied: 2, kept: 0 });
    expect(list()).toEqual(before);
    const after = events.after(0, 10);
    expect(after.map(({ seq, isPruned, facts }) => [seq, isPruned, facts.length])).toEqual([
      [0, undefined, 1],
      [1, true, 0],
      [2, true, 0],
      [0, undefined, 1],
    ]);
    expect(after.map(({ hash }) => hash)).toEqual(hashes);
  });

  it('leave a file smaller that can give back', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'devsen-retention-'));
    const path = join(folder, 'adapter.sqlite');
    const gateway = makeTestGateway({ bootedAtMs: ms(1_000) });
    const record = makeTestRecord([gateway.listed()], path, true);
    try {
      record.apply(gateway.flush(ms(1_000)));
      gateway.open('CH-1', ms(1_001));
      for (let n = 0; n < 600; n++) gateway.call('CH-1', ms(1_002), 'DataTransfer', { data: 'x'.repeat(1_000) });
      record.apply(gateway.flush(ms(1_003)));
      gateway.restart(ms(1_004));
      record.apply(gateway.flush(ms(1_004)));
      const sizeOf = () => {
        record.db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').all();
        return statSync(path).size;
      };
      const before = sizeOf();
      expect(emptyAll(record, ms(2_000)).emptied).toBe(600);
      makeRetention(record.db, () => 0).step(ms(2_000));
      expect(sizeOf()).toBeLessThan(before / 2);
    } finally {
      record.db.close();
      await rm(folder, { recursive: true });
    }
  });
});
