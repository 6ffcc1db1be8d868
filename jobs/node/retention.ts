import type { DatabaseSync } from 'node:sqlite';
import { inTransaction } from './database.ts';

/** Runs deleted in one step, so that nothing else waits long for the database. */
const STEP_RUNS = 500;

/**
 * Deletes runs that ended long ago, with their tasks, txs and places for answers.
 *
 * Kept whatever their age: runs with a tx that is not final, and those whose block is still among the ones by which a
 * reorg is found or that are read a second time, for they would be begun anew. A request that is read again later (by a
 * replay) begins a run that finds it answered.
 */
export function makeRetention(db: DatabaseSync) {
  const prune = db.prepare(
    `DELETE FROM runs WHERE id IN (
       SELECT id FROM runs
       WHERE ended_at_ms < ?1 AND state <> 'unfinished'
         AND block_number < (
           SELECT coalesce(min(block_number), 1) FROM checkpoints WHERE checkpoints.job_id = runs.job_id)
         AND NOT EXISTS (
           SELECT 1 FROM txs WHERE txs.run_id = runs.id AND txs.state IN ('queued', 'sent', 'mined'))
       ORDER BY ended_at_ms LIMIT ?2)`,
  );
  return {
    /** @returns how many runs were deleted */
    prune: async (endedBeforeMs: number): Promise<number> => {
      let deleted = 0;
      for (;;) {
        const step = inTransaction(db, () => Number(prune.run(endedBeforeMs, STEP_RUNS).changes));
        deleted += step;
        if (step < STEP_RUNS) return deleted;
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}
