import { DevsenError } from '../core/errors.ts';
import { sessionTag } from '../core/request-approval.ts';
import type { SessionAnswer } from '../core/session-answers.ts';
import { END_GRACE_MS, GIVEN_UP_AFTER_MS, sessionResultAt } from '../core/session-result.ts';
import type { Database } from './database.ts';
import { tagHash } from './projections.ts';
import type { SessionReader } from './session-reader.ts';

/** A session that is over, as far as this operator's record tells. */
export interface EndedSession {
  deviceId: string;
  sessionId: string;
  /** Whether this operator knows that a contract opened it; else a card may have. */
  isContracts: boolean;
  /** Since when it could be known that it is over, Unix ms. */
  endedAtMs: number;
  /** Hash of the tag that it began with. */
  tagHash: string | undefined;
}

/** Most ended sessions that are looked at at once. */
const MOST_ENDED = 5_000;
/** Most sessions of contracts that are looked at at once for one without an end. */
const MOST_OPENED = 2_000;
/** Most sessions without an end that are judged at once: each is read event by event. */
const MOST_RUNNING = 50;
/** Sessions of contracts that were asked for longer ago are not looked at for a lost end any more: their tokens are free. */
const RUNNING_WITHIN_SEC = 3 * 86_400;

interface StopRow {
  device_id: string;
  ended_at_ms: number;
  session_id: string;
  tag_hash: string | null;
  request_id: string | null;
}

interface OpenedRow {
  request_id: string;
  asked_at_sec: number;
  /** Null where the charger is not on record. */
  device_id: string | null;
  tag_hash: string;
  is_running: number;
}

/** Reads which sessions are over, and what is known of them. */
export function makeEndedReader(db: Database, session: SessionReader) {
  // A `+` keeps SQLite from an index that is of all chargers' ends where those of one transaction are wanted.
  // A session may be named by any message that showed its tag: which of them does, the rule says. Ends that are told again
  // count from the first.
  const selectEnded = db.prepare<StopRow>(
    `SELECT DISTINCT h.device_id, t.at_ms AS ended_at_ms, s.session_id, s.tag_hash, a.request_id
     FROM transaction_events t JOIN chargers h ON h.id = t.charger
     JOIN transaction_events s ON s.charger = t.charger AND s.transaction_id = t.transaction_id
     LEFT JOIN approvals a ON a.tag_hash = s.tag_hash AND json_extract(a.asked, '$.deviceId') = h.device_id
     WHERE t.kind = 'stop' AND t.at_ms > ?1 AND t.at_ms <= ?2 AND s.session_id IS NOT NULL AND s.at_ms <= t.at_ms
       AND NOT EXISTS (SELECT 1 FROM transaction_events f WHERE f.charger = t.charger
         AND f.transaction_id = t.transaction_id AND +f.kind = 'stop' AND +f.at_ms >= s.at_ms
         AND (f.at_ms, f.epoch, f.seq) < (t.at_ms, t.epoch, t.seq))
     ORDER BY t.at_ms LIMIT ?3`,
  );
  const selectOpened = db.prepare<OpenedRow>(
    `SELECT a.request_id, a.asked_at_sec, h.device_id, a.tag_hash, EXISTS (
       SELECT 1 FROM transaction_events s WHERE s.charger = h.id AND s.tag_hash = a.tag_hash
         AND NOT EXISTS (SELECT 1 FROM transaction_events t WHERE t.charger = s.charger
           AND t.transaction_id = s.transaction_id AND +t.kind = 'stop')) AS is_running
     FROM (SELECT * FROM approvals INDEXED BY approvals_of_starts
       WHERE tag_hash IS NOT NULL AND asked_at_sec >= ?1 AND (asked_at_sec, request_id) > (?1, ?2)
       ORDER BY asked_at_sec, request_id LIMIT ?3) a
     LEFT JOIN chargers h ON h.device_id = json_extract(a.asked, '$.deviceId')
     ORDER BY a.asked_at_sec, a.request_id`,
  );
  /** Up to where sessions without an end were looked at last. */
  let place = { askedAtSec: 0, requestId: '' };
  /** Sessions that have lost their end, and since when that could be known. */
  const lost = new Map<string, EndedSession>();

  const result = (deviceId: string, sessionId: string, atMs: number): SessionAnswer | undefined => {
    try {
      const known = sessionResultAt(session(deviceId, sessionId, atMs), atMs);
      return known.isKnown ? known.answer : undefined;
    } catch (error) {
      // One that cannot be read must not hold back the others.
      if (error instanceof DevsenError && error.code === 'DATABASE_UNAVAILABLE') throw error;
      return undefined;
    }
  };

  return {
    result,
    /** Sessions with an end on record that came after one time and up to another, Unix ms. */
    ended: (afterMs: number, toMs: number): EndedSession[] =>
      selectEnded.all(afterMs, toMs, MOST_ENDED).map((row) => ({
        deviceId: row.device_id,
        sessionId: row.request_id ?? row.session_id,
        isContracts: row.request_id !== null,
        endedAtMs: row.ended_at_ms,
        tagHash: row.tag_hash ?? undefined,
      })),
    /**
     * Sessions of contracts whose end is lost. Each look judges some of those that go on, in turn.
     *
     * @param atMs - a time that the record reaches to, Unix ms
     */
    lost: (atMs: number): EndedSession[] => {
      const sinceSec = Math.floor(atMs / 1000) - RUNNING_WITHIN_SEC;
      if (place.askedAtSec < sinceSec) place = { askedAtSec: sinceSec, requestId: '' };
      const rows = selectOpened.all(place.askedAtSec, place.requestId, MOST_OPENED);
      let judged = 0;
      let isAll = rows.length < MOST_OPENED;
      for (const {
        request_id: sessionId,
        asked_at_sec: askedAtSec,
        device_id: deviceId,
        tag_hash: hash,
        ...row
      } of rows) {
        if (judged === MOST_RUNNING) {
          isAll = false;
          break;
        }
        place = { askedAtSec, requestId: sessionId };
        if (row.is_running === 0 || deviceId === null) continue;
        judged++;
        const answer = result(deviceId, sessionId, atMs);
        const isLost = answer?.verdict === 'Unusable' && answer.endedAtSec > 0;
        if (!isLost) lost.delete(sessionId);
        else {
          const afterMs = answer.reason === 'Offline' ? GIVEN_UP_AFTER_MS : END_GRACE_MS;
          const endedAtMs = answer.endedAtSec * 1000 + afterMs;
          lost.set(sessionId, { deviceId, sessionId, isContracts: true, endedAtMs, tagHash: hash });
        }
      }
      if (isAll) place = { askedAtSec: 0, requestId: '' };
      for (const [sessionId, { endedAtMs }] of lost) {
        if (endedAtMs < atMs - RUNNING_WITHIN_SEC * 1000) lost.delete(sessionId);
      }
      return [...lost.values()];
    },
  };
}

/** Whether a session of a contract begins with the tag that has this hash. */
export function isTagOf(sessionId: string, hash: string | undefined): boolean {
  return hash === tagHash(sessionTag(sessionId));
}

export type EndedReader = ReturnType<typeof makeEndedReader>;
