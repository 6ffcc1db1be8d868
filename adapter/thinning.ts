import type { Database } from './database.ts';

/** How much of the record one step looks at, ms of its time: about 7,000 watermarks of an idle gateway. */
const SLICE_MS = 3_600_000;

/** Deletes watermarks that no answer depends on any more. */
export interface Thinning {
  /**
   * Looks at the next slice of the record that is older than a time, in one transaction.
   *
   * @param beforeMs - Unix ms
   * @returns whether there is more to look at
   * @throws DevsenError `DATABASE_UNAVAILABLE`
   */
  step: (beforeMs: number) => boolean;
}

/**
 * A gateway tells a watermark twice in a second, busy or not: most of a record is that nothing happened.
 *
 * A batch may go if it holds no event and lies within one uninterrupted run of one process: the batches next to it are on
 * record, of the same chapter and process, and neither it nor the one after it came after a silence. A time that it covered
 * is then covered by the next one that stayed, which says the same. The first and the last batch of a run, and those on
 * both sides of a silence, stay, and so does every event: what answers say does not change.
 */
export function makeThinning(db: Database): Thinning {
  const selectReached = db.prepare<{ value: string }>(`SELECT value FROM meta WHERE name = 'thinned to'`);
  const saveReached = db.prepare(
    `INSERT INTO meta (name, value) VALUES ('thinned to', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
  );
  const selectBegin = db.prepare<{ at_ms: number | null }>('SELECT min(begins_at_ms) AS at_ms FROM chapters');
  const selectGateways = db.prepare<{ id: number }>('SELECT id FROM gateways');
  const deleteIdle = db.prepare(
    `DELETE FROM batches WHERE id IN (
       SELECT b.id FROM batches b
       JOIN batches p ON p.gateway = b.gateway AND p.generation = b.generation AND p.number = b.number - 1 AND p.is_void = 0
       JOIN batches n ON n.gateway = b.gateway AND n.generation = b.generation AND n.number = b.number + 1 AND n.is_void = 0
       WHERE b.gateway = ? AND b.watermark_ms >= ? AND b.watermark_ms < ? AND b.is_void = 0 AND b.event_count = 0
         AND b.is_late = 0 AND n.is_late = 0 AND p.chapter = b.chapter AND n.chapter = b.chapter
         AND p.booted_at_ms = b.booted_at_ms AND n.booted_at_ms = b.booted_at_ms)`,
  );
  return {
    step: (beforeMs) => {
      const fromMs = Number(selectReached.get()?.value ?? selectBegin.get()?.at_ms ?? beforeMs);
      if (fromMs >= beforeMs) return false;
      const toMs = Math.min(fromMs + SLICE_MS, beforeMs);
      db.transaction(() => {
        for (const { id } of selectGateways.all()) deleteIdle.run(id, fromMs, toMs);
        saveReached.run(String(toMs));
      });
      return toMs < beforeMs;
    },
  };
}
