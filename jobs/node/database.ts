import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DevsenError } from '../../core/errors.ts';

/** One step of the schema each; the database's `user_version` counts the steps it has made. */
const MIGRATIONS = [
  `CREATE TABLE account (address TEXT NOT NULL, chain_id TEXT NOT NULL) STRICT;

   -- How far each job has read the chain, and hashes by which a reorg is found.
   CREATE TABLE cursors (job_id TEXT PRIMARY KEY, block_number INTEGER NOT NULL) STRICT;
   CREATE TABLE checkpoints (
     job_id TEXT NOT NULL, block_number INTEGER NOT NULL, block_hash TEXT NOT NULL,
     PRIMARY KEY (job_id, block_number)
   ) STRICT, WITHOUT ROWID;

   -- One row for each request, wherever in the chain it stands: the unique pair is what makes it be answered once.
   CREATE TABLE runs (
     id INTEGER PRIMARY KEY,
     job_id TEXT NOT NULL,
     request_id TEXT NOT NULL,
     state TEXT NOT NULL CHECK (state IN ('unfinished', 'completed', 'errored', 'cancelled', 'orphaned')),
     -- Grows when the request comes back in another block with other contents: what was done before counts no more.
     generation INTEGER NOT NULL,
     request TEXT NOT NULL,
     block_number INTEGER NOT NULL,
     created_at_ms INTEGER NOT NULL,
     ended_at_ms INTEGER,
     -- Block whose log ended the run (a cancellation, an answer by another); that block may be orphaned too.
     ended_by_block INTEGER,
     note TEXT,
     UNIQUE (job_id, request_id)
   ) STRICT;
   CREATE INDEX runs_by_state ON runs (state, id);
   CREATE INDEX runs_by_block ON runs (job_id, block_number);

   CREATE TABLE task_states (
     run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
     generation INTEGER NOT NULL,
     task TEXT NOT NULL,
     attempts INTEGER NOT NULL,
     value TEXT NOT NULL,
     is_done INTEGER NOT NULL,
     PRIMARY KEY (run_id, generation, task)
   ) STRICT, WITHOUT ROWID;

   CREATE TABLE txs (
     id INTEGER PRIMARY KEY,
     key TEXT NOT NULL UNIQUE,
     run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
     recipient TEXT NOT NULL,
     data TEXT NOT NULL,
     gas_limit INTEGER NOT NULL,
     min_confirmations INTEGER NOT NULL,
     fail_on_revert INTEGER NOT NULL,
     -- Block that holds what the tx answers: an older state says nothing about whether it would succeed.
     after_block INTEGER NOT NULL,
     -- queued: no nonce yet; sent: has a nonce, may be in any mempool; mined; final: deep enough; dropped: never sent.
     state TEXT NOT NULL CHECK (state IN ('queued', 'sent', 'mined', 'final', 'dropped')),
     is_wanted INTEGER NOT NULL,
     nonce INTEGER,
     mined_block INTEGER,
     -- What the waiting task is told, once known.
     outcome TEXT
   ) STRICT;
   CREATE INDEX txs_open ON txs (id) WHERE state IN ('queued', 'sent', 'mined');
   CREATE INDEX txs_by_run ON txs (run_id);
   CREATE INDEX txs_by_nonce ON txs (nonce);

   -- Every tx ever signed for a nonce: each may be the one that is mined.
   CREATE TABLE attempts (
     tx_id INTEGER NOT NULL REFERENCES txs (id) ON DELETE CASCADE,
     tx_hash TEXT NOT NULL,
     raw TEXT NOT NULL,
     nonce INTEGER NOT NULL,
     max_fee_wei TEXT NOT NULL,
     tip_wei TEXT NOT NULL,
     is_empty INTEGER NOT NULL,
     sent_at_ms INTEGER NOT NULL,
     PRIMARY KEY (tx_id, tx_hash)
   ) STRICT, WITHOUT ROWID;`,
  `-- Places where adapters leave answers that come later; of a task's, one at most is not spent.
   CREATE TABLE callbacks (
     id TEXT PRIMARY KEY,
     key TEXT NOT NULL,
     run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
     token TEXT NOT NULL,
     state TEXT NOT NULL CHECK (state IN ('asked', 'pending', 'answered', 'spent')),
     deadline_ms INTEGER NOT NULL,
     outcome TEXT
   ) STRICT, WITHOUT ROWID;
   CREATE UNIQUE INDEX callbacks_open ON callbacks (key) WHERE state <> 'spent';
   CREATE INDEX callbacks_by_run ON callbacks (run_id);`,
  // A partial index serves only queries that repeat its condition; without this one every look read the whole table.
  `DROP INDEX txs_open;
   CREATE INDEX txs_by_state ON txs (state, id);`,
  `-- Which account a tx's nonce is of.
   ALTER TABLE txs ADD COLUMN account TEXT;
   ALTER TABLE attempts ADD COLUMN account TEXT;
   UPDATE attempts SET account = (SELECT address FROM account);
   UPDATE txs SET account = (SELECT address FROM account) WHERE nonce IS NOT NULL;
   DROP INDEX txs_by_nonce;
   CREATE INDEX txs_by_nonce ON txs (account, nonce);
   -- What an answer earns, in wei; NULL where it is sent whatever its gas costs.
   ALTER TABLE txs ADD COLUMN worth_wei TEXT;
   CREATE INDEX runs_by_end ON runs (ended_at_ms);`,
  `-- The newest good answer of each bridge task that may fall back on it.
   CREATE TABLE bridge_answers (place TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, body TEXT NOT NULL) STRICT, WITHOUT ROWID;`,
  // The accounts a tx may be sent from, divided by commas; NULL: any.
  'ALTER TABLE txs ADD COLUMN senders TEXT;',
];

/** A database that no other process may open as its own; others may read it meanwhile, as a copy does. */
class OwnDatabase extends DatabaseSync {
  readonly #lock: DatabaseSync | undefined;

  constructor(path: string) {
    const lock = path === ':memory:' ? undefined : takeLock(`${path}-lock`);
    try {
      super(path);
    } catch (error) {
      lock?.close();
      throw error;
    }
    this.#lock = lock;
  }

  override close(): void {
    super.close();
    this.#lock?.close();
  }
}

/** An empty database beside the other, in a transaction without end: the system takes the lock away when this process ends. */
function takeLock(path: string): DatabaseSync {
  const lock = new DatabaseSync(path, { timeout: 2_000 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock.close();
    throw error;
  }
}

/**
 * Opens the job node's database, for this process alone, and brings its schema up to date. Others may read it meanwhile.
 *
 * Writes survive the death of the process. A power cut may lose the last ones (`synchronous = NORMAL`), which costs
 * nothing: requests are read again from the chain, and a fulfilment that was sent is found there before a second.
 *
 * @throws DevsenError `DATABASE_UNAVAILABLE` if another process has it open, or it is newer than this program
 */
export function openDatabase(path: string): DatabaseSync {
  try {
    mkdirSync(dirname(path), { recursive: true });
    const db = new OwnDatabase(path);
    try {
      db.exec(
        'PRAGMA busy_timeout = 2000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;',
      );
      migrate(db);
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  } catch (error) {
    if (error instanceof DevsenError) throw error;
    const isLocked = /locked|busy/i.test((error as Error).message);
    const why = isLocked ? 'another process uses it' : (error as Error).message;
    throw new DevsenError('DATABASE_UNAVAILABLE', `the job node's database cannot be opened: ${why}`, { cause: error });
  }
}

function migrate(db: DatabaseSync): void {
  const version = Number((db.prepare('PRAGMA user_version').get() as { user_version: number }).user_version);
  if (version > MIGRATIONS.length) {
    throw new DevsenError('DATABASE_UNAVAILABLE', "the job node's database was written by a newer version");
  }
  for (let step = version; step < MIGRATIONS.length; step++) {
    inTransaction(db, () => db.exec(`${MIGRATIONS[step]}; PRAGMA user_version = ${step + 1};`));
  }
}

/** Does all of it, or nothing. */
export function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    db.exec('ROLLBACK');
    throw error;
  }
}
