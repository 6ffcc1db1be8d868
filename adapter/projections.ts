import type { ChargerEvent } from '../core/charger-event.ts';
import type { ChargerFact, TransactionDetail, TransactionId } from '../core/charger-fact.ts';
import { sha256Hex } from '../core/identity.ts';
import { momentOf, toldReading } from '../core/meter-reading.ts';
import { cardSessionId } from '../core/session-answers.ts';
import type { ShownFact } from '../core/session-opening.ts';
import { startedTag } from '../core/started-tag.ts';
import { makeStationProjections, STATION_TABLES } from './station-tables.ts';

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
  'boots',
  'faults',
  'statuses',
  'readings',
  'signed_values',
  'transaction_messages',
  'transaction_starts',
  'transaction_stops',
  'transaction_events',
  'command_answers',
  ...STATION_TABLES,
] as const;

/** As those, and what is first known by an event and then stays known. */
export const FILLED_TABLES = [...PROJECTED_TABLES, 'card_tags'] as const;

/** Writes what a fact says into the tables that answers are read from. No idTag is in any of them. */
export function makeProjections(db: Writer, tables: readonly string[] = FILLED_TABLES) {
  const insert = (table: (typeof PROJECTED_TABLES)[number], columns: readonly string[]) => {
    if (!tables.includes(table)) return undefined;
    const all = ['charger', 'epoch', 'connection', 'at_ms', 'seq', 'received_at_ms', ...columns];
    return db.prepare(`INSERT INTO ${table} (${all.join(', ')}) VALUES (${all.map(() => '?').join(', ')})`);
  };
  const meter = ['register_wh', 'power_w', 'observed_at_sec', 'is_signed'];
  const boots = insert('boots', []);
  const faults = insert('faults', ['connector', 'error_class']);
  const statuses = insert('statuses', ['connector', 'part', 'status', 'error_class']);
  const readings = insert('readings', ['connector', ...meter]);
  const signed = insert('signed_values', ['connector']);
  const messages = insert('transaction_messages', ['transaction_id', 'kind', 'connector', 'seq_no', 'state', ...meter]);
  const starts = insert('transaction_starts', ['transaction_id', 'connector', 'outcome', ...meter]);
  const stops = insert('transaction_stops', ['transaction_id', 'reason', ...meter]);
  const transactions = insert('transaction_events', ['transaction_id', 'kind', 'session_id', 'tag_hash']);
  const answers = insert('command_answers', ['message_id']);
  const cardTags = tables.includes('card_tags')
    ? db.prepare('INSERT OR IGNORE INTO card_tags (tag_hash, connection, seq) VALUES (?, ?, ?)')
    : undefined;
  const station = makeStationProjections(db, tables);
  const selectDeviceId = db.prepare('SELECT device_id FROM chargers WHERE id = ?');
  const deviceIdOf = (charger: number) => (selectDeviceId.get(charger) as { device_id: string }).device_id;

  return (fact: ChargerFact, place: FactPlace, event: Pick<ChargerEvent, 'kind' | 'frame' | 'reply'>): void => {
    const { charger, epoch, connection, atMs, seq, receivedAtMs } = place;
    const where = [charger, epoch, connection, atMs, seq, receivedAtMs] as const;
    station(fact, place);
    if (fact.kind === 'boot') boots?.run(...where);
    if (fact.kind === 'fault') faults?.run(...where, fact.connector, fact.errorClass);
    if (fact.kind === 'status') statuses?.run(...where, fact.connector, fact.part ?? 0, fact.status, fact.errorClass);
    if (isOfTransaction(fact)) {
      const tag = startedTag(event);
      const kind = TRANSACTION_KINDS[fact.kind];
      // Most of what OCPP 2.x tells within a transaction shows no idToken.
      if (kind !== 'shown' || tag !== undefined) {
        const session = tag === undefined ? null : cardSessionId(deviceIdOf(charger), BigInt(epoch), BigInt(seq));
        const hash = tag === undefined ? null : tagHash(tag);
        transactions?.run(...where, String(fact.transactionId), kind, session, hash);
        if (hash !== null) cardTags?.run(hash, connection, seq);
      }
    } else if (event.kind === 'answer' && (fact.kind === 'answered' || fact.kind === 'unusable')) {
      const messageId = calledMessageId(event.reply);
      if (messageId !== undefined) answers?.run(...where, messageId);
    }
    if (fact.kind === 'meter' && fact.samples.some(({ reading }) => reading.kind === 'signed')) {
      signed?.run(...where, fact.connector);
    }
    const told = toldReading(fact, receivedAtMs);
    const reading =
      told === undefined ? undefined : [told.registerWh, told.powerW, told.observedAtSec, told.isSigned ? 1 : 0];
    if (told !== undefined && reading !== undefined && 'connector' in told) {
      readings?.run(...where, told.connector, ...reading);
    }
    const transaction = transactionOf(fact, receivedAtMs);
    if (transaction === undefined) return;
    const { kind, transactionId, connector = null, seqNo = null, state = null, atSec } = transaction;
    const values = reading ?? [null, 0, atSec, 0];
    messages?.run(...where, transactionId, kind, connector, seqNo, state, ...values);
    if (fact.kind === 'transaction-started') {
      starts?.run(...where, transactionId, connector, fact.outcome ?? null, ...values);
    } else if (fact.kind === 'transaction-stopped') {
      stops?.run(...where, transactionId, fact.reason, ...values);
    }
  };
}

const TRANSACTION_KINDS = {
  'transaction-started': 'start',
  'transaction-updated': 'shown',
  'transaction-stopped': 'stop',
} as const;

/** Whether a fact is one of those that tell of a transaction's start, course or end. */
export function isOfTransaction(fact: ChargerFact): fact is ShownFact {
  return Object.hasOwn(TRANSACTION_KINDS, fact.kind);
}

/** What every message of a transaction says; undefined if the fact is none. */
function transactionOf(fact: ChargerFact, receivedAtMs: number) {
  const receivedAtSec = Math.floor(receivedAtMs / 1000);
  switch (fact.kind) {
    case 'transaction-started':
      return { ...common(fact), kind: 'started', atSec: momentOf(fact.startedAt, receivedAtSec) };
    case 'transaction-updated':
      return { ...common(fact), kind: 'updated', atSec: momentOf(fact.updatedAt, receivedAtSec) };
    case 'transaction-stopped':
      return { ...common(fact), kind: 'stopped', atSec: momentOf(fact.stoppedAt, receivedAtSec) };
    default:
      return undefined;
  }
}

function common(fact: { transactionId: TransactionId; connector?: number; detail?: TransactionDetail }) {
  const { transactionId, connector, detail } = fact;
  return { transactionId, connector, seqNo: detail?.seqNo, state: detail?.state };
}

/** By this a start is found again from the tag it began with, which compares without regard to case. */
export function tagHash(idTag: string): string {
  return sha256Hex(idTag.toLowerCase());
}

/** The message id of the CALL that a charger answered. */
export function calledMessageId(call: string): string | undefined {
  try {
    const parts: unknown = JSON.parse(call);
    return Array.isArray(parts) && typeof parts[1] === 'string' ? parts[1] : undefined;
  } catch {
    return undefined;
  }
}
