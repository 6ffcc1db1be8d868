import type { DatabaseSync } from 'node:sqlite';
import { inTransaction } from './database.ts';
import { loadRequest, type OracleRequest, storeRequest } from './requests.ts';
import type { TaskState } from './run-graph.ts';
import { loadValue, storeValue } from './values.ts';

/**
 * - `unfinished`: to be worked on, or being worked on
 * - `completed`, `errored`: all tasks are done
 * - `cancelled`: the requester took the request back
 * - `orphaned`: the block that held the request is no longer part of the chain
 */
export type RunState = 'unfinished' | 'completed' | 'errored' | 'cancelled' | 'orphaned';

export interface Run {
  id: number;
  jobId: string;
  generation: number;
  /** Undefined for a run that the clock began. */
  request: OracleRequest | undefined;
}

/** A run as it is listed. */
export interface RunRow {
  id: number;
  jobId: string;
  /** Of a run that the clock began: `cron:` and when it was due. */
  requestId: string;
  state: RunState;
  blockNumber: number;
  createdAtMs: number;
  endedAtMs: number | null;
  note: string | null;
}

/** What one stretch of the chain says to a job, in the chain's order. */
export type ChainNews =
  | { kind: 'request'; request: OracleRequest }
  | { kind: 'cancelled' | 'answered'; requestId: string; blockNumber: number };

export type RunStore = ReturnType<typeof makeRunStore>;

/** Runs, their tasks' states and how far the chain was read. Everything is written before it has effects. */
export function makeRunStore(db: DatabaseSync, nowMs: () => number) {
  const sql = {
    cursor: db.prepare('SELECT block_number AS blockNumber FROM cursors WHERE job_id = ?'),
    setCursor: db.prepare(
      'INSERT INTO cursors VALUES (?1, ?2) ON CONFLICT (job_id) DO UPDATE SET block_number = excluded.block_number',
    ),
    checkpoints: db.prepare(
      'SELECT block_number AS number, block_hash AS hash FROM checkpoints WHERE job_id = ? ORDER BY block_number DESC',
    ),
    addCheckpoint: db.prepare('INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?)'),
    trimCheckpoints: db.prepare(
      `DELETE FROM checkpoints WHERE job_id = ?1 AND block_number < (
         SELECT block_number FROM checkpoints WHERE job_id = ?1 ORDER BY block_number DESC LIMIT 1 OFFSET 255)`,
    ),
    dropCheckpoints: db.prepare('DELETE FROM checkpoints WHERE job_id = ? AND block_number > ?'),
    byRequest: db.prepare('SELECT id, state, request FROM runs WHERE job_id = ? AND request_id = ?'),
    insert: db.prepare(
      `INSERT INTO runs (job_id, request_id, state, generation, request, block_number, created_at_ms)
       VALUES (?, ?, 'unfinished', 0, ?, ?, ?)`,
    ),
    revive: db.prepare(
      `UPDATE runs SET state = 'unfinished', request = ?2, block_number = ?3, generation = generation + ?4,
         ended_at_ms = NULL, ended_by_block = NULL, note = NULL WHERE id = ?1`,
    ),
    end: db.prepare(
      `UPDATE runs SET state = ?2, note = ?3, ended_at_ms = ?4, ended_by_block = ?5 WHERE id = ?1 AND state = 'unfinished'`,
    ),
    orphans: db.prepare(
      `UPDATE runs SET state = 'orphaned', ended_at_ms = ?3, note = NULL, ended_by_block = NULL
       WHERE job_id = ?1 AND block_number > ?2 AND state <> 'orphaned' RETURNING id`,
    ),
    reopen: db.prepare(
      `UPDATE runs SET state = 'unfinished', ended_at_ms = NULL, ended_by_block = NULL, note = NULL
       WHERE job_id = ? AND ended_by_block > ? RETURNING id`,
    ),
    startOver: db.prepare('UPDATE runs SET generation = generation + 1 WHERE id = ?'),
    want: db.prepare('UPDATE txs SET is_wanted = ?2 WHERE run_id = ?1 AND is_wanted <> ?2'),
    hasOpenRun: db.prepare(`SELECT 1 FROM runs WHERE job_id = ? AND state = 'unfinished' LIMIT 1`),
    hasNonce: db.prepare('SELECT 1 FROM txs WHERE run_id = ? AND nonce IS NOT NULL LIMIT 1'),
    wasEmptied: db.prepare(
      'SELECT 1 FROM attempts JOIN txs ON txs.id = attempts.tx_id WHERE txs.run_id = ? AND is_empty = 1 LIMIT 1',
    ),
    forgetFaults: db.prepare(`DELETE FROM task_states WHERE run_id = ? AND value LIKE '{"t":"fault"%'`),
    unfinished: db.prepare(`SELECT id FROM runs WHERE state = 'unfinished' AND id > ? ORDER BY id LIMIT ?`),
    run: db.prepare('SELECT id, job_id AS jobId, generation, request FROM runs WHERE id = ?'),
    isOpen: db.prepare(`SELECT 1 FROM runs WHERE id = ? AND generation = ? AND state = 'unfinished'`),
    states: db.prepare(
      'SELECT task, attempts, value, is_done AS isDone FROM task_states WHERE run_id = ? AND generation = ?',
    ),
    saveState: db.prepare('INSERT OR REPLACE INTO task_states VALUES (?, ?, ?, ?, ?, ?)'),
    list: db.prepare(
      `SELECT id, job_id AS jobId, request_id AS requestId, state, block_number AS blockNumber,
         created_at_ms AS createdAtMs, ended_at_ms AS endedAtMs, note
       FROM runs WHERE id < ?1 AND (?3 IS NULL OR state = ?3) ORDER BY id DESC LIMIT ?2`,
    ),
    counts: db.prepare('SELECT state, count(*) AS runs FROM runs GROUP BY state'),
  };
  const end = (id: number, state: RunState, note: string | null, endedByBlock: number | null) => {
    const changed = sql.end.run(id, state, note, nowMs(), endedByBlock).changes;
    if (Number(changed) > 0 && state !== 'completed') sql.want.run(id, 0);
    return Number(changed) > 0;
  };
  const takeIn = (jobId: string, news: readonly ChainNews[]): number[] => {
    const ended: number[] = [];
    for (const item of news) {
      const requestId = item.kind === 'request' ? item.request.requestId : item.requestId;
      const known = sql.byRequest.get(jobId, requestId) as { id: number; state: RunState; request: string } | undefined;
      if (item.kind === 'request') {
        if (!known) {
          sql.insert.run(jobId, requestId, storeRequest(item.request), item.request.log.blockNumber, nowMs());
        } else if (known.state === 'orphaned') revive(known, item.request);
      } else if (known?.state === 'unfinished') {
        const isAnswer = item.kind === 'answered';
        if (isAnswer && sql.hasNonce.get(known.id)) continue;
        const [state, note] = isAnswer
          ? (['completed', 'answered before'] as const)
          : (['cancelled', 'cancelled by the requester'] as const);
        if (end(known.id, state, note, item.blockNumber)) ended.push(known.id);
      }
    }
    return ended;
  };
  const revive = (known: { id: number; request: string }, request: OracleRequest) => {
    const goesOn = hasSameContents(loadRequest(known.request), request) && !sql.wasEmptied.get(known.id);
    sql.revive.run(known.id, storeRequest(request), request.log.blockNumber, goesOn ? 0 : 1);
    if (!goesOn) return;
    sql.want.run(known.id, 1);
    sql.forgetFaults.run(known.id);
  };

  return {
    /** Last block whose logs this job has taken in; undefined for a job that never ran. */
    cursor: (jobId: string) => (sql.cursor.get(jobId) as { blockNumber: number } | undefined)?.blockNumber,
    /** Blocks up to which the chain was read, newest first. */
    checkpoints: (jobId: string) => sql.checkpoints.all(jobId) as unknown as { number: number; hash: string }[],

    /** Sets where a job that never ran begins. */
    begin: (jobId: string, blockNumber: number) => {
      sql.setCursor.run(jobId, blockNumber);
    },

    /**
     * Takes in what the chain said up to a block, together with the place reached.
     *
     * @returns runs that must stop
     */
    advance: (jobId: string, to: { number: number; hash: string }, news: readonly ChainNews[]): number[] =>
      inTransaction(db, () => {
        const ended = takeIn(jobId, news);
        sql.setCursor.run(jobId, to.number);
        sql.addCheckpoint.run(jobId, to.number, to.hash);
        sql.trimCheckpoints.run(jobId);
        return ended;
      }),

    /** Takes in what the chain said about blocks that were read before; what is known has no effect. */
    takeIn: (jobId: string, news: readonly ChainNews[]): number[] => inTransaction(db, () => takeIn(jobId, news)),
    /** Whether a request has a run, other than one whose block is no longer part of the chain. */
    knows: (jobId: string, requestId: string): boolean => {
      const known = sql.byRequest.get(jobId, requestId) as { state: RunState } | undefined;
      return known !== undefined && known.state !== 'orphaned';
    },

    /**
     * Begins a run that is due by the clock, unless the one before still goes on, or this one was begun before.
     *
     * @returns whether it was begun
     */
    beginDue: (jobId: string, dueAtMs: number): boolean =>
      inTransaction(db, () => {
        if (sql.hasOpenRun.get(jobId)) return false;
        const requestId = `cron:${new Date(dueAtMs).toISOString()}`;
        if (sql.byRequest.get(jobId, requestId)) return false;
        sql.insert.run(jobId, requestId, '', 0, nowMs());
        return true;
      }),

    /**
     * Goes back to a block that is still part of the chain: requests in later ones are orphaned until they come again,
     * and what later ones ended is open again.
     *
     * @returns runs that must stop
     */
    rewind: (jobId: string, toBlock: number): number[] =>
      inTransaction(db, () => {
        const orphaned = sql.orphans.all(jobId, toBlock, nowMs()) as { id: number }[];
        for (const { id } of orphaned) sql.want.run(id, 0);
        for (const { id } of sql.reopen.all(jobId, toBlock) as { id: number }[]) {
          // An answer whose nonce an empty tx took, or may yet take, is made anew.
          if (sql.wasEmptied.get(id)) sql.startOver.run(id);
          else sql.want.run(id, 1);
        }
        sql.dropCheckpoints.run(jobId, toBlock);
        sql.setCursor.run(jobId, toBlock);
        return orphaned.map(({ id }) => id);
      }),

    /** Ids of unfinished runs after one, oldest first. */
    unfinished: (afterId: number, limit: number): number[] =>
      (sql.unfinished.all(afterId, limit) as { id: number }[]).map(({ id }) => id),
    run: (id: number): Run => {
      const row = sql.run.get(id) as { id: number; jobId: string; generation: number; request: string };
      return { ...row, request: row.request === '' ? undefined : loadRequest(row.request) };
    },
    isOpen: (run: Pick<Run, 'id' | 'generation'>) => sql.isOpen.get(run.id, run.generation) !== undefined,

    taskStates: (run: Pick<Run, 'id' | 'generation'>): Map<string, TaskState> =>
      new Map(
        (
          sql.states.all(run.id, run.generation) as { task: string; attempts: number; value: string; isDone: number }[]
        ).map(({ task, attempts, value, isDone }) => [
          task,
          { attempts, value: loadValue(value), isDone: isDone === 1 },
        ]),
      ),
    saveTask: (run: Pick<Run, 'id' | 'generation'>, task: string, { attempts, value, isDone }: TaskState) => {
      sql.saveState.run(run.id, run.generation, task, attempts, storeValue(value), isDone ? 1 : 0);
    },

    /** @returns whether the run was still unfinished */
    end: (id: number, state: RunState, note: string | null, endedByBlock: number | null): boolean =>
      inTransaction(db, () => end(id, state, note, endedByBlock)),
    /** Has the tasks that failed, and those that failed because of them, tried afresh. */
    forgetFaults: (run: Pick<Run, 'id'>) => {
      sql.forgetFaults.run(run.id);
    },

    /** Newest first; of one state only if it is given. */
    list: (beforeId: number, limit: number, state?: string): RunRow[] =>
      sql.list.all(beforeId, limit, state ?? null) as unknown as RunRow[],
    counts: (): Record<string, number> =>
      Object.fromEntries(
        (sql.counts.all() as { state: string; runs: number }[]).map(({ state, runs }) => [state, runs]),
      ),
  };
}

/** Whether a request that was mined again asks for the very same answer; its block's time is part of what it asks. */
function hasSameContents(a: OracleRequest, b: OracleRequest): boolean {
  return a.log.data === b.log.data && a.log.topics.join() === b.log.topics.join();
}
