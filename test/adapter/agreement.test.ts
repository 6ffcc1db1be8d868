import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SILENCE_BOUND_MS } from '../../core/as-of.ts';
import type { Batch } from '../../core/batch.ts';
import { encodeChargerStatus } from '../../core/queries.ts';
import { makeTestGateway, makeTestKey, type TestGateway } from '../support/batches.ts';
import { makeTestRecord, type TestRecord } from './record.ts';

/**
 * Two operators and two gateways between which three chargers move. Anything may happen to the way of the batches as long
 * as each arrives: other order, twice, late. Whatever one operator answers, no other may answer otherwise.
 */

const KEYS = [makeTestKey('gateway one'), makeTestKey('gateway two')];
const CHARGERS = ['CH-1', 'CH-2', 'CH-3'];
const STATUSES = ['Available', 'Charging', 'Faulted', 'Unavailable', 'Finishing'];
const BEGIN_MS = 1_000_000;

/** One thing that happens, `afterMs` after the one before. */
interface Step {
  afterMs: number;
  gateway: number;
  charger: number;
  what: 'open' | 'close' | 'status' | 'heartbeat' | 'flush' | 'restart' | 'generation' | 'silence';
  connector: number;
  status: number;
}

const STEP: fc.Arbitrary<Step> = fc.record({
  afterMs: fc.integer({ min: 1, max: 1_500 }),
  gateway: fc.integer({ min: 0, max: 1 }),
  charger: fc.integer({ min: 0, max: CHARGERS.length - 1 }),
  what: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom('open' as const, 'flush' as const, 'status' as const) },
    { weight: 2, arbitrary: fc.constantFrom('close' as const, 'heartbeat' as const) },
    { weight: 1, arbitrary: fc.constantFrom('restart' as const, 'generation' as const, 'silence' as const) },
  ),
  connector: fc.integer({ min: 0, max: 2 }),
  status: fc.integer({ min: 0, max: STATUSES.length - 1 }),
});

/** A batch and when the gateway put it into the queues. */
interface Sent {
  batch: Batch;
  atMs: number;
}

interface Arriving {
  batch: Batch;
  arrivedAtMs: number;
}

/** Plays the steps: what the gateways sent, and when the last thing happened. */
function play(steps: readonly Step[]): { sent: Sent[]; endMs: number } {
  const gateways = KEYS.map((key) => makeTestGateway({ bootedAtMs: BEGIN_MS, key }));
  const sent: Sent[] = [];
  /** Which chargers each gateway has a socket of. */
  const sockets = gateways.map(() => new Set<string>());
  let nowMs = BEGIN_MS;
  let epoch = BEGIN_MS;
  const flush = (gateway: TestGateway) => sent.push({ batch: gateway.flush(nowMs), atMs: nowMs });
  for (const gateway of gateways) flush(gateway);
  for (const step of steps) {
    nowMs += step.afterMs;
    const gateway = gateways[step.gateway] as TestGateway;
    const charger = CHARGERS[step.charger] as string;
    const held = sockets[step.gateway] as Set<string>;
    const isHeld = held.has(charger);
    if (step.what === 'open') {
      gateway.open(charger, nowMs, ++epoch);
      held.add(charger);
    } else if (step.what === 'flush') flush(gateway);
    else if (step.what === 'silence') nowMs += SILENCE_BOUND_MS;
    else if (step.what === 'restart') {
      gateway.restart(nowMs);
      held.clear();
    } else if (step.what === 'generation') {
      flush(gateway);
      nowMs++;
      gateway.beginGeneration(nowMs);
      flush(gateway);
    } else if (isHeld && step.what === 'close') {
      gateway.close(charger, nowMs);
      held.delete(charger);
    } else if (isHeld && step.what === 'status') {
      gateway.status(charger, nowMs, step.connector, STATUSES[step.status] as string);
    } else if (isHeld) gateway.call(charger, nowMs, 'Heartbeat', {});
    nowMs++;
  }
  for (const gateway of gateways) flush(gateway);
  return { sent, endMs: nowMs };
}

const REGISTERED = KEYS.map((key) => ({ account: key.address, signingKey: key.address, active: true }));

/** Every answer an operator would give at `nowMs`, by question; none where it would say 'not yet'. */
function answers(
  record: TestRecord,
  fromMs: number,
  toMs: number,
  nowMs: number,
  isDrained = true,
): Map<string, string> {
  const given = new Map<string, string>();
  for (let sec = Math.floor(fromMs / 1000); sec * 1000 <= toMs; sec++) {
    const readiness = record.readiness(sec, nowMs);
    if (readiness !== 'ready' && !(isDrained && readiness === 'ready-if-drained')) continue;
    for (const charger of CHARGERS) {
      for (const connector of [0, 1]) {
        const known = record.answer(charger, connector, sec);
        if (known.isKnown) given.set(`${charger} ${connector} at ${sec}`, encodeChargerStatus(known.answer));
      }
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

const STEPS = fc.array(STEP, { minLength: 1, maxLength: 40 });

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
        const begin = sent.slice(0, KEYS.length).map(({ batch }) => batch);
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
      { numRuns: 40 },
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
          for (let nowMs = BEGIN_MS; nowMs < endMs + 15_000; nowMs += 700) {
            while ((arriving[0]?.arrivedAtMs ?? Infinity) <= nowMs) record.apply((arriving.shift() as Arriving).batch);
            both += expectAgreement(answers(record, nowMs - 15_000, nowMs, nowMs), all);
          }
        });
      }),
      { numRuns: 12 },
    );
    expect(both).toBeGreaterThan(500);
  });
});
