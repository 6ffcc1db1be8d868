import type { DatabaseSync } from 'node:sqlite';
import { inTransaction } from './database.ts';
import type { Fees } from './fees.ts';
import { loadValue, storeValue, type Value } from './values.ts';

/** A tx that a task wants sent. */
export interface TxRequest {
  /** Sent once for each key, however often it is asked for. */
  key: string;
  runId: number;
  to: string;
  /** 0x-hex. */
  data: string;
  gasLimit: number;
  /** Blocks, its own included, before the task goes on; 0 does not wait. */
  minConfirmations: number;
  failOnRevert: boolean;
  /** Block that holds what the tx answers: it is judged by no older state. */
  afterBlock: number;
}

export interface Tx extends TxRequest {
  id: number;
  state: 'queued' | 'sent' | 'mined' | 'final' | 'dropped';
  /** False once nobody needs it any more: before it is sent it is dropped, afterwards replaced by an empty one. */
  isWanted: boolean;
  nonce: number | undefined;
  minedBlock: number | undefined;
  /** A fault if it failed; undefined while not known. */
  outcome: Value | undefined;
}

/** A signed tx for a nonce. */
export interface TxAttempt extends Fees {
  hash: string;
  raw: string;
  nonce: number;
  /** Whether it does nothing but use up the nonce. */
  isEmpty: boolean;
  sentAtMs: number;
}

export type TxStore = ReturnType<typeof makeTxStore>;

const COLUMNS = `id, key, run_id AS runId, recipient AS "to", data, gas_limit AS gasLimit,
  min_confirmations AS minConfirmations, fail_on_revert AS failOnRevert,
  after_block AS afterBlock, state, is_wanted AS isWanted, nonce,
  mined_block AS minedBlock, outcome`;

/** Txs and every attempt at them. An attempt is written before it is broadcast. */
export function makeTxStore(db: DatabaseSync) {
  const sql = {
    add: db.prepare(
      `INSERT INTO txs (key, run_id, recipient, data, gas_limit, min_confirmations, fail_on_revert, after_block, state,
         is_wanted)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'queued', 1)
       ON CONFLICT (key) DO UPDATE SET state = 'queued', is_wanted = 1, outcome = NULL, after_block = excluded.after_block
       WHERE state = 'dropped'`,
    ),
    byKey: db.prepare(`SELECT ${COLUMNS} FROM txs WHERE key = ?`),
    open: db.prepare(`SELECT ${COLUMNS} FROM txs WHERE state IN ('sent', 'mined') ORDER BY nonce`),
    queued: db.prepare(`SELECT ${COLUMNS} FROM txs WHERE state = 'queued' ORDER BY id LIMIT ?`),
    dropUnwanted: db.prepare(`UPDATE txs SET state = 'dropped' WHERE state = 'queued' AND is_wanted = 0`),
    attempts: db.prepare(
      `SELECT tx_hash AS hash, raw, nonce, max_fee_wei AS maxFeeWei, tip_wei AS tipWei, is_empty AS isEmpty,
         sent_at_ms AS sentAtMs
       FROM attempts WHERE tx_id = ? ORDER BY sent_at_ms, length(max_fee_wei), max_fee_wei`,
    ),
    addAttempt: db.prepare('INSERT OR REPLACE INTO attempts VALUES (?, ?, ?, ?, ?, ?, ?, ?)'),
    sent: db.prepare(`UPDATE txs SET state = 'sent', nonce = ? WHERE id = ?`),
    mined: db.prepare(`UPDATE txs SET state = 'mined', mined_block = ? WHERE id = ?`),
    unmined: db.prepare(`UPDATE txs SET state = 'sent', mined_block = NULL WHERE id = ?`),
    final: db.prepare(`UPDATE txs SET state = 'final' WHERE id = ?`),
    reopen: db.prepare(`UPDATE txs SET state = 'sent', mined_block = NULL WHERE state = 'final' AND nonce >= ?`),
    requeue: db.prepare(`UPDATE txs SET state = 'queued', nonce = NULL WHERE id = ?`),
    drop: db.prepare(`UPDATE txs SET state = 'dropped', outcome = ? WHERE id = ?`),
    settle: db.prepare('UPDATE txs SET outcome = ? WHERE id = ?'),
    account: db.prepare('SELECT address, chain_id AS chainId FROM account'),
    setAccount: db.prepare('INSERT INTO account VALUES (?, ?)'),
    clearAccount: db.prepare('DELETE FROM account'),
    clearNonces: db.prepare(`UPDATE txs SET nonce = NULL WHERE state = 'final'`),
    counts: db.prepare(
      `SELECT (SELECT count(*) FROM txs WHERE state = 'queued') AS queued,
              (SELECT count(*) FROM txs WHERE state = 'sent') AS sent`,
    ),
  };
  const toTx = (row: Record<string, unknown> | undefined): Tx | undefined =>
    row && {
      ...(row as unknown as Tx),
      failOnRevert: row.failOnRevert === 1,
      isWanted: row.isWanted === 1,
      nonce: (row.nonce as number | null) ?? undefined,
      minedBlock: (row.minedBlock as number | null) ?? undefined,
      outcome: row.outcome === null ? undefined : loadValue(String(row.outcome)),
    };
  const toTxs = (rows: unknown[]) => rows.map((row) => toTx(row as Record<string, unknown>) as Tx);

  return {
    /** Adds a tx, unless its key is known; one that was given up before it was sent is tried afresh. */
    add: (tx: TxRequest) => {
      const { key, runId, to, data, gasLimit, minConfirmations, failOnRevert, afterBlock } = tx;
      sql.add.run(key, runId, to, data, gasLimit, minConfirmations, failOnRevert ? 1 : 0, afterBlock);
    },
    byKey: (key: string) => toTx(sql.byKey.get(key)),
    /** Txs that have a nonce and are not final, by nonce. */
    open: () => toTxs(sql.open.all()),
    /** Txs without a nonce, oldest first; those nobody wants any more are dropped. */
    queued: (limit: number) => {
      sql.dropUnwanted.run();
      return toTxs(sql.queued.all(limit));
    },
    attempts: (txId: number): TxAttempt[] =>
      (sql.attempts.all(txId) as Record<string, unknown>[]).map((row) => ({
        ...(row as unknown as TxAttempt),
        maxFeeWei: BigInt(String(row.maxFeeWei)),
        tipWei: BigInt(String(row.tipWei)),
        isEmpty: row.isEmpty === 1,
      })),
    /** Writes down a signed attempt, and the nonce as the tx's own. */
    addAttempt: (txId: number, attempt: TxAttempt) =>
      inTransaction(db, () => {
        const { hash, raw, nonce, maxFeeWei, tipWei, isEmpty, sentAtMs } = attempt;
        sql.addAttempt.run(txId, hash, raw, nonce, `${maxFeeWei}`, `${tipWei}`, isEmpty ? 1 : 0, sentAtMs);
        sql.sent.run(nonce, txId);
      }),
    mined: (txId: number, blockNumber: number) => sql.mined.run(blockNumber, txId),
    unmined: (txId: number) => sql.unmined.run(txId),
    final: (txId: number) => sql.final.run(txId),
    /** Watches final txs again whose nonce the chain says is unused. */
    reopen: (fromNonce: number) => Number(sql.reopen.run(fromNonce).changes),
    requeue: (txId: number) => sql.requeue.run(txId),
    drop: (txId: number, outcome: Value) => sql.drop.run(storeValue(outcome), txId),
    settle: (txId: number, outcome: Value) => sql.settle.run(storeValue(outcome), txId),
    counts: () => sql.counts.get() as { queued: number; sent: number },

    /** The account and chain whose nonces these are; undefined in a new database. */
    account: () => sql.account.get() as { address: string; chainId: string } | undefined,
    /** From now on nonces are this account's; what the one before has sent and is final is its own affair. */
    setAccount: (address: string, chainId: string) =>
      inTransaction(db, () => {
        sql.clearAccount.run();
        sql.clearNonces.run();
        sql.setAccount.run(address, chainId);
      }),
  };
}
