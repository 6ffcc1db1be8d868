import type { ConnectionAt, GatewayAt, RecordAt } from '../core/charger-status.ts';
import type { Database } from './database.ts';
import { makeEvseReader } from './evse-reader.ts';

/** What the record knows of a gateway at a time. */
export type Coverage =
  /** All it told up to that time is on record. */
  | { kind: 'covered' }
  /** That time lies in a break of its record: nobody here can know any more. */
  | { kind: 'broken' }
  /** No watermark has passed that time yet; the last one on record, Unix ms, 0 if there is none. */
  | { kind: 'open'; lastWatermarkMs: number };

/** The reading side of the record. Every read is a few steps down an index, however long the record is. */
export interface RecordReader {
  coverage: (gateway: string, atMs: number) => Coverage;
  /** When the record begins: the earliest watermark, Unix ms; undefined if there is none. */
  beginsAtMs: () => number | undefined;
  at: (deviceId: string, atMs: number) => RecordAt;
  lastWatermarkMs: (gateway: string) => number;
}

interface BatchRow {
  chapter: number;
  watermark_ms: number;
  booted_at_ms: number;
  is_late: number;
}

interface ConnectionRow {
  id: number;
  epoch: number;
  gateway: number;
  account: string;
  chapter: number;
  booted_at_ms: number;
  opened_at_ms: number;
  closed_at_ms: number | null;
  first_seq: number;
  last_seq: number;
}

const CONNECTIONS = `SELECT c.id, c.epoch, c.gateway, g.account, c.chapter, c.booted_at_ms, c.opened_at_ms,
  c.closed_at_ms, c.first_seq, c.last_seq FROM connections c JOIN gateways g ON g.id = c.gateway`;

export function makeRecordReader(db: Database): RecordReader {
  const columns = 'SELECT b.chapter, b.watermark_ms, b.booted_at_ms, b.is_late FROM batches b';
  const selectId = db.prepare<{ id: number }>('SELECT id FROM gateways WHERE account = ?');
  const selectCover = db.prepare<BatchRow>(
    `${columns} WHERE b.gateway = ? AND b.watermark_ms >= ? AND b.is_void = 0 ORDER BY b.watermark_ms, b.id LIMIT 1`,
  );
  const selectBefore = db.prepare<BatchRow>(
    `${columns} WHERE b.gateway = ? AND b.watermark_ms < ? AND b.is_void = 0
     ORDER BY b.watermark_ms DESC, b.id DESC LIMIT 1`,
  );
  const selectOfBoot = db.prepare<{ watermark_ms: number }>(
    `SELECT watermark_ms FROM batches WHERE gateway = ? AND booted_at_ms = ? AND watermark_ms < ? AND is_void = 0
     ORDER BY watermark_ms DESC LIMIT 1`,
  );
  const selectBegin = db.prepare<{ at_ms: number | null }>('SELECT min(begins_at_ms) AS at_ms FROM chapters');
  const selectMissed = db.prepare<{ gateway: string; id: number; begins_at_ms: number }>(
    `SELECT g.account AS gateway, c.id, c.begins_at_ms FROM chapters c JOIN gateways g ON g.id = c.gateway
     WHERE c.is_missed = 1 AND c.begins_at_ms <= ?`,
  );
  const selectCharger = db.prepare<{ id: number }>('SELECT id FROM chargers WHERE device_id = ?');
  const selectConnections = db.prepare<ConnectionRow>(
    `${CONNECTIONS} WHERE c.charger = ? AND c.epoch <= ? AND c.last_seq >= c.first_seq ORDER BY c.epoch DESC, g.account DESC`,
  );
  const selectEventAt = db.prepare<{ at_ms: number }>('SELECT at_ms FROM events WHERE connection = ? AND seq = ?');
  const evseAt = makeEvseReader(db);

  const idOf = (account: string) => selectId.get(account)?.id ?? 0;

  const gatewayAt = (account: string, atMs: number): GatewayAt => {
    const id = idOf(account);
    const cover = selectCover.get(id, atMs);
    const before = selectBefore.get(id, atMs);
    const isBack = cover !== undefined && (cover.is_late === 0 || cover.watermark_ms === atMs);
    if (isBack) return { chapter: cover.chapter, upSinceMs: cover.booted_at_ms };
    return { chapter: before?.chapter ?? 0, upSinceMs: undefined };
  };

  /** The last event of a connection up to a time: a binary search, since times never fall along a connection. */
  const lastFrame = (connection: ConnectionRow, atMs: number): { lastFrameSeq: number; lastFrameAtMs: number } => {
    const timeOf = (seq: number) => selectEventAt.get(connection.id, seq)?.at_ms ?? 0;
    const latest = timeOf(connection.last_seq);
    if (latest <= atMs) return { lastFrameSeq: connection.last_seq, lastFrameAtMs: latest };
    let low = connection.first_seq;
    let high = connection.last_seq;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (timeOf(middle) <= atMs) low = middle;
      else high = middle;
    }
    return { lastFrameSeq: low, lastFrameAtMs: timeOf(low) };
  };

  function* connectionsAt(charger: number, maxEpoch: number, atMs: number): Iterable<ConnectionAt> {
    for (const row of selectConnections.each(charger, maxEpoch)) {
      if (row.opened_at_ms > atMs) continue;
      yield {
        epoch: row.epoch,
        gateway: row.account,
        chapter: row.chapter,
        bootedAtMs: row.booted_at_ms,
        openedAtMs: row.opened_at_ms,
        closedAtMs: row.closed_at_ms !== null && row.closed_at_ms <= atMs ? row.closed_at_ms : undefined,
        firstSeq: row.first_seq,
        ...lastFrame(row, atMs),
      };
    }
  }

  return {
    coverage: (gateway, atMs) => {
      const id = idOf(gateway);
      const cover = selectCover.get(id, atMs);
      const before = selectBefore.get(id, atMs);
      if (cover === undefined) return { kind: 'open', lastWatermarkMs: before?.watermark_ms ?? 0 };
      const isWithinChapter = before?.chapter === cover.chapter || cover.watermark_ms === atMs;
      if (isWithinChapter || (before === undefined && !isMissedChapter(cover.chapter))) return { kind: 'covered' };
      return { kind: 'broken' };
    },
    beginsAtMs: () => selectBegin.get()?.at_ms ?? undefined,
    at: (deviceId, atMs) => {
      const charger = selectCharger.get(deviceId)?.id ?? 0;
      const gateways = new Map<string, GatewayAt>();
      const gateway = (account: string) => {
        const known = gateways.get(account) ?? gatewayAt(account, atMs);
        gateways.set(account, known);
        return known;
      };
      const missed = selectMissed.all(atMs).filter((row) => gateway(row.gateway).chapter === row.id);
      return {
        connections: (maxEpoch) => connectionsAt(charger, maxEpoch, atMs),
        ...evseAt(charger, atMs),
        gateway,
        lastWatermarkMs: (account, bootedAtMs) => selectOfBoot.get(idOf(account), bootedAtMs, atMs)?.watermark_ms ?? 0,
        missedUntilMs: Math.max(0, ...missed.map((row) => row.begins_at_ms)),
      };
    },
    lastWatermarkMs: (gateway) => selectBefore.get(idOf(gateway), Number.MAX_SAFE_INTEGER)?.watermark_ms ?? 0,
  };

  function isMissedChapter(id: number): boolean {
    return selectMissed.all(Number.MAX_SAFE_INTEGER).some((row) => row.id === id);
  }
}
