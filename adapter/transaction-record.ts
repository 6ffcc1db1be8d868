import type { TransactionId } from '../core/charger-fact.ts';
import { versionOf } from '../core/ocpp-version.ts';
import { transactionIdIn } from '../core/transaction-id.ts';
import type { Database } from './database.ts';
import type { EventReader } from './event-reader.ts';
import { isOfTransaction } from './projections.ts';
import type { RecordPlace } from './session-record.ts';
import { makeTransactionGaps } from './transaction-gaps.ts';

/** Which transactions of a list are told: all, those without an end on record, or those with one. */
export type TransactionState = 'any' | 'open' | 'ended';

/** The message by which a transaction is found: its start, or the first that is on record of it. */
interface FoundRow {
  identity: string;
  device_id: string;
  charger: number;
  connection: number;
  epoch: number;
  at_ms: number;
  seq: number;
  /** Its transaction's id as text. */
  transaction_id: string;
}

interface Shown {
  transactionId: TransactionId;
  /** What the idTag was answered. */
  outcome?: string | undefined;
}

interface BeginRow {
  connector: number | null;
  register_wh: number | null;
  observed_at_sec: number;
}

/** How many starts are looked at for one page: where most are ended, a list of open ones has gaps and goes on. */
const MOST_LOOKED_AT = 2_000;

/** How many of them at once. */
const CHUNK = 100;

const COLUMNS = 'h.identity, h.device_id, t.charger, t.connection, t.epoch, t.at_ms, t.seq, t.transaction_id';
const FROM = 'FROM transaction_events t JOIN chargers h ON h.id = t.charger';
const BEFORE = '(t.epoch, t.at_ms, t.seq) < (?, ?, ?)';
const ORDER = 'ORDER BY t.epoch DESC, t.at_ms DESC, t.seq DESC LIMIT ?';
/** A charger that was offline for long may have lost the start: then what came first stands for it. */
const isFirst = (where = '') => `(t.kind = 'start' OR NOT EXISTS (SELECT 1 FROM transaction_events o
  WHERE o.charger = t.charger AND o.transaction_id = t.transaction_id AND (o.epoch, o.at_ms, o.seq) < (t.epoch, t.at_ms, t.seq)
  ${where}))`;

/** Transactions by charger or by card, the latest first. */
export function makeTransactionRecord(db: Database, events: Pick<EventReader, 'factsAt'>) {
  const selectOfCharger = db.prepare<FoundRow>(
    `SELECT ${COLUMNS} ${FROM} WHERE h.device_id = ? AND ${BEFORE} AND ${isFirst()} ${ORDER}`,
  );
  const selectOfCard = db.prepare<FoundRow>(
    `SELECT ${COLUMNS} ${FROM} WHERE t.tag_hash = ? AND ${BEFORE} AND ${isFirst('AND o.tag_hash IS NOT NULL')} ${ORDER}`,
  );
  const missingOf = makeTransactionGaps(db);
  const selectBegin = db.prepare<BeginRow>(
    `SELECT connector, register_wh, observed_at_sec FROM transaction_messages
     WHERE charger = ? AND transaction_id = ? AND (epoch, at_ms, seq) <= (?, ?, ?)
     ORDER BY kind = 'started' DESC, epoch, at_ms, seq LIMIT 1`,
  );
  const selectConnector = db.prepare<{ connector: number }>(
    'SELECT connector FROM transaction_messages WHERE charger = ? AND transaction_id = ? AND connector IS NOT NULL LIMIT 1',
  );
  const selectStop = db.prepare<{ register_wh: number | null; observed_at_sec: number; reason: string }>(
    `SELECT p.register_wh, p.observed_at_sec, p.reason FROM transaction_stops p
     WHERE p.charger = ?1 AND p.transaction_id = ?2 AND (p.epoch, p.at_ms) >= (?3, ?4)
     ORDER BY p.epoch, p.at_ms LIMIT 1`,
  );

  const page = (
    select: (before: RecordPlace, limit: number) => FoundRow[],
    before: RecordPlace,
    limit: number,
    state: TransactionState,
  ) => {
    const items = [];
    let place: RecordPlace | undefined = before;
    const chunk = state === 'any' ? limit : Math.max(limit, CHUNK);
    for (let looked = 0; place !== undefined && items.length < limit && looked < MOST_LOOKED_AT; ) {
      const rows: FoundRow[] = select(place, chunk + 1);
      looked += rows.length;
      place = undefined;
      for (const [index, row] of rows.entries()) {
        const told = transactionOf(row);
        if (state === 'any' || (state === 'open') === (told.stop === null)) items.push(told);
        if (index + 1 < rows.length && (items.length === limit || index + 1 === chunk)) {
          place = [row.epoch, row.at_ms, row.seq];
          break;
        }
      }
    }
    return { items, next: place?.join('-') ?? null };
  };
  const selectSubprotocol = db.prepare<{ subprotocol: string | null }>(
    'SELECT subprotocol FROM connections WHERE id = ?',
  );
  const selectOutcome = db.prepare<{ outcome: string | null }>(
    `SELECT outcome FROM transaction_starts
     WHERE charger = ? AND transaction_id = ? AND epoch = ? AND at_ms = ? AND connection = ? AND seq = ?`,
  );
  /** What the tables still say of a message that is deleted for its age. */
  const leftOf = ({ charger, connection, epoch, at_ms: atMs, seq, transaction_id: text }: FoundRow) => {
    const version = versionOf(selectSubprotocol.get(connection)?.subprotocol);
    const transactionId = transactionIdIn(text, version);
    const outcome = selectOutcome.get(charger, transactionId, epoch, atMs, connection, seq)?.outcome ?? undefined;
    return { transactionId, outcome };
  };
  const transactionOf = (row: FoundRow) => {
    const { identity, device_id: deviceId, charger, connection, epoch, at_ms: atMs, seq } = row;
    const [fact] = events.factsAt(connection, seq).flatMap((one) => (isOfTransaction(one.fact) ? [one.fact] : []));
    const { transactionId, outcome }: Shown = fact ?? leftOf(row);
    const begin = selectBegin.get(charger, transactionId, epoch, atMs, seq);
    const stop = selectStop.get(charger, transactionId, epoch, atMs);
    return {
      charger: identity,
      cursor: `${epoch}-${atMs}-${seq}`,
      transactionId,
      connector: begin?.connector ?? selectConnector.get(charger, transactionId)?.connector ?? null,
      idTagStatus: outcome ?? null,
      meterStartWh: begin?.register_wh ?? null,
      startedAt: begin?.observed_at_sec ?? null,
      missingMessages: missingOf(deviceId, transactionId),
      stop: stop ? { meterStopWh: stop.register_wh, stoppedAt: stop.observed_at_sec, reason: stop.reason } : null,
    };
  };

  return {
    /** A charger's, before a place in its record. */
    ofCharger: (deviceId: string, before: RecordPlace, limit: number, state: TransactionState) =>
      page((place, most) => selectOfCharger.all(deviceId, ...place, most), before, limit, state),
    /** Those that began with a card, at any charger. @param tagHash - from `CardIndex`; undefined: there are none */
    ofCard: (tagHash: string | undefined, before: RecordPlace, limit: number, state: TransactionState) =>
      tagHash === undefined
        ? { items: [], next: null }
        : page((place, most) => selectOfCard.all(tagHash, ...place, most), before, limit, state),
  };
}

export type TransactionRecord = ReturnType<typeof makeTransactionRecord>;
