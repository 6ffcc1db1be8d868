import type { DatabaseSync } from 'node:sqlite';
import type { RunRow } from './run-store.ts';
import { Fault, loadValue, toJson } from './values.ts';

/** All that is known of a run. */
export interface RunDetails extends RunRow {
  tasks: { id: string; attempts: number; isDone: boolean; value: unknown; fault: string | null }[];
  txs: TxDetails[];
}

interface TxDetails {
  state: string;
  isWanted: boolean;
  account: string | null;
  nonce: number | null;
  to: string;
  minedBlock: number | null;
  /** Every tx signed for it, oldest first; an empty one only uses up a nonce. */
  attempts: { hash: string; account: string; nonce: number; maxFeeWei: string; isEmpty: boolean; sentAtMs: number }[];
}

/** Reads one run for whoever wants to know what became of a request. */
export function makeRunReader(db: DatabaseSync): (id: number) => RunDetails | undefined {
  const run = db.prepare(
    `SELECT id, job_id AS jobId, request_id AS requestId, state, block_number AS blockNumber,
       created_at_ms AS createdAtMs, ended_at_ms AS endedAtMs, note, generation FROM runs WHERE id = ?`,
  );
  const tasks = db.prepare(
    'SELECT task AS id, attempts, value, is_done AS isDone FROM task_states WHERE run_id = ? AND generation = ?',
  );
  const txs = db.prepare(
    `SELECT id, state, is_wanted AS isWanted, account, nonce, recipient AS "to", mined_block AS minedBlock
     FROM txs WHERE run_id = ? ORDER BY id`,
  );
  const attempts = db.prepare(
    `SELECT tx_hash AS hash, account, nonce, max_fee_wei AS maxFeeWei, is_empty AS isEmpty, sent_at_ms AS sentAtMs
     FROM attempts WHERE tx_id = ? ORDER BY sent_at_ms`,
  );
  return (id) => {
    const row = run.get(id) as (RunRow & { generation: number }) | undefined;
    if (!row) return undefined;
    const { generation, ...shown } = row;
    return {
      ...shown,
      tasks: (tasks.all(id, generation) as { id: string; attempts: number; value: string; isDone: number }[]).map(
        ({ value: text, isDone, ...task }) => {
          const value = loadValue(text);
          const isFault = value instanceof Fault;
          return {
            ...task,
            isDone: isDone === 1,
            value: isFault ? null : JSON.parse(toJson(value)),
            fault: isFault ? value.message : null,
          };
        },
      ),
      txs: (txs.all(id) as ({ id: number; isWanted: number } & Omit<TxDetails, 'attempts' | 'isWanted'>)[]).map(
        ({ id: txId, isWanted, ...tx }) => ({
          ...tx,
          isWanted: Boolean(isWanted),
          attempts: (attempts.all(txId) as unknown as TxDetails['attempts']).map((attempt) => ({
            ...attempt,
            isEmpty: Boolean(attempt.isEmpty),
          })),
        }),
      ),
    };
  };
}
