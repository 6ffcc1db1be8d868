import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Batch } from '../../core/batch.ts';
import { encodeChargerStatus, encodeMeterReading, encodeUptime } from '../../core/queries.ts';
import { encodeSessionAnswer } from '../../core/session-answers.ts';
import { BEGIN_MS, CHARGERS, PLAYED_SESSION, play, REGISTERED, STEPS, STEPS_WITH_CUTS } from './play.ts';
import type { Sent } from './post.ts';
import { makeTestRecord, type TestRecord } from './record.ts';

interface Arriving {
  batch: Batch;
  arrivedAtMs: number;
}

/** Every answer an operator would give at `nowMs`, by question; none where it would say 'not yet'. */
function answers(
  record: TestRecord,
  fromMs: number,
  toMs: number,
  nowMs: number,
  isDrained = true,
  answered = new Set<number>(),
): Map<string, string> {
  const given = new Map<string, string>();
  for (let sec = Math.floor(fromMs / 1000); sec * 1000 <= toMs; sec++) {
    if (answered.has(sec)) continue;
    const readiness = record.readiness(sec, nowMs);
    if (readiness !== 'ready' && !(isDrained && readiness === 'ready-if-drained')) continue;
    answered.add(sec);
    for (const charger of CHARGERS) {
      for (const connector of [0, 1]) {
        const known = record.answer(charger, connector, sec);
        if (known.isKnown) given.set(`${charger} ${connector} at ${sec}`, encodeChargerStatus(known.answer));
        const meter = record.meter(charger, connector, sec);
        if (meter.isKnown) given.set(`meter ${charger} ${connector} at ${sec}`, encodeMeterReading(meter.answer));
      }
      const session = record.session(charger, PLAYED_SESSION, sec);
      if (session.isKnown) given.set(`session at ${charger} at ${sec}`, encodeSessionAnswer(session.answer));
      const beginSec = BEGIN_MS / 1000;
      // Each covers a dozen seconds, so not each second needs its own.
      if (sec < beginSec || sec % 4 !== 0) continue;
      const uptime = record.uptime(charger, Math.max(beginSec, sec - 12), sec);
      if (uptime.isKnown) given.set(`uptime of ${charger} to ${sec}`, encodeUptime(uptime.answer));
    }
  }
  return given;
}

function withRecord<Result>(work: (record: TestRecord) => Result): Result {
  const record = makeTestRecord(REGISTERED);
  try {
    return work(record);
  } finally {
    record.db.close();
  }
}

/** @returns how many questions both answered */
function expectAgreement(one: ReadonlyMap<string, string>, two: ReadonlyMap<string, string>): number {
  let both = 0;
  for (const [question, answer] of one) {
    const other = two.get(question);
    if (other === undefined) continue;
    both++;
    if (answer !== other) throw new Error(`${question}: ${answer} and ${other}`);
  }
  return both;
}

const FROM_MS = BEGIN_MS - 1_000;

describe('agreement of operators', () => {
  it('gives the same bytes whatever the order in which batches come, and however often', () => {
    let both = 0;
    fc.assert(
      fc.property(STEPS, fc.infiniteStream(fc.nat(1_000_003)), fc.nat(100), (steps, draws, share) => {
        const { sent, endMs } = play(steps);
        const toMs = endMs + 3_000;
        const all = withRecord((record) => {
          record.apply(...sent.map(({ batch }) => batch));
          return answers(record, FROM_MS, toMs, endMs + 60_000);
        });
        // Both operators were there from the start: what each gateway told first came first.
        const begin = sent.slice(0, REGISTERED.length).map(({ batch }) => batch);
        const shuffled = [...sent, ...sent]
          .map(({ batch }) => ({ batch, place: draws.next().value as number }))
          .sort((a, b) => a.place - b.place)
          .map(({ batch }) => batch);
        const soFar = Math.ceil((shuffled.length * share) / 100);
        withRecord((record) => {
          // With batches still under way the queue is not drained: no silence is taken for an absence.
          record.apply(...begin, ...shuffled.slice(0, soFar));
          both += expectAgreement(answers(record, FROM_MS, toMs, endMs + 60_000, false), all);
          record.apply(...shuffled.slice(soFar));
          both += expectAgreement(answers(record, FROM_MS, toMs, endMs + 60_000), all);
        });
      }),
      { numRuns: 30 },
    );
    expect(both).toBeGreaterThan(500);
  });

  it('gives the same bytes when asked at once, taking silence for absence, as when asked with all on record', () => {
    let both = 0;
    fc.assert(
      fc.property(STEPS, fc.array(fc.integer({ min: 0, max: 1_900 }), { minLength: 1 }), (steps, delays) => {
        const { sent, endMs } = play(steps);
        const all = withRecord((record) => {
          record.apply(...sent.map(({ batch }) => batch));
          return answers(record, FROM_MS, endMs, endMs + 60_000);
        });
        let arrivedAtMs = 0;
        const arriving = sent.map(({ batch, atMs }, n) => {
          arrivedAtMs = Math.max(arrivedAtMs, atMs + (delays[n % delays.length] ?? 0));
          return { batch, arrivedAtMs };
        });
        withRecord((record) => {
          // What is said the first time goes on chain, so each second is asked about as early as it can be answered.
          const answered = new Set<number>();
          for (let nowMs = BEGIN_MS; nowMs < endMs + 15_000; nowMs += 700) {
            while ((arriving[0]?.arrivedAtMs ?? Infinity) <= nowMs) record.apply((arriving.shift() as Arriving).batch);
            both += expectAgreement(answers(record, nowMs - 15_000, nowMs, nowMs, true, answered), all);
          }
        });
      }),
      { numRuns: 12 },
    );
    expect(both).toBeGreaterThan(500);
  });

  it('gives the same bytes when asked at once, however long a gateway cannot reach Redis', () => {
    let both = 0;
    fc.assert(
      fc.property(STEPS_WITH_CUTS, fc.integer({ min: -900, max: 900 }), (steps, clockAheadMs) => {
        const { sent, endMs } = play(steps);
        const all = withRecord((record) => {
          record.apply(...sent.map(({ batch }) => batch));
          expect(record.reasons()).toEqual([]);
          return answers(record, FROM_MS, endMs, endMs + 60_000);
        });
        withRecord((record) => {
          const answered = new Set<number>();
          const arriving = [...sent];
          // The operator's own clock; its queue is drained before a silence is taken for an absence.
          for (let nowMs = BEGIN_MS; nowMs < endMs + 15_000; nowMs += 600) {
            while ((arriving[0]?.atMs ?? Infinity) + clockAheadMs <= nowMs)
              record.apply((arriving.shift() as Sent).batch);
            both += expectAgreement(answers(record, nowMs - 15_000, nowMs, nowMs, true, answered), all);
          }
        });
      }),
      { numRuns: 10 },
    );
    expect(both).toBeGreaterThan(500);
  });
});
