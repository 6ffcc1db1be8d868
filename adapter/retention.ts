import type { Database, Value } from './database.ts';
import { type MessagePlace, makeLiveTransactions } from './live-transactions.ts';

/** Messages that one step looks at, and how long it may take, ms: nothing is taken in meanwhile. */
const STEP_MESSAGES = 400;
const STEP_MS = 25;
/** Batches that one step looks at, most of them without an event. */
const STEP_BATCHES = 2_000;
/** Kept messages that one step looks at again. */
const STEP_KEPT = 200;
/** How long kept messages are left alone once all were looked at again, ms. */
const KEPT_PAUSE_MS = 3_600_000;
/** Pages that one step gives back to the file system. */
const STEP_PAGES = 1_000;

/** What one step did. */
export interface Emptied {
  /** Messages whose text was deleted, and those of the same age that are kept because something may rest on them. */
  emptied: number;
  kept: number;
  /** Whether there is more to look at. */
  isMore: boolean;
}

/** Deletes the text of old messages. */
export interface Retention {
  /**
   * Goes on a little, in one transaction: a step that is cut off has not happened.
   *
   * @param windowMs - the earliest time that is still asked about, Unix ms
   * @throws DevsenError `DATABASE_UNAVAILABLE`
   */
  step: (windowMs: number) => Emptied;
}

interface EmptiedRow {
  booted_at_ms: number;
  reached_ms: number;
  reached_batch: number;
}

interface MessageRow extends MessagePlace {
  id: number;
}

const MESSAGE = `SELECT e.id, c.charger, c.gateway, c.chapter, c.epoch, e.connection, e.at_ms AS atMs, e.seq
  FROM events e JOIN connections c ON c.id = e.connection`;
/** What stays of an event. */
const STAYING = ['id', 'connection', 'seq', 'batch', 'received_at_ms', 'at_ms', 'kind', 'hash'] as const;
const NOTHING: EmptiedRow = { booted_at_ms: -1, reached_ms: -1, reached_batch: 0 };

/**
 * Most of a record is the text of charger messages, and all idTags in it. After a while it is needed no more: statuses, meter
 * readings and whether a charger was there stand in tables of their own, as exact as before, for ever.
 *
 * Messages are emptied process by process of a gateway: of one that is followed by another, and whose last watermark lies
 * before the window. So none of its connections goes on, and another operator can begin its record with the next process.
 * Each event stays with its time, kind and hash, so each chain and each batch's signature verifies as before.
 *
 * The text stays of what answers within the window may rest on: transactions that are not over (`makeLiveTransactions`), each
 * charger's latest boot, and what it told of firmware, uploads and security. These are looked at again later. What opens and
 * closes connections holds nothing of anybody and stays.
 *
 * @param clockMs - any clock that does not go back, ms
 */
export function makeRetention(db: Database, clockMs: () => number): Retention {
  const selectGateways = db.prepare<{ id: number }>('SELECT id FROM gateways');
  const selectEmptied = db.prepare<EmptiedRow>('SELECT * FROM emptied WHERE gateway = ?');
  const saveEmptied = db.prepare(
    `INSERT INTO emptied (gateway, booted_at_ms, reached_ms, reached_batch) VALUES (?, ?, ?, ?)
     ON CONFLICT (gateway) DO UPDATE SET booted_at_ms = excluded.booted_at_ms, reached_ms = excluded.reached_ms,
       reached_batch = excluded.reached_batch`,
  );
  const selectNextBoot = db.prepare<{ at_ms: number | null }>(
    'SELECT min(booted_at_ms) AS at_ms FROM batches WHERE gateway = ? AND booted_at_ms > ? AND is_void = 0',
  );
  const selectLast = db.prepare<{ at_ms: number | null }>(
    'SELECT max(watermark_ms) AS at_ms FROM batches WHERE gateway = ? AND booted_at_ms = ? AND is_void = 0',
  );
  const selectBatches = db.prepare<{ id: number; watermark_ms: number; event_count: number }>(
    `SELECT id, watermark_ms, event_count FROM batches WHERE gateway = ? AND booted_at_ms = ? AND is_void = 0
       AND watermark_ms >= ?3 AND (watermark_ms > ?3 OR id > ?4) ORDER BY watermark_ms, id LIMIT ?5`,
  );
  const selectMessages = db.prepare<MessageRow>(
    `${MESSAGE} WHERE e.batch = ? AND e.is_emptied = 0 AND e.kind NOT IN ('open', 'close')
       AND NOT EXISTS (SELECT 1 FROM kept_messages k WHERE k.event = e.id)`,
  );
  const selectRow = db.prepare<Record<(typeof STAYING)[number], Value>>(
    `SELECT ${STAYING.join(', ')} FROM events WHERE id = ?`,
  );
  const deleteRow = db.prepare('DELETE FROM events WHERE id = ?');
  const insertRow = db.prepare(
    `INSERT INTO events (frame, reply, is_emptied, ${STAYING.join(', ')}) VALUES ('', '', 1, ${STAYING.map(() => '?').join(', ')})`,
  );
  const keep = db.prepare('INSERT OR IGNORE INTO kept_messages (event) VALUES (?)');
  const selectKept = db.prepare<MessageRow>(
    `${MESSAGE} JOIN kept_messages k ON k.event = e.id WHERE k.event > ? ORDER BY k.event LIMIT ?`,
  );
  const deleteKept = db.prepare('DELETE FROM kept_messages WHERE event = ?');
  const selectBoot = db.prepare<{ connection: number; seq: number }>(
    'SELECT connection, seq FROM boots WHERE charger = ? ORDER BY epoch DESC, at_ms DESC, seq DESC LIMIT 1',
  );
  const selectFact = db.prepare(
    `SELECT 1 FROM station_facts WHERE charger = ? AND kind IN ('security-event', 'firmware-status', 'diagnostics', 'log')
       AND epoch = ? AND at_ms = ? AND seq = ? AND connection = ?`,
  );
  const giveBack = db.prepare(`PRAGMA incremental_vacuum(${STEP_PAGES})`);
  const isOfLive = makeLiveTransactions(db);

  /** A row that only shrinks leaves its page as large as it was: SQLite puts pages together where rows go. */
  const empty = (id: number) => {
    const row = selectRow.get(id);
    if (row === undefined) return;
    deleteRow.run(id);
    insertRow.run(...STAYING.map((column) => row[column]));
  };

  const isNeeded = (place: MessagePlace, windowMs: number): boolean => {
    const { charger, epoch, connection, atMs, seq } = place;
    if (selectFact.get(charger, epoch, atMs, seq, connection) !== undefined) return true;
    const boot = selectBoot.get(charger);
    return (boot?.connection === connection && boot.seq === seq) || isOfLive(place, windowMs);
  };

  /** The process of a gateway whose messages may be emptied next, or are being. */
  const nextOf = (gateway: number, row: EmptiedRow, windowMs: number): number | undefined => {
    const boot = selectNextBoot.get(gateway, row.booted_at_ms)?.at_ms ?? undefined;
    if (boot === undefined) return undefined;
    const isFollowed = (selectNextBoot.get(gateway, boot)?.at_ms ?? null) !== null;
    const lastMs = selectLast.get(gateway, boot)?.at_ms ?? Number.POSITIVE_INFINITY;
    return isFollowed && lastMs < windowMs ? boot : undefined;
  };

  const stepOf = (gateway: number, windowMs: number): Emptied => {
    const untilMs = clockMs() + STEP_MS;
    const done: Emptied = { emptied: 0, kept: 0, isMore: true };
    const row = selectEmptied.get(gateway) ?? NOTHING;
    const { booted_at_ms: bootedAtMs, reached_ms: reachedMs, reached_batch: reachedBatch } = row;
    const batches = selectBatches.all(gateway, bootedAtMs, reachedMs, reachedBatch, STEP_BATCHES);
    if (batches.length === 0) {
      const boot = nextOf(gateway, row, windowMs);
      if (boot !== undefined) saveEmptied.run(gateway, boot, reachedMs, reachedBatch);
      return { ...done, isMore: boot !== undefined };
    }
    for (const batch of batches) {
      for (const message of batch.event_count === 0 ? [] : selectMessages.all(batch.id)) {
        if (isNeeded(message, windowMs)) {
          keep.run(message.id);
          done.kept++;
        } else {
          empty(message.id);
          done.emptied++;
        }
        // What is done of the batch is done; the next step finds the rest of it.
        if (clockMs() > untilMs) return done;
      }
      saveEmptied.run(gateway, bootedAtMs, batch.watermark_ms, batch.id);
      if (done.emptied + done.kept >= STEP_MESSAGES) break;
    }
    return done;
  };

  /** Up to which kept message was looked at again, and until when none is. */
  let keptPlace = 0;
  let pausedUntilMs = 0;
  const stepKept = (windowMs: number): number => {
    if (windowMs < pausedUntilMs) return 0;
    const rows = selectKept.all(keptPlace, STEP_KEPT);
    const over = rows.filter((message) => !isNeeded(message, windowMs));
    for (const { id } of over) {
      empty(id);
      deleteKept.run(id);
    }
    keptPlace = rows.at(-1)?.id ?? 0;
    if (rows.length < STEP_KEPT) [keptPlace, pausedUntilMs] = [0, windowMs + KEPT_PAUSE_MS];
    return over.length;
  };

  return {
    step: (windowMs) => {
      const done = db.transaction(() => {
        for (const { id } of selectGateways.all()) {
          const own = stepOf(id, windowMs);
          if (own.isMore) return own;
        }
        return { emptied: stepKept(windowMs), kept: 0, isMore: false };
      });
      giveBack.all();
      return done;
    },
  };
}
