import { END_GRACE_MS } from '../core/session-result.ts';
import { isStopMessageId } from '../core/session-stop.ts';
import type { Database } from './database.ts';
import { calledMessageId } from './projections.ts';

/** Where a charger's message stands in the record. */
export interface MessagePlace {
  charger: number;
  /** Of its connection. */
  gateway: number;
  chapter: number;
  epoch: number;
  connection: number;
  atMs: number;
  seq: number;
}

/** A transaction that answers as of times after some moment may still rest on. */
interface LiveTransaction {
  /** Its id as OCPP 2.x has it, and as 1.6 has it; the same where it is no number. */
  ids: [text: string, number: string | number];
  firstMs: number;
  /** Empty where none is told yet. */
  connectors: number[];
}

interface TransactionRow {
  id: string;
  kind: 'start' | 'shown' | 'stop';
  at_ms: number;
  gateway: number;
  chapter: number;
}

/** What is told of one transaction, as far as it counts within the window. */
interface Course {
  firstMs: number;
  lastMs: number;
  /** Whether its end was told after its last start, in a part of its gateway's record that still counts. */
  isStopped: boolean;
}

/** Most chargers whose transactions are kept in mind. */
const MOST_KEPT = 10_000;
/** How old what is kept in mind may be, ms: a transaction that was over then is over now. */
const KEPT_MS = 3_600_000;

const AT = 'epoch = ? AND connection = ? AND at_ms = ? AND seq = ?';

/**
 * Tells which old messages a transaction still needs that goes on, or did at the beginning of a window.
 *
 * A transaction is over once its end was told before the window and nothing of it came since. One without an end is over where
 * its connector began another before the window: chargers tell in order, so its end is lost. Of one that is not over, its own
 * messages are needed, and from its beginning on all that was told of its connector; where that is not known, of the charger.
 * So are the charger's answers to calls by which gateways end sessions.
 * Nothing is needed from before a break in its gateway's record that lies before the window.
 */
export function makeLiveTransactions(db: Database) {
  const selectGateways = db.prepare<{ id: number; chapter: number }>('SELECT id, chapter FROM gateways');
  const selectChapter = db.prepare<{ chapter: number }>(
    `SELECT chapter FROM batches WHERE gateway = ? AND watermark_ms < ? AND is_void = 0
     ORDER BY watermark_ms DESC, id DESC LIMIT 1`,
  );
  const selectTransactions = db.prepare<TransactionRow>(
    `SELECT t.transaction_id AS id, t.kind, t.at_ms, c.gateway, c.chapter FROM transaction_events t
     JOIN connections c ON c.id = t.connection
     WHERE t.charger = ? ORDER BY t.transaction_id, t.epoch, t.at_ms, t.connection, t.seq`,
  );
  const selectConnectors = db.prepare<{ connector: number }>(
    `SELECT DISTINCT connector FROM transaction_messages
     WHERE charger = ? AND transaction_id IN (?, ?) AND connector IS NOT NULL`,
  );
  const selectNextStart = db.prepare(
    `SELECT 1 FROM transaction_starts
     WHERE charger = ? AND connector = ? AND at_ms > ? AND at_ms < ? AND outcome = 'Accepted' LIMIT 1`,
  );
  const selectMessage = db.prepare(
    `SELECT 1 FROM transaction_messages WHERE charger = ? AND transaction_id IN (?, ?) AND ${AT} LIMIT 1`,
  );
  const selectTold = ['readings', 'signed_values'].map((table) =>
    db.prepare(`SELECT 1 FROM ${table} WHERE charger = ? AND connector = ? AND ${AT}`),
  );
  const selectPart = db.prepare<{ part: number | null }>(
    'SELECT min(part) AS part FROM statuses WHERE charger = ? AND connector = ? AND part > ?',
  );
  const selectStatus = db.prepare(`SELECT 1 FROM statuses WHERE charger = ? AND connector = ? AND part = ? AND ${AT}`);
  const selectAnswer = db.prepare<{ reply: string }>(
    "SELECT reply FROM events WHERE connection = ? AND seq = ? AND kind = 'answer'",
  );

  let keptAtMs = Number.NEGATIVE_INFINITY;
  const kept = new Map<number, LiveTransaction[]>();
  /** By gateway: the part of its record that counts now, and the first that counts within the window. */
  let chapters = new Map<number, { now: number; first: number }>();
  const lookAt = (windowMs: number) => {
    if (kept.size < MOST_KEPT && windowMs >= keptAtMs && windowMs <= keptAtMs + KEPT_MS) return;
    kept.clear();
    keptAtMs = windowMs;
    chapters = new Map(
      selectGateways
        .all()
        .map(({ id, chapter }) => [id, { now: chapter, first: selectChapter.get(id, windowMs)?.chapter ?? 0 }]),
    );
  };
  const isCounted = (gateway: number, chapter: number) => chapter >= (chapters.get(gateway)?.first ?? 0);

  const coursesOf = (charger: number): Map<string, Course> => {
    const courses = new Map<string, Course>();
    for (const { id, kind, at_ms: atMs, gateway, chapter } of selectTransactions.each(charger)) {
      if (!isCounted(gateway, chapter)) continue;
      const course = courses.get(id) ?? { firstMs: atMs, lastMs: atMs, isStopped: false };
      course.firstMs = Math.min(course.firstMs, atMs);
      course.lastMs = Math.max(course.lastMs, atMs);
      if (kind === 'start') course.isStopped = false;
      if (kind === 'stop') course.isStopped = chapter === chapters.get(gateway)?.now;
      courses.set(id, course);
    }
    return courses;
  };

  const liveOf = (charger: number, windowMs: number): LiveTransaction[] => {
    const known = kept.get(charger);
    if (known !== undefined) return known;
    const live = [...coursesOf(charger)].flatMap(([id, { firstMs, lastMs, isStopped }]): LiveTransaction[] => {
      if (isStopped && lastMs < windowMs) return [];
      const ids: LiveTransaction['ids'] = [id, /^-?\d{1,15}$/.test(id) ? Number(id) : id];
      const connectors = selectConnectors.all(charger, ...ids).map(({ connector }) => connector);
      const isLost =
        lastMs < windowMs &&
        connectors.length > 0 &&
        connectors.every((one) => selectNextStart.get(charger, one, lastMs, windowMs - END_GRACE_MS) !== undefined);
      return isLost ? [] : [{ ids, firstMs, connectors }];
    });
    kept.set(charger, live);
    return live;
  };

  const isToldOf = ({ charger, ...place }: MessagePlace, connector: number): boolean => {
    const at = [place.epoch, place.connection, place.atMs, place.seq] as const;
    if (selectTold.some((select) => select.get(charger, connector, ...at) !== undefined)) return true;
    for (let part = -1; ; ) {
      const next = selectPart.get(charger, connector, part)?.part ?? undefined;
      if (next === undefined) return false;
      part = next;
      if (selectStatus.get(charger, connector, part, ...at) !== undefined) return true;
    }
  };

  const isStopAnswer = ({ connection, seq }: MessagePlace): boolean =>
    isStopMessageId(calledMessageId(selectAnswer.get(connection, seq)?.reply ?? '') ?? '');

  /** @param windowMs - the earliest time that is still asked about, Unix ms; never falls by much */
  return (place: MessagePlace, windowMs: number): boolean => {
    const { charger, gateway, chapter, epoch, connection, atMs, seq } = place;
    lookAt(windowMs);
    if (!isCounted(gateway, chapter)) return false;
    return liveOf(charger, windowMs).some(({ ids, firstMs, connectors }) => {
      if (selectMessage.get(charger, ...ids, epoch, connection, atMs, seq) !== undefined) return true;
      if (atMs < firstMs) return false;
      if (connectors.length === 0 || connectors.some((connector) => isToldOf(place, connector))) return true;
      return isStopAnswer(place);
    });
  };
}
