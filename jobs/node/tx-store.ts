import type { DatabaseSync } from 'node:sqlite';
import { inTransaction } from './database.ts';
import type { Fees } from './fees.ts';
import { loadValue, storeValue, type Value } from './values.ts';

/** A tx that a task wants sent. */
export interface TxRequest {
  /** Sent once for each key, however often it is asked for. */
  key: string;
  runId: number;
  /** The accounts it may be sent from, lower case; undefined: any. */
  from?: readonly string[] | undefined;
  to: string;
  /** 0x-hex. */
  data: string;
  gasLimit: number;
  /** Blocks, its own included, before the task goes on; 0 does not wait. */
  minConfirmations: number;
  failOnRevert: boolean;
  /** Block that holds what the tx answers: it is judged by no older state. */
  afterBlock: number;
  /** What it earns, wei; undefined where it is sent whatever its gas costs. */
  worthWei: bigint | undefined;
}

export interface Tx extends TxRequest {
  id: number;
  state: 'queued' | 'sent' | 'mined' | 'final' | 'dropped';
  /** False once nobody needs it any more: before it is sent it is dropped, afterwards replaced by an empty one. */
  isWanted: boolean;
  /** Whose nonce it has, lower case. */
  account: string | undefined;
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
  /** Whose nonce, lower case. */
  account: string;
  /** Whether it does nothing but use up the nonce. */
  isEmpty: boolean;
  sentAtMs: number;
}

export type TxStore = ReturnType<typeof makeTxStore>;

const COLUMNS = `id, key, run_id AS runId, recipient AS "to", data, gas_limit AS gasLimit,
  min_confirmations AS minConfirmations, fail_on_revert AS failOnRevert,
  after_block AS afterBlock, worth_wei AS worthWei, senders AS "from", state, is_wanted AS isWanted, account, nonce,
  mined_block AS minedBlock, outcome`;

/** Txs and every attempt at them. An attempt is written before it is broadcast. */
export function makeTxStore(db: DatabaseSync) {
  const sql = {
    add: db.prepare(
      `INSERT INTO txs (key, run_id, recipient, data, gas_limit, min_confirmations, fail_on_revert, after_block,
         worth_wei, senders, state, is_wanted)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued', 1)
       ON CONFLICT (key) DO UPDATE SET state = 'queued', is_wanted = 1, outcome = NULL, after_block = excluded.after_block
       WHERE state = 'dropped'`,
    ),
    byKey: db.prepare(`SELECT ${COLUMNS} FROM txs WHERE key = ?`),
    open: db.prepare(`SELECT ${COLUMNS} FROM txs WHERE state IN ('sent', 'mined') AND account = ? ORDER BY nonce`),
    queued: db.prepare(
      `SELECT ${COLUMNS} FROM txs WHERE state = 'queued' AND after_block <= ? AND (senders IS NULL OR instr(senders, ?) > 0)
       ORDER BY id LIMIT ?`,
    ),
    dropUnwanted: db.prepare(`UPDATE txs SET state = 'dropped' WHERE state = 'queued' AND is_wanted = 0`),
    attempts: db.prepare(
      `SELECT tx_hash AS hash, raw, nonce, account, max_fee_wei AS maxFeeWei, tip_wei AS tipWei, is_empty AS isEmpty,
         sent_at_ms AS sentAtMs
       FROM attempts WHERE tx_id = ? ORDER BY sent_at_ms, length(max_fee_wei), max_fee_wei`,
    ),
    addAttempt: db.prepare('INSERT OR REPLACE INTO attempts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)'),
    sent: db.prepare(`UPDATE txs SET state = 'sent', account = ?, nonce = ? WHERE id = ?`),
    mined: db.prepare(`UPDATE txs SET state = 'mined', mined_block = ? WHERE id = ?`),
    unmined: db.prepare(`UPDATE txs SET state = 'sent', mined_block = NULL WHERE id = ?`),
    final: db.prepare(`UPDATE txs SET state = 'final' WHERE id = ?`),
    reopen: db.prepare(
      `UPDATE txs SET state = 'sent', mined_block = NULL WHERE state = 'final' AND account = ? AND nonce >= ?`,
    ),
    requeue: db.prepare(`UPDATE txs SET state = 'queued', account = NULL, nonce = NULL WHERE id = ?`),
    drop: db.prepare(`UPDATE txs SET state = 'dropped', outcome = ? WHERE id = ?`),
    settle: db.prepare('UPDATE txs SET outcome = ? WHERE id = ?'),
    chainId: db.prepare('SELECT chain_id AS chainId FROM account'),
    setChainId: db.prepare('INSERT INTO account VALUES (?, ?)'),
    clearChainId: db.prepare('DELETE FROM account'),
    clearNonces: db.prepare(`UPDATE txs SET account = NULL, nonce = NULL WHERE state = 'final'`),
    openAccounts: db.prepare(`SELECT DISTINCT account FROM txs WHERE state IN ('sent', 'mined')`),
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
      account: (row.account as string | null) ?? undefined,
      from: row.from === null ? undefined : String(row.from).split(','),
      worthWei: row.worthWei === null ? undefined : BigInt(String(row.worthWei)),
      outcome: row.outcome === null ? undefined : loadValue(String(row.outcome)),
    };
  const toTxs = (rows: unknown[]) => rows.map((row) => toTx(row as Record<string, unknown>) as Tx);

  return {
    /** Adds a tx, unless its key is known; one that was given up before it was sent is tried afresh. */
    add: (tx: TxRequest) => {
      const { key, runId, to, data, gasLimit, minConfirmations, failOnRevert, afterBlock, worthWei, from } = tx;
      const worth = worthWei === undefined ? null : `${worthWei}`;
      const senders = from?.join(',') ?? null;
      sql.add.run(key, runId, to, data, gasLimit, minConfirmations, failOnRevert ? 1 : 0, afterBlock, worth, senders);
    },
    byKey: (key: string) => toTx(sql.byKey.get(key)),
    /** An account's txs that have a nonce and are not final, by nonce. */
    open: (account: string) => toTxs(sql.open.all(account)),
    /** Accounts that have such txs. */
    openAccounts: () => (sql.openAccounts.all() as { account: string }[]).map(({ account }) => account),
    /** Txs without a nonce that an account may send and a block lets be judged, oldest first; unwanted ones are dropped. */
    queued: (account: string, headNumber: number, limit: number) => {
      sql.dropUnwanted.run();
      return toTxs(sql.queued.all(headNumber, account, limit));
    },
    attempts: (txId: number): TxAttempt[] =>
      (sql.attempts.all(txId) as Record<string, unknown>[]).map((row) => ({
        ...(row as unknown as TxAttempt),
        maxFeeWei: BigInt(String(row.maxFeeWei)),
        tipWei: BigInt(String(row.tipWei)),
        isEmpty: row.isEmpty === 1,
      })),
    /** Writes down a signed attempt, and the account's nonce as the tx's own. */
    addAttempt: (txId: number, attempt: TxAttempt) =>
      inTransaction(db, () => {
        const { hash, raw, nonce, account, maxFeeWei, tipWei, isEmpty, sentAtMs } = attempt;
        sql.addAttempt.run(txId, hash, raw, nonce, `${maxFeeWei}`, `${tipWei}`, isEmpty ? 1 : 0, sentAtMs, account);
        sql.sent.run(account, nonce, txId);
      }),
    mined: (txId: number, blockNumber: number) => sql.mined.run(blockNumber, txId),
    unmined: (txId: number) => sql.unmined.run(txId),
    final: (txId: number) => sql.final.run(txId),
    /** Watches an account's final txs again whose nonce the chain says is unused. */
    reopen: (account: string, fromNonce: number) => Number(sql.reopen.run(account, fromNonce).changes),
    requeue: (txId: number) => sql.requeue.run(txId),
    drop: (txId: number, outcome: Value) => sql.drop.run(storeValue(outcome), txId),
    settle: (txId: number, outcome: Value) => sql.settle.run(storeValue(outcome), txId),
    counts: () => sql.counts.get() as { queued: number; sent: number },

    /** The chain that all of this is about; undefined in a new database. */
    chainId: () => (sql.chainId.get() as { chainId: string } | undefined)?.chainId,
    /** From now on this is about another chain; what was sent on the one before and is final is its own affair. */
    setChainId: (chainId: string) =>
      inTransaction(db, () => {
        sql.clearChainId.run();
        sql.clearNonces.run();
        sql.setChainId.run('', chainId);
      }),
  };
}
