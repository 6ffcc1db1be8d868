import type { Batch } from '../core/batch.ts';
import { sha256Hex } from '../core/identity.ts';
import type { Database } from './database.ts';

const MOST_PARKED = { gap: 20_000, key: 1_000 };
const MOST_EVIDENCE = 1_000;
const MOST_EVIDENCE_CHARACTERS = 262_144;

export interface Conviction {
  gateway: string;
  key: string;
  nowMs: number;
  generation: number;
  number: number;
  /** The batch on record, as JSON. */
  kept: string;
  /** The one that contradicts it. */
  text: string;
}

/** What stands beside the record: batches that wait, batches that were refused, and proofs. All of it is bounded. */
export interface SideTables {
  /** @returns false if no more can wait */
  park: (batch: Batch, text: string, reason: 'gap' | 'key', nowMs: number) => boolean;
  /** Takes out a batch that waited and is next, up to `number` of the generation or the first of a later one. */
  takeNext: (gateway: string, generation: number, number: number) => string | undefined;
  /** Takes out the earliest batch that waits for a gap to close. */
  takeFirst: (gateway: string) => string | undefined;
  /** Takes out all that waited for the gateway's key to be registered, in order. */
  takeForKey: (gateway: string) => string[];
  parkedOf: (gateway: string) => number;
  /** Those of them that wait for one before them. */
  gapOf: (gateway: string) => number;
  /** Gateways with a batch that has waited for a gap to close since before a time. */
  gapsSince: (beforeMs: number) => string[];
  addEvidence: (gateway: string, reason: string, text: string, nowMs: number) => void;
  convict: (conviction: Conviction) => void;
  forget: () => void;
}

interface ParkedKey {
  generation: number;
  number: number;
  text_hash: string;
  text: string;
}

export function makeSideTables(db: Database): SideTables {
  const insertParked = db.prepare<{ number: number }>(
    `INSERT INTO parked (gateway, generation, number, text_hash, parked_at_ms, reason, text) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO NOTHING RETURNING number`,
  );
  const columns = 'SELECT generation, number, text_hash, text FROM parked';
  const selectNext = db.prepare<ParkedKey>(
    `${columns} WHERE gateway = ?1 AND reason = 'gap'
       AND ((generation = ?2 AND number <= ?3) OR (generation > ?2 AND number = 0) OR generation < ?2)
     ORDER BY generation, number LIMIT 1`,
  );
  const selectFirst = db.prepare<ParkedKey>(
    `${columns} WHERE gateway = ? AND reason = 'gap' ORDER BY generation, number LIMIT 1`,
  );
  const selectForKey = db.prepare<ParkedKey>(
    `${columns} WHERE gateway = ? AND reason = 'key' ORDER BY generation, number`,
  );
  const deleteParked = db.prepare(
    'DELETE FROM parked WHERE gateway = ? AND generation = ? AND number = ? AND text_hash = ?',
  );
  const countParked = db.prepare<{ gateway: string; reason: 'gap' | 'key'; total: number }>(
    'SELECT gateway, reason, count(*) AS total FROM parked GROUP BY gateway, reason',
  );
  const selectGaps = db.prepare<{ gateway: string }>(
    `SELECT gateway FROM parked WHERE reason = 'gap' GROUP BY gateway HAVING min(parked_at_ms) <= ?`,
  );
  const insertEvidence = db.prepare('INSERT INTO evidence (at_ms, gateway, reason, text) VALUES (?, ?, ?, ?)');
  const trimEvidence = db.prepare('DELETE FROM evidence WHERE id <= ?');
  const insertConviction = db.prepare(
    `INSERT INTO convictions (gateway, signing_key, at_ms, generation, number, kept, contradicting)
     VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  );

  /** How many wait, by `<gateway> <reason>`. */
  let waiting = new Map<string, number>();
  const load = () => {
    waiting = new Map(countParked.all().map((row) => [`${row.gateway} ${row.reason}`, row.total]));
  };
  load();
  const count = (gateway: string, reason: 'gap' | 'key') => waiting.get(`${gateway} ${reason}`) ?? 0;
  const add = (gateway: string, reason: 'gap' | 'key', by: number) =>
    waiting.set(`${gateway} ${reason}`, count(gateway, reason) + by);
  const take = (gateway: string, reason: 'gap' | 'key', row: ParkedKey | undefined) => {
    if (row === undefined) return undefined;
    deleteParked.run(gateway, row.generation, row.number, row.text_hash);
    add(gateway, reason, -1);
    return row.text;
  };

  return {
    park: (batch, text, reason, nowMs) => {
      if (count(batch.gateway, reason) >= MOST_PARKED[reason]) return false;
      const { gateway, generation, number } = batch;
      const inserted = insertParked.get(gateway, generation, number, sha256Hex(text), nowMs, reason, text);
      if (inserted !== undefined) add(gateway, reason, 1);
      return true;
    },
    takeNext: (gateway, generation, number) =>
      count(gateway, 'gap') === 0 ? undefined : take(gateway, 'gap', selectNext.get(gateway, generation, number)),
    takeFirst: (gateway) => take(gateway, 'gap', selectFirst.get(gateway)),
    takeForKey: (gateway) => {
      if (count(gateway, 'key') === 0) return [];
      return selectForKey.all(gateway).map((row) => take(gateway, 'key', row) ?? '');
    },
    parkedOf: (gateway) => count(gateway, 'gap') + count(gateway, 'key'),
    gapOf: (gateway) => count(gateway, 'gap'),
    gapsSince: (beforeMs) => selectGaps.all(beforeMs).map((row) => row.gateway),
    addEvidence: (gateway, reason, text, nowMs) => {
      const id = insertEvidence.run(nowMs, gateway, reason, text.slice(0, MOST_EVIDENCE_CHARACTERS));
      trimEvidence.run(id - MOST_EVIDENCE);
    },
    convict: ({ gateway, key, nowMs, generation, number, kept, text }) => {
      insertConviction.run(gateway, key, nowMs, generation, number, kept, text);
    },
    forget: load,
  };
}
