import type { Database } from './database.ts';

/** Where the record of a gateway begins that can be given to another operator whole. */
export interface RecordBeginning {
  /** The first process whose batches are all there, with all that chargers said in them, Unix ms. */
  bootedAtMs: number;
  /** Where its first batch stands in the gateway's chain. */
  generation: number;
  number: number;
  /** Row of the last batch before it; undefined where the process began a chain of batches with its first. */
  anchor: number | undefined;
}

/**
 * Finds it: the first process after those whose messages are emptied (`makeRetention`) and of which no watermark is deleted
 * (`makeThinning`), if the batch before it is on record, by which it is known to be the beginning of a process. Undefined
 * where there is none yet.
 */
export function makeRecordBeginning(db: Database) {
  const selectEmptied = db.prepare<{ at_ms: number }>(
    'SELECT e.booted_at_ms AS at_ms FROM emptied e JOIN gateways g ON g.id = e.gateway WHERE g.account = ?',
  );
  const selectThinned = db.prepare<{ value: string }>(`SELECT value FROM meta WHERE name = 'thinned to'`);
  const selectGateway = db.prepare<{ id: number }>('SELECT id FROM gateways WHERE account = ?');
  const selectFirst = db.prepare<{ booted_at_ms: number; generation: number; number: number; watermark_ms: number }>(
    `SELECT booted_at_ms, generation, number, watermark_ms FROM batches
     WHERE gateway = ? AND booted_at_ms > ? AND is_void = 0 ORDER BY booted_at_ms, watermark_ms, id LIMIT 1`,
  );
  const selectBatch = db.prepare<{ id: number }>(
    'SELECT id FROM batches WHERE gateway = ? AND generation = ? AND number = ? AND is_void = 0',
  );

  return (account: string): RecordBeginning | undefined => {
    const gateway = selectGateway.get(account)?.id;
    if (gateway === undefined) return undefined;
    const thinnedToMs = Number(selectThinned.get()?.value ?? 0);
    for (let afterMs = selectEmptied.get(account)?.at_ms ?? -1; ; ) {
      const first = selectFirst.get(gateway, afterMs);
      if (first === undefined) return undefined;
      const { booted_at_ms: bootedAtMs, generation, number, watermark_ms: watermarkMs } = first;
      afterMs = bootedAtMs;
      if (watermarkMs < thinnedToMs) continue;
      if (number === 0) return { bootedAtMs, generation, number, anchor: undefined };
      const anchor = selectBatch.get(gateway, generation, number - 1)?.id;
      if (anchor !== undefined) return { bootedAtMs, generation, number, anchor };
    }
  };
}
