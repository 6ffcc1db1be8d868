import { randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { type Fault, loadValue, storeValue, type Value } from './values.ts';

/**
 * - `asked`: the question is on its way to the adapter, or may be
 * - `pending`: the adapter said that it answers later
 * - `answered`: it did
 * - `spent`: nothing is taken any more: it answered at once or failed, the time is over, or a fault was handed on
 */
type CallbackState = 'asked' | 'pending' | 'answered' | 'spent';

/** A place where an adapter leaves one answer, once. */
export interface Callback {
  id: string;
  /** 64 hex digits that the adapter must show. */
  token: string;
  state: CallbackState;
  deadlineMs: number;
}

export type CallbackStore = ReturnType<typeof makeCallbackStore>;

/** Answers that adapters give later, and the one-time tokens they give them with. */
export function makeCallbackStore(db: DatabaseSync) {
  const sql = {
    open: db.prepare(
      `SELECT id, token, state, deadline_ms AS deadlineMs FROM callbacks WHERE key = ? AND state <> 'spent'`,
    ),
    insert: db.prepare(`INSERT INTO callbacks VALUES (?, ?, ?, ?, 'asked', ?, NULL)`),
    byId: db.prepare('SELECT token, state, outcome FROM callbacks WHERE id = ?'),
    pending: db.prepare(`UPDATE callbacks SET state = 'pending' WHERE id = ? AND state = 'asked'`),
    answer: db.prepare(`UPDATE callbacks SET state = 'answered', outcome = ? WHERE id = ?`),
    awaited: db.prepare(`SELECT count(*) AS places FROM callbacks WHERE state = 'pending'`),
    spend: db.prepare(`UPDATE callbacks SET state = 'spent', outcome = NULL WHERE id = ?`),
  };
  return {
    /** The place that is open for a task's attempt, made if there is none. */
    open: (key: string, runId: number, deadlineMs: number): Callback => {
      const known = sql.open.get(key) as unknown as Callback | undefined;
      if (known) return { ...known };
      const made: Callback = { id: randomUUID(), token: randomBytes(32).toString('hex'), state: 'asked', deadlineMs };
      sql.insert.run(made.id, key, runId, made.token, deadlineMs);
      return made;
    },
    awaited: (): number => (sql.awaited.get() as { places: number }).places,
    setPending: (id: string) => {
      sql.pending.run(id);
    },
    spend: (id: string) => {
      sql.spend.run(id);
    },
    /** What was answered; undefined while nothing is. */
    outcome: (id: string): Value | undefined => {
      const row = sql.byId.get(id) as { outcome: string | null } | undefined;
      return row?.outcome ? loadValue(row.outcome) : undefined;
    },
    /** Takes an answer: `unknown` if there is no such place or its token is another, `used` if it takes none any more. */
    answer: (id: string, token: string, outcome: string | Fault): 'taken' | 'unknown' | 'used' => {
      const row = sql.byId.get(id) as { token: string; state: CallbackState } | undefined;
      if (!row || !isSame(token, row.token)) return 'unknown';
      if (row.state !== 'asked' && row.state !== 'pending') return 'used';
      sql.answer.run(storeValue(outcome), id);
      return 'taken';
    },
  };
}

/** Compares in a time that says nothing about the token. */
function isSame(given: string, token: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(token)];
  return a.length === b.length && timingSafeEqual(a, b);
}
