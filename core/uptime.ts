import { EPOCH_SKEW_MS } from './as-of.ts';
import { chargerStatusAt, type Known, type RecordAt } from './charger-status.ts';
import { STATUS, type Status } from './status.ts';

/** The answer to `uptime`. */
export interface Uptime {
  /** Seconds in which the charger was usable. */
  usableSec: number;
  /** Seconds in which it was not, through no fault of its own. */
  excludedSec: number;
}

/** How long a charger may take to connect again after its gateway was away, ms: so long it is not held against it. */
export const RECONNECT_GRACE_MS = 300_000;

/**
 * Most moments times connectors that one question may cost: the answer is worked out in one go, and nothing else is done
 * meanwhile. A charger decides by itself how often it reports, and of how many connectors.
 */
export const MOST_JUDGEMENTS = 10_000;

/** What the rule reads of one moment. */
export interface UptimeRecordAt extends RecordAt {
  /** Connectors of which a status is on record by then, without 0. */
  connectors: () => Iterable<number>;
  /** The first watermark a gateway told after a time and up to the moment itself, Unix ms; undefined if there is none. */
  nextWatermarkMs: (gateway: string, afterMs: number) => number | undefined;
}

/** The record of one charger over a period. */
export interface UptimeRecord {
  at: (atMs: number) => UptimeRecordAt;
  /** At least every moment within the period from which on something may be different, Unix ms; in any order, also twice. */
  changes: (fromMs: number, toMs: number) => Iterable<number>;
}

type Moment = 'usable' | 'excluded' | 'out';

/**
 * Of how many seconds of a period a charger was usable.
 *
 * Each second is judged by its last millisecond, the moment that a `charger-status` question about that second is answered
 * for. So the figures of two periods that meet add up to those of both together, and never exceed the period.
 *
 * - usable: `charger-status` would say of at least one connector that it is online and neither Unknown, Unavailable nor
 *   Faulted. A connector in use is usable; a charger that is only connected is not.
 * - excluded: it would not, but the charger's last connection was not closed; the gateway's process that held it was away
 *   or is gone; the charger was usable when that process last spoke; and the gateway has not been back for
 *   `RECONNECT_GRACE_MS`. A status that the charger itself reports is never excluded, maintenance or not: its owner
 *   could report it for ever.
 *
 * @param fromSec - Unix seconds, the first that counts
 * @param toSec - Unix seconds, the first that does not count any more; `fromSec <= toSec`
 */
export function uptimeBetween(record: UptimeRecord, fromSec: number, toSec: number): Known<Uptime> {
  const starts = new Set([fromSec]);
  const connectors = countUpTo(record.at(toSec * 1000).connectors(), MOST_JUDGEMENTS);
  // A change at the last millisecond of a second still decides that second: rounding down hits the second it is in.
  for (const atMs of record.changes(fromSec * 1000, toSec * 1000)) {
    const sec = Math.floor(atMs / 1000);
    if (sec > fromSec && sec < toSec) starts.add(sec);
    if (starts.size * connectors > MOST_JUDGEMENTS) {
      return { isKnown: false, reason: 'too much happened in the period for one question; ask about parts of it' };
    }
  }
  const ordered = [...starts].sort((a, b) => a - b);
  const answer: Uptime = { usableSec: 0, excludedSec: 0 };
  for (const [n, sec] of ordered.entries()) {
    const lengthSec = (ordered[n + 1] ?? toSec) - sec;
    if (lengthSec === 0) continue;
    const known = momentAt(record, sec * 1000 + 999);
    if (!known.isKnown) return known;
    if (known.answer === 'usable') answer.usableSec += lengthSec;
    if (known.answer === 'excluded') answer.excludedSec += lengthSec;
  }
  return { isKnown: true, answer };
}

function momentAt(record: UptimeRecord, atMs: number): Known<Moment> {
  const view = record.at(atMs);
  const usable = isUsable(view, atMs);
  if (!usable.isKnown) return usable;
  if (usable.answer) return { isKnown: true, answer: 'usable' };
  const awaySinceMs = awaySince(view, atMs);
  if (awaySinceMs === undefined) return { isKnown: true, answer: 'out' };
  const before = isUsable(record.at(awaySinceMs), awaySinceMs);
  if (!before.isKnown) return before;
  return { isKnown: true, answer: before.answer ? 'excluded' : 'out' };
}

function isUsable(record: UptimeRecordAt, atMs: number): Known<boolean> {
  let isKnown = true;
  let reason = '';
  for (const connector of record.connectors()) {
    const known = chargerStatusAt(record, connector, atMs, 'usable');
    if (!known.isKnown) {
      isKnown = false;
      reason = known.reason;
    } else if (known.answer.online && isOperative(known.answer.status)) return { isKnown: true, answer: true };
  }
  if (isKnown && record.missedUntilMs > 0) {
    // A connector this operator never heard of may have been usable.
    const station = chargerStatusAt(record, 0, atMs, 'usable');
    if (!station.isKnown || station.answer.online) {
      return { isKnown: false, reason: 'a connector may have reported before this record is whole' };
    }
  }
  return isKnown ? { isKnown: true, answer: false } : { isKnown: false, reason };
}

/** When the process that held the charger's last connection was heard last, if it was away or gone at the time; Unix ms. */
function awaySince(record: UptimeRecordAt, atMs: number): number | undefined {
  for (const { gateway, bootedAtMs, closedAtMs } of record.connections(atMs + EPOCH_SKEW_MS)) {
    if (closedAtMs !== undefined) return undefined;
    // Also where the process has begun a new chapter: its record broke off, but it was not away.
    if (record.gateway(gateway).upSinceMs === bootedAtMs) return undefined;
    const sinceMs = record.lastWatermarkMs(gateway, bootedAtMs);
    const backAtMs = record.nextWatermarkMs(gateway, sinceMs);
    return backAtMs === undefined || atMs < backAtMs + RECONNECT_GRACE_MS ? sinceMs : undefined;
  }
  return undefined;
}

function countUpTo(items: Iterable<unknown>, most: number): number {
  let count = 0;
  for (const _ of items) if (++count >= most) break;
  return count;
}

function isOperative(status: Status): boolean {
  return status !== STATUS.Unknown && status !== STATUS.Unavailable && status !== STATUS.Faulted;
}
