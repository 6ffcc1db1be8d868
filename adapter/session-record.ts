import type { KeyObject } from 'node:crypto';
import type { ChargerEvent } from '../core/charger-event.ts';
import { DevsenError } from '../core/errors.ts';
import { cannotKnow, type Known } from '../core/known.ts';
import { versionOf } from '../core/ocpp-version.ts';
import type { SessionAnswer } from '../core/session-answers.ts';
import { sessionResultAt } from '../core/session-result.ts';
import { startedTag } from '../core/started-tag.ts';
import { transactionIdIn } from '../core/transaction-id.ts';
import type { Database } from './database.ts';
import type { RecordReader } from './record-reader.ts';
import { sessionFields } from './session-endpoints.ts';
import type { SessionReader } from './session-reader.ts';

export interface SessionRecordMeans {
  reader: Pick<RecordReader, 'lastWatermarkMs'>;
  session: SessionReader;
  /** The key that the chain has of a charger's meter; undefined if it has none. */
  meterKeyOf: (deviceId: string) => Promise<KeyObject | undefined>;
}

interface ShownRow extends Pick<ChargerEvent, 'kind' | 'frame'> {
  epoch: number;
  at_ms: number;
  seq: number;
  transaction_id: string;
  session_id: string;
  subprotocol: string | null;
  is_emptied: number;
}

/** A contract's session is begun by a tag of so many hex digits of its id; a card's tag may look the same. */
const SESSION_TAG = /^[0-9a-f]{20}$/i;

/** A place in a charger's record: epoch, time, seq. */
export type RecordPlace = readonly [epoch: number, atMs: number, seq: number];

/** A charger's sessions, as this operator would answer for them as of its gateway's last word. */
export function makeSessionRecord(db: Database, { reader, session, meterKeyOf }: SessionRecordMeans) {
  const selectShown = db.prepare<ShownRow>(
    `SELECT t.epoch, t.at_ms, t.seq, t.transaction_id, t.session_id, e.kind, e.frame, e.is_emptied, c.subprotocol
     FROM transaction_events t JOIN chargers h ON h.id = t.charger JOIN connections c ON c.id = t.connection
     JOIN events e ON e.connection = t.connection AND e.seq = t.seq
     WHERE h.device_id = ? AND (t.epoch, t.at_ms, t.seq) < (?, ?, ?) AND t.session_id IS NOT NULL
     ORDER BY t.epoch DESC, t.at_ms DESC, t.seq DESC LIMIT ?`,
  );
  const selectApproval = db.prepare<{ request_id: string }>(
    'SELECT request_id FROM approvals WHERE request_id >= ? AND request_id < ? LIMIT 2',
  );
  const selectGateway = db.prepare<{ account: string }>(
    `SELECT g.account FROM connections c JOIN gateways g ON g.id = c.gateway JOIN chargers h ON h.id = c.charger
     WHERE h.device_id = ? ORDER BY c.epoch DESC LIMIT 1`,
  );

  /** The session that a contract opened, as far as this operator approved its start; undefined of a card's. */
  const requestOf = (row: ShownRow): string | undefined => {
    const tag = startedTag(row);
    if (tag === undefined || !SESSION_TAG.test(tag)) return undefined;
    const begin = `0x${tag.toLowerCase()}`;
    const [found, another] = selectApproval.all(begin, `${begin}g`);
    return another === undefined ? found?.request_id : undefined;
  };
  const answer = async (deviceId: string, sessionId: string) => {
    const account = selectGateway.get(deviceId)?.account;
    const meterKey = await meterKeyOf(deviceId);
    const atMs = account === undefined ? 0 : reader.lastWatermarkMs(account);
    const record = session(deviceId, sessionId, atMs);
    const known = unlessPruned(() => sessionResultAt(record, atMs, meterKey));
    return {
      sessionId,
      openedBy: record.startedBy ?? null,
      asOf: Math.floor(atMs / 1000),
      result: known.isKnown ? sessionFields(known.answer) : null,
    };
  };

  return {
    /** One session of a charger, by its id on chain. */
    session: answer,
    /**
     * Its sessions, the latest first, before a place: contract's and card's alike; a page may hold fewer than its limit. None
     * whose beginning is deleted for its age.
     */
    sessions: async (deviceId: string, [epoch, atMs, seq]: RecordPlace, limit: number) => {
      const rows = selectShown.all(deviceId, epoch, atMs, seq, limit + 1);
      const items = [];
      for (const row of rows.slice(0, limit)) {
        // By which name a contract would know it stands in what is deleted.
        if (row.is_emptied === 1) continue;
        const told = await answer(deviceId, requestOf(row) ?? row.session_id);
        // A start that was told again, or a card that only ended the transaction, opened no session.
        if (told.result?.reason === 'NoRecord') continue;
        items.push({
          ...told,
          transactionId: transactionIdIn(row.transaction_id, versionOf(row.subprotocol)),
          isOpen: told.result?.verdict === 'Running',
        });
      }
      const last = rows[limit - 1];
      const isMore = rows.length > limit && last !== undefined;
      return { items, next: isMore ? `${last.epoch}-${last.at_ms}-${last.seq}` : null };
    },
  };
}

function unlessPruned(read: () => Known<SessionAnswer>): Known<SessionAnswer> {
  try {
    return read();
  } catch (error) {
    if (error instanceof DevsenError && error.code === 'PRUNED') return cannotKnow(error.message);
    throw error;
  }
}

export type SessionRecord = ReturnType<typeof makeSessionRecord>;
