import { describe, expect, it } from '@jest/globals';
import { ZeroHash } from 'ethers';
import { idTagCommitment } from '../../core/identity.ts';
import { sessionTag } from '../../core/request-approval.ts';
import { stopMessageId } from '../../core/session-stop.ts';
import { makeTestGateway } from '../support/batches.ts';
import { makeTestRecord, TEST_PEPPER } from './record.ts';
import { beginStory, CHARGER, DAY, ms, SESSION, tellStory } from './session-story.ts';

const DAY_SEC = 86_400;
/** Most transactions of these stories end so long after midnight, seconds. */
const END = 300;
const OTHER = `0x${'07'.repeat(32)}`;

describe('the result of a session as of a time', () => {
  it('has no record, then runs with the energy so far, then is done with both registers', () => {
    const { start, stop, meter, status, flush, told, verdict } = beginStory();
    start(10, 1_000);
    status(12, 'Charging');
    meter(END, 6_000);
    stop(2 * END, 11_500, { reason: 'EVDisconnected' });
    flush(2 * END + 5);
    expect(verdict(9)).toBe('CannotKnow NoRecord');
    const running = { verdict: 'Running', reason: 'None', stop: 'None', connector: 1, idleSec: 0 };
    expect(told(10)).toEqual({ ...running, energyWh: 0, started: 10, ended: 0 });
    expect(told(END)).toEqual({ ...running, energyWh: 5_000, started: 10, ended: 0 });
    const done = { verdict: 'Done', reason: 'None', stop: 'EVDisconnected', connector: 1, idleSec: 0 };
    expect(told(2 * END)).toEqual({ ...done, energyWh: 10_500, started: 10, ended: 2 * END });
  });

  it('is not begun by another tag, and was refused where the tag was not accepted', () => {
    const { start, flush, verdict } = beginStory();
    start(10, 0, { id: 1, tag: 'SOMEBODY' });
    start(20, 0, { id: 2, status: 'Expired' });
    start(30, 0, { id: 3 });
    flush(40);
    expect([10, 20, 30].map((sec) => verdict(sec))).toEqual([
      'CannotKnow NoRecord',
      'Refused Rejected',
      'Running None',
    ]);
  });

  it('counts a start and a stop that are told twice once', () => {
    const { close, open, start, stop, flush, told } = beginStory();
    start(10, 1_000);
    close(11);
    open(12);
    start(13, 1_000, { atSec: 10 });
    stop(END, 3_000);
    stop(END + 5, 3_000, { atSec: END });
    flush(END + 10);
    expect(told(END + 9)).toMatchObject({ verdict: 'Done', energyWh: 2_000, started: 10, ended: END });
  });

  it.each([
    ['another register', 3_001, END, 'Remote'],
    ['another time', 3_000, END + 1, 'Remote'],
    ['another reason', 3_000, END, 'Local'],
  ])('is unusable from when a second stop tells %s', (_what, registerWh, atSec, reason) => {
    const { start, stop, flush, told, verdict } = beginStory();
    start(10, 1_000);
    stop(END, 3_000);
    stop(END + 5, registerWh, { atSec, reason });
    flush(END + 10);
    expect(verdict(END + 4)).toBe('Done None');
    expect(told(END + 5)).toMatchObject({ verdict: 'Unusable', reason: 'Contradiction', energyWh: 2_000 });
  });

  it.each<[string, (story: ReturnType<typeof beginStory>) => void]>([
    ['the register at the end is below that at the start', ({ stop }) => stop(END, 999)],
    ['the register at the end is negative', ({ stop }) => stop(END, -1)],
    ['a reading is below the start', ({ meter, stop }) => [meter(60, 900), stop(END, 3_000)]],
    ['readings fall', ({ meter, stop }) => [meter(60, 2_000), meter(90, 1_900), stop(END, 3_000)]],
    ['a reading is above the end', ({ meter, stop }) => [meter(60, 3_500), stop(END, 3_000)]],
    // 4 MW for 300 s, and the second by which times are rounded, are 334,444 Wh
    ['no charger can give so much', ({ stop }) => stop(10 + END, 335_445)],
  ])('is unusable where %s', (_what, tell) => {
    const story = beginStory();
    story.start(10, 1_000);
    tell(story);
    story.flush(END + 20);
    expect(story.verdict(END + 15)).toBe('Unusable MeterUnusable');
  });

  it('bears readings out of order, of other transactions and rounded otherwise, and the most a charger can give', () => {
    const { start, stop, meter, flush, told } = beginStory();
    start(10, 1_000);
    meter(90, 2_000);
    meter(91, 1_500, { atSec: 60 });
    meter(92, 1_995);
    meter(93, 9, { id: 6 });
    meter(94, 2_500, { id: undefined });
    meter(95, 7, { id: undefined, connectorId: 2 });
    stop(10 + END, 335_444);
    flush(END + 20);
    expect(told(94)).toMatchObject({ verdict: 'Running', energyWh: 1_500 });
    expect(told(END + 15)).toMatchObject({ verdict: 'Done', energyWh: 334_444 });
  });

  it('reads meter values in kWh that are called Wh, between registers in Wh, and takes no reset meter for one of them', () => {
    const { start, stop, meter, flush, told } = beginStory();
    start(10, 12_345_678);
    for (const [sec, kwh] of [
      [30, 12_346],
      [60, 12_350],
      [90, 12_355],
    ] as const) {
      meter(sec, kwh);
    }
    stop(END, 12_355_678);
    flush(END + 20);
    expect(told(94)).toMatchObject({ verdict: 'Running', energyWh: 9_322 });
    expect(told(END + 15)).toMatchObject({ verdict: 'Done', energyWh: 10_000 });
    const reset = beginStory();
    reset.start(10, 12_345_678);
    reset.meter(60, 10_000);
    reset.stop(END, 12_355_678);
    reset.flush(END + 20);
    expect(reset.verdict(END + 15)).toBe('Unusable MeterUnusable');
  });

  const limit = stopMessageId('limit', SESSION, 3);
  const idle = stopMessageId('idle', SESSION, 4);
  const late = stopMessageId('late', SESSION, 0);
  it.each<[string, string, ...[sec: number, messageId: string, status: string][]]>([
    ['EnergyLimit', 'Remote', [99, limit, 'Accepted']],
    ['Idle', 'Remote', [99, idle, 'Accepted']],
    ['Remote', 'Remote', [99, late, 'Accepted']],
    ['Remote', 'Remote', [98, stopMessageId('limit', OTHER, 0), 'Accepted'], [99, 'any', 'Accepted']],
    ['EVDisconnected', 'EVDisconnected', [99, limit, 'Accepted']],
    // The driver came back before the charger had ended it.
    ['Local', 'Local', [99, idle, 'Accepted']],
    // A call that the charger did not take has not brought it about: the driver has.
    ['Remote', 'Remote', [99, limit, 'Rejected']],
    ['Remote', 'Remote', [98, idle, 'Rejected'], [99, idle, 'Unknown']],
    ['EnergyLimit', 'Remote', [98, limit, 'Accepted'], [99, idle, 'Rejected']],
    ['EnergyLimit', 'Remote', [97, idle, 'Accepted'], [98, limit, 'Accepted'], [99, late, 'Accepted']],
    ['Idle', 'Remote', [98, limit, 'Accepted'], [99, idle, 'Accepted']],
    // What comes before the start or after the end has not brought it about, and an answer that was given must not change.
    ['Remote', 'Remote', [9, idle, 'Accepted'], [101, limit, 'Accepted'], [102, idle, 'Accepted']],
    // That is not for a charger to say.
    ['Other', 'Idle', [99, idle, 'Accepted']],
  ])('was stopped by %s where the charger says %s and answered the gateway %p', (told, reason, ...answers) => {
    const story = beginStory();
    const answer = (fromSec: number, toSec: number) => {
      for (const [sec, messageId, status] of answers) {
        if (sec >= fromSec && sec < toSec) story.answer(sec, messageId, { status });
      }
    };
    answer(0, 10);
    story.start(10, 0);
    answer(10, 100);
    story.stop(100, 50, { reason });
    answer(100, 110);
    story.flush(110);
    expect(story.told(105)).toMatchObject({ verdict: 'Done', stop: told });
  });

  it('is a contradiction where it ended before it began by a clock that is believed', () => {
    const { start, stop, flush, verdict } = beginStory();
    start(400, 1_000);
    stop(450, 1_500, { atSec: 399 });
    flush(460);
    expect(verdict(455)).toBe('Unusable Contradiction');
  });

  it('dates a start and a stop by when they came where the clock shows 1970', () => {
    const { call, flush, told } = beginStory();
    const timestamp = '1970-01-01T00:00:10Z';
    const idTag = SESSION.slice(2, 22).toUpperCase();
    const accepted = { transactionId: 7, idTagInfo: { status: 'Accepted' } };
    call(10, 'StartTransaction', { connectorId: 1, idTag, meterStart: 0, timestamp }, accepted);
    call(END, 'StopTransaction', { transactionId: 7, meterStop: 900, timestamp });
    flush(END + 1);
    expect(told(END)).toMatchObject({ verdict: 'Done', stop: 'Local', energyWh: 900, started: 10, ended: END });
  });

  it('takes an end that the charger kept while it was offline, at its own time', () => {
    const { close, open, start, stop, flush, told } = beginStory();
    start(10, 0);
    close(60);
    flush(61);
    expect(told(60)).toMatchObject({ verdict: 'Running', reason: 'Offline' });
    open(2 * END);
    stop(2 * END + 1, 5_000, { atSec: END, reason: 'PowerLoss' });
    flush(2 * END + 2);
    expect(told(2 * END + 1)).toMatchObject({ verdict: 'Done', stop: 'PowerLoss', energyWh: 5_000, ended: END });
  });

  it('counts as idle when the EV takes no energy or stays plugged in, not when the charger pauses', () => {
    const { start, stop, status, flush, told } = beginStory();
    status(90, 'Finishing');
    start(100, 0);
    status(110, 'Charging');
    status(200, 'SuspendedEV');
    status(300, 'Charging');
    status(400, 'SuspendedEVSE');
    status(500, 'Finishing');
    stop(600, 50);
    status(700, 'Finishing');
    flush(800);
    expect([250, 300, 450, 700].map((sec) => (told(sec) as { idleSec: number }).idleSec)).toEqual([50, 100, 100, 200]);
  });

  it('is unusable once its end is lost: the connector is free or charges for another, and ten minutes pass', () => {
    const free = beginStory();
    free.start(10, 0);
    free.meter(60, 700);
    free.status(100, 'Available');
    free.flush(701);
    expect([699, 700].map((sec) => free.verdict(sec))).toEqual(['Running None', 'Unusable MeterUnusable']);
    expect(free.told(700)).toMatchObject({ energyWh: 700, ended: 100, stop: 'Other' });

    const next = beginStory();
    next.start(10, 0);
    next.start(100, 900, { id: 8, tag: 'OTHER' });
    next.status(101, 'Charging');
    next.status(800, 'Charging');
    next.flush(801);
    expect([699, 700].map((sec) => next.verdict(sec))).toEqual(['Running None', 'Unusable MeterUnusable']);
    expect(next.told(700)).toMatchObject({ energyWh: 0, ended: 100 });
  });

  it('is given up when the charger has not been heard for a day', () => {
    const { close, jump, flush, start, meter, told, verdict } = beginStory();
    start(10, 0);
    meter(60, 700);
    close(61);
    flush(62);
    jump(61 + DAY_SEC + 3_600);
    expect(verdict(60 + DAY_SEC)).toBe('Running Offline');
    expect(told(61 + DAY_SEC)).toMatchObject({ verdict: 'Unusable', reason: 'Offline', energyWh: 700, ended: 61 });
  });

  it('names the session of a card by its first start, and tells the commitment of the card', () => {
    const { close, open, record, start, stop, flush, cardSession, verdict } = beginStory();
    start(10, 1_000, { tag: 'Card-Of-Ada' });
    close(11);
    open(12, ms(DAY + 1) + 1);
    start(13, 1_000, { tag: 'Card-Of-Ada', atSec: 10 });
    stop(END, 3_000);
    flush(END + 1);
    const known = record.session(CHARGER, cardSession(1), DAY + END);
    expect(known).toMatchObject({
      isKnown: true,
      answer: { verdict: 'Done', energyWh: 2_000n, idTag: idTagCommitment('CARD-OF-ADA', TEST_PEPPER) },
    });
    expect(verdict(END, cardSession(2))).toBe('CannotKnow NoRecord');
    expect(verdict(END)).toBe('CannotKnow NoRecord');
  });

  it('rests on evidence that changes with every event it rests on, and has no card where a contract opened it', () => {
    const evidence = (tell: (story: ReturnType<typeof tellStory>) => void) => {
      const gateway = makeTestGateway({ bootedAtMs: ms(DAY) });
      const record = makeTestRecord([gateway.listed()]);
      const story = tellStory(gateway, record.apply);
      tell(story);
      story.flush(100);
      const known = record.session(CHARGER, SESSION, DAY + 99);
      return known.isKnown ? [known.answer.evidence, known.answer.idTag] : [];
    };
    const plain = evidence(({ start, stop }) => [start(10, 0), stop(90, 500)]);
    expect(plain).toEqual(evidence(({ start, stop }) => [start(10, 0), stop(90, 500)]));
    expect(plain[1]).toBe(ZeroHash);
    const others = [
      evidence(({ start, stop }) => [start(10, 0), stop(90, 501)]),
      evidence(({ start, stop, meter }) => [start(10, 0), meter(50, 300), stop(90, 500)]),
      evidence(({ start, stop, status }) => [start(10, 0), status(50, 'Charging'), stop(90, 500)]),
      evidence(({ start, stop, answer }) => [start(10, 0), answer(50, idle, { status: 'Accepted' }), stop(90, 500)]),
    ];
    expect(new Set([plain, ...others].map(([hash]) => hash)).size).toBe(5);
  });

  it('is not known to an operator that may have missed its beginning', () => {
    const gateway = makeTestGateway({ bootedAtMs: ms(DAY) });
    const record = makeTestRecord([gateway.listed()]);
    let isListening = true;
    const take: typeof record.apply = (...batches) => isListening && record.apply(...batches);
    const { open, start, stop, flush } = tellStory(gateway, take);
    isListening = false;
    flush(5);
    isListening = true;
    flush(6);
    record.ingest.giveUpGaps(Number.MAX_SAFE_INTEGER, 0);
    gateway.restart(ms(DAY + 10));
    open(11);
    start(100, 0);
    stop(110, 100);
    start(400, 0, { id: 8, tag: sessionTag(OTHER) });
    stop(410, 100, { id: 8 });
    flush(420);
    const isKnown = (session: string) => record.session(CHARGER, session, DAY + 419).isKnown;
    expect([SESSION, OTHER, ZeroHash].map(isKnown)).toEqual([false, true, false]);
  });
});
