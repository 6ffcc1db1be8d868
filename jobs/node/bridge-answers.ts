import type { DatabaseSync } from 'node:sqlite';

/** The newest good answer of each bridge task with a `cacheTTL`, for when its bridge fails. */
export interface BridgeAnswers {
  /** @param place - `<job>:<task>` */
  keep: (place: string, body: string) => void;
  /** @returns the answer if it is no older than `maxAgeMs` */
  recent: (place: string, maxAgeMs: number) => string | undefined;
}

export function makeBridgeAnswers(db: DatabaseSync, nowMs: () => number): BridgeAnswers {
  const keep = db.prepare('INSERT OR REPLACE INTO bridge_answers VALUES (?, ?, ?)');
  const recent = db.prepare('SELECT body FROM bridge_answers WHERE place = ? AND at_ms BETWEEN ? AND ?');
  return {
    keep: (place, body) => {
      keep.run(place, nowMs(), body);
    },
    recent: (place, maxAgeMs) => {
      const now = nowMs();
      return (recent.get(place, now - maxAgeMs, now) as { body: string } | undefined)?.body;
    },
  };
}
