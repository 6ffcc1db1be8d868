import { EPOCH_SKEW_MS } from '../core/as-of.ts';
import type { ChargerEvent } from '../core/charger-event.ts';
import type { AnswerEvent, CommandRecordAt } from '../core/command-answer.ts';
import { deriveFacts } from '../core/derive-facts.ts';
import { type OcppVersion, versionOf } from '../core/ocpp-version.ts';
import { messageIdOf } from '../core/request-approval.ts';
import { STATUS } from '../core/status.ts';
import { MOST_PARTS } from '../core/status20.ts';
import type { Database } from './database.ts';
import { pruned } from './pruned.ts';
import type { RecordReader } from './record-reader.ts';
import type { SessionReader } from './session-reader.ts';

interface AnswerRow {
  connection: number;
  epoch: number;
  account: string;
  chapter: number;
  atMs: number;
  seq: number;
  frame: string;
  subprotocol: string | null;
  isEmptied: number;
}

type ToldRow = Pick<ChargerEvent, 'seq' | 'kind' | 'frame' | 'reply' | 'receivedAtMs'> & { isEmptied: number };

/** A connector that was held for somebody and is one of these is held no more. */
const FREE = [STATUS.Available, STATUS.Reserved, STATUS.Unavailable];
/** More messages after an answer than this are not looked at: they are read again for each second that is looked at. */
const MOST_TOLD = 2_000;

/** Reads what a charger did about a request, as of a time; throws DevsenError `PRUNED` where the text of that is deleted. */
export function makeCommandReader(db: Database, reader: Pick<RecordReader, 'at'>, session: SessionReader) {
  const selectCharger = db.prepare<{ id: number }>('SELECT id FROM chargers WHERE device_id = ?');
  const selectAnswers = db.prepare<AnswerRow>(
    `SELECT c.id AS connection, c.epoch, g.account, c.chapter, t.at_ms AS atMs, t.seq, e.frame, c.subprotocol,
       e.is_emptied AS isEmptied
     FROM command_answers t
     JOIN events e ON e.connection = t.connection AND e.seq = t.seq
     JOIN connections c ON c.id = t.connection JOIN gateways g ON g.id = c.gateway
     WHERE t.charger = ? AND t.message_id = ? AND t.at_ms <= ?`,
  );
  const selectSubprotocol = db.prepare<{ subprotocol: string | null }>(
    `SELECT c.subprotocol FROM connections c JOIN gateways g ON g.id = c.gateway
     WHERE c.charger = ? AND c.epoch = ? AND g.account = ? AND c.chapter = ?`,
  );

  const parts = Array.from({ length: MOST_PARTS + 1 }, (_, part) => part).join(', ');
  // Looked at each second, so by the table's key alone.
  const selectFree = db.prepare<{ seq: number | null }>(
    `SELECT max(seq) AS seq FROM statuses WHERE charger = ? AND connector = ? AND part IN (${parts}) AND epoch = ?
       AND connection = ? AND at_ms <= ? AND seq > ? AND status IN (${FREE.join(', ')})`,
  );
  const selectTold = db.prepare<ToldRow>(
    `SELECT seq, kind, frame, reply, received_at_ms AS receivedAtMs, is_emptied AS isEmptied FROM events
     WHERE connection = ? AND seq > ? AND seq <= ? AND kind = 'call' ORDER BY seq LIMIT ${MOST_TOLD}`,
  );

  /** @param sessionId - of the session that is started or stopped; of another request, its own id does no harm */
  return (deviceId: string, requestId: string, sessionId: string, atMs: number): CommandRecordAt => {
    const charger = selectCharger.get(deviceId)?.id ?? 0;
    const at = reader.at(deviceId, atMs);

    function* open(fromMs: number, toMs: number): Iterable<{ version: OcppVersion | undefined }> {
      for (const connection of at.connections(toMs + EPOCH_SKEW_MS)) {
        const { epoch, gateway, chapter, bootedAtMs, openedAtMs, closedAtMs } = connection;
        const { chapter: counting, upSinceMs } = at.gateway(gateway);
        if (counting !== chapter || openedAtMs > toMs) continue;
        // Earlier connections of the charger ended before this one did.
        if (closedAtMs !== undefined && closedAtMs < fromMs) return;
        const isThere = closedAtMs !== undefined || upSinceMs === bootedAtMs;
        if (!isThere && at.lastWatermarkMs(gateway, bootedAtMs) < fromMs) continue;
        yield { version: versionOf(selectSubprotocol.get(charger, epoch, gateway, chapter)?.subprotocol) };
      }
    }
    const toldUntilFree = (
      { connection, epoch, seq, subprotocol }: AnswerRow,
      connector: number,
    ): ReturnType<AnswerEvent['toldUntilFree']> => {
      const free = selectFree.get(charger, connector, epoch, connection, atMs, seq)?.seq ?? seq;
      if (free === seq) return [];
      const told = selectTold.all(connection, seq, free);
      if (told.some(({ isEmptied }) => isEmptied === 1)) throw pruned();
      return told.flatMap((row) =>
        [...deriveFacts(row, versionOf(subprotocol))].map((fact) => ({ seq: row.seq, fact })),
      );
    };
    return {
      answers: () =>
        selectAnswers.all(charger, messageIdOf(requestId), atMs).map((row) => {
          if (row.isEmptied === 1) throw pruned();
          const { account: gateway, subprotocol, epoch, chapter, seq, frame } = row;
          const place = { gateway, chapter, epoch, atMs: row.atMs, seq };
          return {
            ...place,
            frame,
            version: versionOf(subprotocol),
            toldUntilFree: (connector: number) => toldUntilFree(row, connector),
          };
        }),
      open,
      session: session(deviceId, sessionId, atMs),
      gateway: at.gateway,
      missedUntilMs: at.missedUntilMs,
    };
  };
}

export type CommandReader = ReturnType<typeof makeCommandReader>;
