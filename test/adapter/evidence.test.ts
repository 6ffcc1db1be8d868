import { describe, expect, it } from '@jest/globals';
import { AbiCoder, id } from 'ethers';
import fc from 'fast-check';
import { makeBatchExport } from '../../adapter/batch-export.ts';
import { encodeAnswer, makeAnswer } from '../../adapter/bridge.ts';
import { makeCommandReader } from '../../adapter/command-reader.ts';
import type { Endpoint } from '../../adapter/endpoints.ts';
import { makeEvidence } from '../../adapter/evidence.ts';
import { makeMeterReader } from '../../adapter/meter-reader.ts';
import { asOfMs } from '../../core/as-of.ts';
import type { ChargerEvent } from '../../core/charger-event.ts';
import { deriveFacts } from '../../core/derive-facts.ts';
import { verifyEvidence } from '../../core/evidence.ts';
import { deviceIdOf } from '../../core/identity.ts';
import { encodeMeterReading } from '../../core/queries.ts';
import { encodeReply, encodeSessionAnswer, encodeStartParams } from '../../core/session-answers.ts';
import type { ShownEvent } from '../../core/session-opening.ts';
import { type SessionEvent, type SessionRecordAt, type StopEvent, sessionResultAt } from '../../core/session-result.ts';
import { type SessionStopCause, stopCauseOf, stopMessageId } from '../../core/session-stop.ts';
import { makeTestGateway, makeTestKey } from '../support/batches.ts';
import { makeTestRecord } from './record.ts';
import { CHARGER, DAY, ms, SESSION, tellStory } from './session-story.ts';

const { signal } = new AbortController();
const REQUEST = id('a request');
const SET = AbiCoder.defaultAbiCoder().encode(['string', 'string'], ['HeartbeatInterval', '60']);

/** An hour of meter values at connector 1, in batches of which one holds more events than an answer has room for. */
function begin() {
  const gateway = makeTestGateway({ bootedAtMs: ms(DAY) });
  const record = makeTestRecord([gateway.listed()]);
  const story = tellStory(gateway, record.apply);
  story.reply(50, REQUEST, { status: 'Rejected' });
  story.start(60, 1_000);
  for (let sec = 90; sec < 3_600; sec += 60) story.meter(sec, 1_000 + sec);
  story.flush(3_590);
  gateway.open('CROWD', ms(DAY + 3_591));
  for (let n = 0; n < 600; n++) gateway.call('CROWD', ms(DAY + 3_592), 'Heartbeat', {});
  story.answer(3_596, stopMessageId('limit', SESSION, 0), { status: 'Accepted' });
  story.answer(3_597, stopMessageId('idle', SESSION, 1), { status: 'Rejected' });
  story.stop(3_600, 4_600);
  story.flush(3_602);
  const batches = makeBatchExport(record.db, record.ingest.batchText);
  const { db, reader, uptimeReader: uptime, sessionReader: session } = record;
  const means = {
    ...{ db, reader, uptime, session, meter: makeMeterReader(db, reader) },
    ...{ command: makeCommandReader(db, reader, session), waitMs: 60_000 },
    knowing: { untilKnown: async () => {} },
    meterKeyOf: async () => undefined,
    batches: () => batches,
  };
  const asOf = DAY + 3_601;
  const of = (more: object) => ({ deviceId: deviceIdOf(CHARGER), asOf, ...more });
  return { gateway, record, evidence: makeEvidence(means).get('evidence') as Endpoint, asOf, of, means };
}

/** All parts of a document, put together. */
async function gather(evidence: Endpoint, question: Record<string, unknown>) {
  const parts: Buffer[] = [];
  let result: unknown;
  let answer: unknown;
  for (let offset: number | null = 0; offset !== null; ) {
    const told = await evidence({ ...question, offset }, signal);
    // Throws if it is more than a node takes.
    encodeAnswer(makeAnswer('1', told, 0, 0));
    expect(Object.keys(told.logged ?? {})).not.toContain('part');
    parts.push(Buffer.from(String(told.fields.part), 'base64'));
    ({ result } = told);
    ({ answer } = told.fields);
    offset = told.fields.next as number | null;
  }
  return { text: Buffer.concat(parts).toString(), parts: parts.length, result, answer };
}

const namesOf = (events: readonly ChargerEvent[]) =>
  events.map(({ kind, frame }) => (kind === 'call' ? String(JSON.parse(frame)[2]) : kind));

/** What somebody reads out of a session's evidence who has nothing else. */
function recordOf(events: readonly ChargerEvent[], gateway: string): SessionRecordAt {
  const at = { gateway, chapter: 0, hash: `0x${'00'.repeat(32)}` };
  const all = events.map((event): SessionEvent & { text: string } => {
    const { epoch, seq, receivedAtMs, reply } = event;
    const [fact] = deriveFacts(event, 'ocpp1.6');
    if (fact === undefined) throw new Error('no fact');
    return { ...at, epoch, seq, receivedAtMs, atMs: receivedAtMs, fact, text: reply };
  });
  const isKind = <Event extends SessionEvent>(kinds: string[]) =>
    all.filter(({ fact }) => kinds.includes(fact.kind)) as unknown as Event[];
  return {
    startedBy: 'contract',
    shown: () => isKind<ShownEvent>(['transaction-started']),
    messagesOf: () => isKind<ShownEvent>(['transaction-started', 'transaction-stopped']),
    stopsOf: () => isKind<StopEvent>(['transaction-stopped']),
    told: () => ({ isKnown: true, answer: isKind(['meter', 'status']) }),
    gatewayStops: () =>
      all.flatMap(({ text, ...event }) => {
        const cause = event.fact.kind === 'answered' ? stopCauseOf(JSON.parse(text)[1], SESSION) : undefined;
        return cause === undefined ? [] : [{ ...event, cause: cause as SessionStopCause }];
      }),
    commitmentOf: () => undefined,
    presence: () => ({ isKnown: true, answer: { lastKnownMs: undefined } }),
    gateway: () => ({ chapter: 0, upSinceMs: undefined }),
    missedUntilMs: 0,
  };
}

describe('evidence', () => {
  const { gateway, record, evidence, asOf, of, means } = begin();
  it('is all that a session on chain rests on, in parts that a node takes, however large a batch is', async () => {
    const { text, parts, result, answer } = await gather(evidence, of({ sessionId: SESSION }));
    expect(parts).toBeGreaterThan(2);
    const shown = verifyEvidence(text, () => gateway.key.address);
    const told = record.session(CHARGER, SESSION, asOf);
    expect(told).toMatchObject({ isKnown: true, answer: { evidence: result, verdict: 'Done' } });
    expect(shown).toMatchObject({ isProven: true, hash: result });
    expect(String(answer)).toContain(String(result).slice(2));
    expect(verifyEvidence(text, () => makeTestKey('another').address)).toEqual({
      isProven: false,
      reason: 'batch 0: key',
    });
  });

  it('tells whoever has nothing else all that the chain was told of a session, and that the gateway had it ended', async () => {
    const { text, result, answer } = await gather(evidence, of({ sessionId: SESSION }));
    const shown = verifyEvidence(text, () => gateway.key.address);
    if (!shown.isProven) throw new Error(shown.reason);
    expect(shown.events.filter(({ kind }) => kind === 'answer').map(({ frame }) => JSON.parse(frame)[2])).toEqual([
      { status: 'Accepted' },
    ]);
    const told = sessionResultAt(recordOf(shown.events, gateway.account), asOfMs(asOf));
    if (!told.isKnown) throw new Error(told.reason);
    expect(told.answer).toMatchObject({ verdict: 'Done', stop: 'EnergyLimit' });
    expect(answer).toBe(encodeSessionAnswer({ ...told.answer, evidence: String(result) }));
  });

  it('is of a status, a reading and a period what the answer was read from', async () => {
    const shownOf = async (question: object) => {
      const { text, answer } = await gather(evidence, of(question));
      const shown = verifyEvidence(text, () => gateway.key.address);
      if (!shown.isProven) throw new Error(shown.reason);
      return { names: namesOf(shown.events), answer };
    };
    const meter = await shownOf({ query: 'meter-reading', connector: 1 });
    const reading = record.meter(CHARGER, 1, asOf);
    expect(meter.answer).toBe(reading.isKnown && encodeMeterReading(reading.answer));
    expect(meter.names).toEqual(expect.arrayContaining(['StartTransaction', 'StopTransaction']));
    const status = await shownOf({ query: 'charger-status', connector: 1 });
    expect([status.names[0], status.names.at(-1)]).toEqual(['open', 'StopTransaction']);
    const period = await shownOf({ query: 'uptime', from: DAY + 1, to: asOf });
    expect(period.names).toContain('open');
    const nothing = await shownOf({ query: 'charger-status', connector: 1, deviceId: deviceIdOf('NOBODY') });
    expect(nothing.names).toEqual([]);
  });

  it('is of a request what the charger answered to it, as of when it did', async () => {
    const question = { query: 'set-configuration', requestId: REQUEST, params: SET, asOf: DAY + 40 };
    const { text, answer } = await gather(evidence, of(question));
    const shown = verifyEvidence(text, () => gateway.key.address);
    if (!shown.isProven) throw new Error(shown.reason);
    expect(answer).toBe(encodeReply({ verdict: 'Refused', reason: 'Rejected' }));
    expect(shown.events.map(({ kind, frame }) => [kind, frame.includes('Rejected')])).toEqual([['answer', true]]);
    expect(await evidence(of(question), signal)).toMatchObject({ aboutMs: ms(DAY + 50) });
  });

  it('is of a start the message with which the session began', async () => {
    const params = encodeStartParams(1, 10_000n);
    const question = { query: 'start-charge', requestId: SESSION, params, asOf: DAY + 55 };
    const { text } = await gather(evidence, of(question));
    const shown = verifyEvidence(text, () => gateway.key.address);
    expect(shown.isProven && namesOf(shown.events)).toEqual(['StartTransaction']);
  });

  it('shows nothing with one byte of it altered', async () => {
    const { text } = await gather(evidence, of({ query: 'meter-reading', connector: 1 }));
    const bytes = Buffer.from(text);
    const isProven = (of: Buffer) => verifyEvidence(of.toString(), () => gateway.key.address).isProven;
    expect(isProven(bytes)).toBe(true);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 33, max: 126 }), (place, byte) => {
        fc.pre(bytes[place] !== byte);
        const altered = Buffer.from(bytes);
        altered[place] = byte;
        expect(isProven(altered)).toBe(false);
      }),
      { numRuns: 80 },
    );
  });

  it('is none where nothing is on record, is not given in part, and names what is asked wrongly', async () => {
    const nothing = await gather(evidence, of({ sessionId: `0x${'11'.repeat(32)}` }));
    expect(JSON.parse(nothing.text)).toEqual({ batches: [], events: [] });
    const without = makeEvidence({ ...means, batches: () => undefined }).get('evidence') as Endpoint;
    await expect(without(of({ sessionId: SESSION }), signal)).rejects.toThrow('has not all of the evidence');
    await expect(evidence(of({ query: 'weather' }), signal)).rejects.toThrow('query must be one of session-result');
    await expect(evidence(of({ query: 'charger-status' }), signal)).rejects.toThrow('connector');
  });
});
