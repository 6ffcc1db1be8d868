import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { makeThinning } from '../../adapter/thinning.ts';
import { makeTestGateway } from '../support/batches.ts';
import { BEGIN_MS, CHARGERS, play, REGISTERED, STEPS, type Step } from './play.ts';
import { makeTestRecord, type TestRecord } from './record.ts';

const HOUR_MS = 3_600_000;

/** Everything the record says of a time, also whether it can. */
function toldBy(record: TestRecord, toMs: number): string[] {
  const beginSec = BEGIN_MS / 1000;
  const told: string[] = [];
  for (let sec = beginSec; sec * 1000 <= toMs; sec += 2) {
    told.push(record.readiness(sec, toMs + 60_000));
    for (const charger of CHARGERS) {
      told.push(record.told(charger, 1, sec), JSON.stringify(record.meter(charger, 1, sec)));
      if (sec % 8 === 0) told.push(JSON.stringify(record.uptime(charger, beginSec, sec)));
    }
  }
  return told;
}

/** Each step with watermarks of both gateways after it, most of them idle. */
function withWatermarks(steps: readonly Step[]): Step[] {
  const flush = (gateway: number): Step => ({ ...(steps[0] as Step), afterMs: 400, gateway, what: 'flush' });
  return steps.flatMap((step) => [step, flush(0), flush(1), flush(0), flush(1)]);
}

describe('the thinning of a record', () => {
  it('changes no answer, whatever happened', () => {
    let deleted = 0;
    fc.assert(
      fc.property(STEPS, (steps) => {
        const { sent, endMs } = play(withWatermarks(steps));
        const record = makeTestRecord(REGISTERED);
        try {
          record.apply(...sent.map(({ batch }) => batch));
          const before = toldBy(record, endMs);
          const batches = record.count('batches');
          makeThinning(record.db).step(endMs + 1);
          deleted += batches - record.count('batches');
          expect(toldBy(record, endMs)).toEqual(before);
        } finally {
          record.db.close();
        }
      }),
      { numRuns: 12 },
    );
    expect(deleted).toBeGreaterThan(100);
  });

  it('goes on from slice to slice, leaves what is not old enough, and lets the record go on', () => {
    const gateway = makeTestGateway({ bootedAtMs: BEGIN_MS });
    const record = makeTestRecord([gateway.listed()]);
    for (let n = 0; n <= 30; n++) record.apply(gateway.flush(BEGIN_MS + n * 9_000));
    const thinning = makeThinning(record.db);
    expect(thinning.step(BEGIN_MS + 10 * 9_000)).toBe(false);
    // The first stays, 1 to 9 go, 10 to 30 are not old enough.
    expect(record.count('batches')).toBe(22);
    record.apply(gateway.flush(BEGIN_MS + 31 * 9_000));
    expect(record.ingest.book.row(gateway.account)).toMatchObject({ state: 'following', number: 31 });
    expect([thinning.step(BEGIN_MS + 2 * HOUR_MS), thinning.step(BEGIN_MS + 2 * HOUR_MS)]).toEqual([true, false]);
    // 0, 10, which lost the one before it, and the last.
    expect(record.count('batches')).toBe(3);
    expect(thinning.step(BEGIN_MS + 2 * HOUR_MS)).toBe(false);
    record.db.close();
  });
});
