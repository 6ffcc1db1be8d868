import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { ChargerEvent } from '../core/charger-event.ts';
import { deriveFacts } from '../core/derive-facts.ts';
import { DevsenError } from '../core/errors.ts';
import { versionOf } from '../core/ocpp-version.ts';
import { MIGRATIONS } from './migrations.ts';
import { type FactPlace, makeProjections } from './projections.ts';

export type Value = string | number | bigint | null | Uint8Array;

/** A prepared statement; `Row` is what its author says the columns are. */
export interface Statement<Row> {
  get: (...values: Value[]) => Row | undefined;
  all: (...values: Value[]) => Row[];
  each: (...values: Value[]) => IterableIterator<Row>;
  /** @returns the id of the row that was inserted last */
  run: (...values: Value[]) => number;
}

/** The operator's database. Every failure is a `DATABASE_UNAVAILABLE`. */
export interface Database {
  prepare: <Row = Record<string, Value>>(sql: string) => Statement<Row>;
  /** Runs `work` whole or not at all. Not to be nested. */
  transaction: <Result>(work: () => Result) => Result;
  close: () => void;
}

/**
 * Opens the file, or makes it, and brings its tables up to date.
 *
 * Write-ahead log with a flush at each commit: a batch leaves Redis when it is committed here, so it must survive a loss
 * of power.
 *
 * @param isGivingBack - whether a new file can give back pages that are free; it takes a tenth more time to write then
 * @throws DevsenError `DATABASE_UNAVAILABLE`, also if a newer version of the program made the file
 */
export function openDatabase(path: string, isGivingBack = false): Database {
  return guard(() => {
    const db = new DatabaseSync(path, { timeout: 100 });
    try {
      // Has an effect on a new file only.
      if (isGivingBack) db.exec('PRAGMA auto_vacuum = INCREMENTAL');
      db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF;
        PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 67108864;`);
      migrate(db);
    } catch (error) {
      db.close();
      throw error;
    }
    return wrap(db);
  });
}

interface Spoken {
  /** Null where the connection's opening is not on record. */
  subprotocol: string | null;
}

function migrate(db: DatabaseSync): void {
  const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number };
  if (version > MIGRATIONS.length) {
    throw new DevsenError('DATABASE_UNAVAILABLE', `database is of version ${version}, made by a newer program`);
  }
  if (version === MIGRATIONS.length) return;
  // All in one: tables are filled once they are what this program writes, and a record is never left half-way.
  const steps = MIGRATIONS.slice(version);
  db.exec(`BEGIN IMMEDIATE; ${steps.map(({ sql }) => sql).join('')}`);
  const tables = new Set(steps.flatMap(({ fills = [] }) => fills));
  if (tables.size > 0) fill(db, [...tables]);
  db.exec(`PRAGMA user_version = ${MIGRATIONS.length}; COMMIT;`);
}

/** Reads the events on record once more into tables that are new. */
function fill(db: DatabaseSync, tables: readonly string[]): void {
  const project = makeProjections(db, tables);
  const events = db.prepare(
    `SELECT c.charger, c.epoch, c.subprotocol, e.connection, e.seq, e.at_ms AS atMs, e.received_at_ms AS receivedAtMs,
       e.kind, e.frame, e.reply FROM events e JOIN connections c ON c.id = e.connection JOIN batches b ON b.id = e.batch
     WHERE b.is_void = 0 AND e.is_emptied = 0 ORDER BY e.id`,
  );
  for (const row of events.iterate()) {
    const event = row as unknown as FactPlace & Pick<ChargerEvent, 'kind' | 'frame' | 'reply'> & Spoken;
    for (const fact of deriveFacts(event, versionOf(event.subprotocol))) {
      project(fact, event, event);
    }
  }
}

function wrap(db: DatabaseSync): Database {
  return {
    prepare: <Row>(sql: string) => wrapStatement<Row>(guard(() => db.prepare(sql))),
    transaction: (work) =>
      guard(() => {
        db.exec('BEGIN IMMEDIATE');
        try {
          const result = work();
          db.exec('COMMIT');
          return result;
        } catch (error) {
          if (db.isTransaction) db.exec('ROLLBACK');
          throw error;
        }
      }),
    close: () => db.close(),
  };
}

function wrapStatement<Row>(statement: StatementSync): Statement<Row> {
  return {
    get: (...values) => guard(() => statement.get(...values) as Row | undefined),
    all: (...values) => guard(() => statement.all(...values) as Row[]),
    each: (...values) => guard(() => statement.iterate(...values) as unknown as IterableIterator<Row>),
    run: (...values) => guard(() => Number(statement.run(...values).lastInsertRowid)),
  };
}

function guard<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    const { code, errstr } = error as { code?: string; errstr?: string };
    if (code !== 'ERR_SQLITE_ERROR') throw error;
    throw new DevsenError('DATABASE_UNAVAILABLE', `database: ${errstr ?? 'failed'}`, { cause: error });
  }
}
