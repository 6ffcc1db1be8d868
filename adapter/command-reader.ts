import { EPOCH_SKEW_MS } from '../core/as-of.ts';
import type { CommandRecordAt } from '../core/command-answer.ts';
import { type OcppVersion, versionOf } from '../core/ocpp-version.ts';
import { messageIdOf } from '../core/request-approval.ts';
import type { Database } from './database.ts';
import type { RecordReader } from './record-reader.ts';
import type { SessionReader } from './session-reader.ts';

interface AnswerRow {
  epoch: number;
  account: string;
  chapter: number;
  atMs: number;
  seq: number;
  frame: string;
  subprotocol: string | null;
}

/** Reads what a charger did about a request, as of a time. */
export function makeCommandReader(db: Database, reader: Pick<RecordReader, 'at'>, session: SessionReader) {
  const selectCharger = db.prepare<{ id: number }>('SELECT id FROM chargers WHERE device_id = ?');
  const selectAnswers = db.prepare<AnswerRow>(
    `SELECT c.epoch, g.account, c.chapter, t.at_ms AS atMs, t.seq, e.frame, c.subprotocol FROM command_answers t
     JOIN events e ON e.connection = t.connection AND e.seq = t.seq
     JOIN connections c ON c.id = t.connection JOIN gateways g ON g.id = c.gateway
     WHERE t.charger = ? AND t.message_id = ? AND t.at_ms <= ?`,
  );
  const selectSubprotocol = db.prepare<{ subprotocol: string | null }>(
    `SELECT c.subprotocol FROM connections c JOIN gateways g ON g.id = c.gateway
     WHERE c.charger = ? AND c.epoch = ? AND g.account = ? AND c.chapter = ?`,
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
    return {
      answers: () =>
        selectAnswers.all(charger, messageIdOf(requestId), atMs).map(({ account: gateway, subprotocol, ...row }) => ({
          ...row,
          gateway,
          version: versionOf(subprotocol),
        })),
      open,
      session: session(deviceId, sessionId, atMs),
      gateway: at.gateway,
      missedUntilMs: at.missedUntilMs,
    };
  };
}

export type CommandReader = ReturnType<typeof makeCommandReader>;
