import { describe, expect, it } from '@jest/globals';
import { MOST_JUDGEMENTS, type UptimeRecord, type UptimeRecordAt, uptimeBetween } from '../../core/uptime.ts';

/**
 * Seen: a charger that reported twenty connectors every second made one question about its uptime hold up the adapter for
 * five milliseconds per second asked about, minutes for a day, and that of every operator at once.
 */
function reporting(connectors: number): { record: UptimeRecord; judged: () => number } {
  let judged = 0;
  const moment: UptimeRecordAt = {
    connectors: () => Array.from({ length: connectors }, (_, n) => n + 1),
    connections: () => {
      judged += 1;
      return [];
    },
    statuses: () => [],
    parts: () => [],
    boots: () => [],
    faults: () => [],
    transactions: () => [],
    states: () => [],
    gateway: () => ({ chapter: 1, upSinceMs: 0 }),
    lastWatermarkMs: () => 0,
    nextWatermarkMs: () => undefined,
    missedUntilMs: 0,
  };
  const record: UptimeRecord = {
    at: () => moment,
    changes: function* (fromMs, toMs) {
      for (let atMs = fromMs; atMs < toMs; atMs += 1_000) yield atMs;
    },
  };
  return { record, judged: () => judged };
}

describe('the uptime of a charger that reports all the time', () => {
  it('is told up to a bound of work', () => {
    expect(uptimeBetween(reporting(20).record, 0, MOST_JUDGEMENTS / 20)).toEqual({
      isKnown: true,
      answer: { usableSec: 0, excludedSec: 0 },
    });
  });

  it.each([
    [20, MOST_JUDGEMENTS / 20 + 1],
    [1, 86_400],
    [MOST_JUDGEMENTS + 1, 2],
  ])('is refused beyond it before any work is done: %d connectors, %d s', (connectors, toSec) => {
    const { record, judged } = reporting(connectors);
    expect(uptimeBetween(record, 0, toSec)).toEqual({
      isKnown: false,
      reason: 'too much happened in the period for one question; ask about parts of it',
    });
    expect(judged()).toBe(0);
  });
});
