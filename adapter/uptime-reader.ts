import { STALE_AFTER_MS } from '../core/as-of.ts';
import type { Known } from '../core/charger-status.ts';
import { RECONNECT_GRACE_MS, type UptimeRecord } from '../core/uptime.ts';
import type { Database } from './database.ts';
import type { RecordReader } from './record-reader.ts';

interface ConnectionRow {
  id: number;
  gateway: number;
  booted_at_ms: number;
  opened_at_ms: number;
  closed_at_ms: number | null;
  first_seq: number;
  last_seq: number;
}

/** Reads a charger's record over a period: where something changes in it, and each moment by the reader of moments. */
export function makeUptimeReader(db: Database, reader: Pick<RecordReader, 'at' | 'beginsAtMs'>) {
  const selectCharger = db.prepare<{ id: number }>('SELECT id FROM chargers WHERE device_id = ?');
  const selectGateway = db.prepare<{ id: number }>('SELECT id FROM gateways WHERE account = ?');
  const selectMissed = db.prepare<{ gateway: number; begins_at_ms: number }>(
    'SELECT gateway, begins_at_ms FROM chapters WHERE is_missed = 1 AND begins_at_ms > ?',
  );
  const selectConnector = db.prepare<{ connector: number | null }>(
    'SELECT min(connector) AS connector FROM statuses WHERE charger = ? AND connector > ?',
  );
  const selectStatuses = db.prepare<{ at_ms: number }>(
    'SELECT DISTINCT at_ms FROM statuses WHERE charger = ? AND at_ms > ? AND at_ms < ?',
  );
  const selectConnections = db.prepare<ConnectionRow>(
    `SELECT id, gateway, booted_at_ms, opened_at_ms, closed_at_ms, first_seq, last_seq FROM connections
     WHERE charger = ? AND opened_at_ms < ? AND last_seq >= first_seq`,
  );
  const selectLate = db.prepare<{ watermark_ms: number }>(
    `SELECT watermark_ms FROM batches WHERE gateway = ? AND watermark_ms > ? AND is_late = 1 AND is_void = 0
     ORDER BY watermark_ms`,
  );
  const selectBefore = db.prepare<{ watermark_ms: number }>(
    `SELECT watermark_ms FROM batches WHERE gateway = ? AND watermark_ms < ? AND is_void = 0
     ORDER BY watermark_ms DESC LIMIT 1`,
  );
  const selectNext = db.prepare<{ watermark_ms: number }>(
    `SELECT watermark_ms FROM batches WHERE gateway = ? AND watermark_ms > ? AND watermark_ms <= ? AND is_void = 0
     ORDER BY watermark_ms LIMIT 1`,
  );
  const selectBoot = db.prepare<{ at_ms: number | null }>(
    'SELECT max(watermark_ms) AS at_ms FROM batches WHERE gateway = ? AND booted_at_ms = ? AND is_void = 0',
  );
  const selectEventAt = db.prepare<{ at_ms: number }>('SELECT at_ms FROM events WHERE connection = ? AND seq = ?');

  function* connectors(charger: number): Iterable<number> {
    for (let connector = 0; ; ) {
      const next = selectConnector.get(charger, connector)?.connector ?? undefined;
      if (next === undefined) return;
      connector = next;
      yield connector;
    }
  }

  /** Moments at which a connection falls silent for too long, and is heard again. */
  function* quiet({ id, first_seq, last_seq }: ConnectionRow, fromMs: number, toMs: number): Iterable<number> {
    const timeOf = (seq: number) => selectEventAt.get(id, seq)?.at_ms ?? 0;
    /** The last event up to a time, from `low` on, which is. Times never fall along a connection. */
    const lastUntil = (low: number, untilMs: number) => {
      let lowest = low;
      let above = last_seq + 1;
      while (above - lowest > 1) {
        const middle = (lowest + above) >>> 1;
        if (timeOf(middle) <= untilMs) lowest = middle;
        else above = middle;
      }
      return lowest;
    };
    let seq = lastUntil(first_seq, fromMs);
    for (;;) {
      const silentAtMs = timeOf(seq) + STALE_AFTER_MS;
      if (silentAtMs >= toMs) return;
      const next = lastUntil(seq, silentAtMs);
      if (next !== seq) {
        seq = next;
        continue;
      }
      yield silentAtMs + 1;
      if (seq === last_seq) return;
      seq++;
      yield timeOf(seq);
    }
  }

  /** Moments at which a gateway falls silent, is back, and has been back for long. */
  function* absences(gateway: number, backAtMs: number): Iterable<number> {
    yield backAtMs;
    // From then on what it told last is that, where the same process begins a new chapter.
    yield backAtMs + 1;
    yield backAtMs + RECONNECT_GRACE_MS;
    const before = selectBefore.get(gateway, backAtMs);
    if (before !== undefined) yield before.watermark_ms + 1;
  }

  function* changes(charger: number, fromMs: number, toMs: number): Iterable<number> {
    for (const { at_ms } of selectStatuses.each(charger, fromMs, toMs)) yield at_ms;
    const connections = selectConnections.all(charger, toMs);
    const boots = new Set<string>();
    for (const connection of connections) {
      yield connection.opened_at_ms;
      const { gateway, closed_at_ms: closedAtMs, booted_at_ms: bootedAtMs } = connection;
      if (closedAtMs !== null) yield closedAtMs;
      if (closedAtMs === null || closedAtMs > fromMs) yield* quiet(connection, fromMs, toMs);
      const boot = `${gateway} ${bootedAtMs}`;
      if (boots.has(boot)) continue;
      boots.add(boot);
      const lastMs = selectBoot.get(gateway, bootedAtMs)?.at_ms ?? undefined;
      if (lastMs === undefined) continue;
      yield lastMs + 1;
      const back = selectNext.get(gateway, lastMs, toMs);
      if (back !== undefined) yield* absences(gateway, back.watermark_ms);
    }
    for (const gateway of new Set(connections.map((row) => row.gateway))) {
      for (const { watermark_ms: lateMs } of selectLate.all(gateway, fromMs - RECONNECT_GRACE_MS)) {
        yield* absences(gateway, lateMs);
        if (lateMs >= toMs) break;
      }
    }
  }

  /** @returns unknown where this operator lacks a part of some gateway's record within the period, or its beginning */
  return (deviceId: string, fromSec: number, toSec: number): Known<UptimeRecord> => {
    const charger = selectCharger.get(deviceId)?.id ?? 0;
    const fromMs = fromSec * 1000;
    const isMissing = selectMissed
      .all(fromMs)
      .some((row) => (selectBefore.get(row.gateway, row.begins_at_ms)?.watermark_ms ?? 0) < toSec * 1000);
    if (isMissing) {
      return { isKnown: false, reason: 'a part of the period is missing in this record' };
    }
    if ((reader.beginsAtMs() ?? Number.POSITIVE_INFINITY) > fromMs + 999) {
      return { isKnown: false, reason: 'the period begins before this record' };
    }
    const at: UptimeRecord['at'] = (atMs) => ({
      ...reader.at(deviceId, atMs),
      connectors: () => connectors(charger),
      nextWatermarkMs: (gateway, afterMs) =>
        selectNext.get(selectGateway.get(gateway)?.id ?? 0, afterMs, atMs)?.watermark_ms,
    });
    return { isKnown: true, answer: { at, changes: (from, to) => changes(charger, from, to) } };
  };
}

export type UptimeReader = ReturnType<typeof makeUptimeReader>;
