import type { ChargerEvent } from '../core/charger-event.ts';
import type { ChargerFact } from '../core/charger-fact.ts';
import { sha256Hex } from '../core/identity.ts';
import { toldReading } from '../core/meter-reading.ts';
import { cardSessionId } from '../core/session-answers.ts';
import { startedTag } from '../core/started-tag.ts';

/** Where the event stands that a fact was read from. Times are Unix ms. */
export interface FactPlace {
  charger: number;
  epoch: number;
  connection: number;
  seq: number;
  atMs: number;
  receivedAtMs: number;
}

type Value = string | number | null;

/** What the projections need of a database. */
export interface Writer {
  prepare: (sql: string) => { run: (...values: Value[]) => unknown; get: (...values: Value[]) => unknown };
}

/** Tables that follow from the events alone, each row by its event's connection and seq. */
export const PROJECTED_TABLES = [
  'statuses',
  'readings',
  'transaction_starts',
  'transaction_stops',
  'transaction_events',
  'command_answers',
] as const;

/** Writes what a fact says into the tables that answers are read from. No idTag is in any of them. */
export function makeProjections(db: Writer, tables: readonly string[] = PROJECTED_TABLES) {
  const insert = (table: (typeof PROJECTED_TABLES)[number], columns: string) => {
    if (!tables.includes(table)) return undefined;
    const places = columns.split(',').map(() => '?');
    return db.prepare(
      `INSERT INTO ${table} (charger, epoch, connection, at_ms, seq, received_at_ms, ${columns})
       VALUES (?, ?, ?, ?, ?, ?, ${places.join(', ')})`,
    );
  };
  const meter = 'register_wh, power_w, observed_at_sec, is_signed';
  const statuses = insert('statuses', 'connector, status, error_class');
  const readings = insert('readings', `connector, ${meter}`);
  const starts = insert('transaction_starts', `transaction_id, connector, outcome, ${meter}`);
  const stops = insert('transaction_stops', `transaction_id, reason, ${meter}`);
  const transactions = insert('transaction_events', 'transaction_id, kind, session_id, tag_hash');
  const answers = insert('command_answers', 'message_id');
  const selectDeviceId = db.prepare('SELECT device_id FROM chargers WHERE id = ?');

  return (fact: ChargerFact, place: FactPlace, event: Pick<ChargerEvent, 'kind' | 'frame' | 'reply'>): void => {
    const { charger, epoch, connection, atMs, seq, receivedAtMs } = place;
    const where = [charger, epoch, connection, atMs, seq, receivedAtMs] as const;
    if (fact.kind === 'status') statuses?.run(...where, fact.connector, fact.status, fact.errorClass);
    if (fact.kind === 'transaction-started') {
      const { device_id: deviceId } = selectDeviceId.get(charger) as { device_id: string };
      const sessionId = cardSessionId(deviceId, BigInt(epoch), BigInt(seq));
      const tag = startedTag(event);
      transactions?.run(
        ...where,
        String(fact.transactionId),
        'start',
        sessionId,
        tag === undefined ? null : tagHash(tag),
      );
    } else if (fact.kind === 'transaction-stopped') {
      transactions?.run(...where, String(fact.transactionId), 'stop', null, null);
    } else if (event.kind === 'answer') {
      const messageId = calledMessageId(event.reply);
      if (messageId !== undefined) answers?.run(...where, messageId);
    }
    const told = toldReading(fact, receivedAtMs);
    if (told === undefined) return;
    const values = [told.registerWh, told.powerW, told.observedAtSec, told.isSigned ? 1 : 0] as const;
    if ('connector' in told) readings?.run(...where, told.connector, ...values);
    if (fact.kind === 'transaction-started') {
      starts?.run(...where, fact.transactionId, fact.connector, fact.outcome ?? null, ...values);
    } else if (fact.kind === 'transaction-stopped') {
      stops?.run(...where, fact.transactionId, fact.reason, ...values);
    }
  };
}

/** By this a start is found again from the tag it began with, which compares without regard to case. */
export function tagHash(idTag: string): string {
  return sha256Hex(idTag.toLowerCase());
}

/** The message id of the CALL that a charger answered. */
function calledMessageId(call: string): string | undefined {
  try {
    const parts: unknown = JSON.parse(call);
    return Array.isArray(parts) && typeof parts[1] === 'string' ? parts[1] : undefined;
  } catch {
    return undefined;
  }
}
