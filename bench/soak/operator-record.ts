import { DatabaseSync } from 'node:sqlite';
import type { RecordedEvent } from './checker.ts';

/** An operator's record, read beside the operator that runs. */
export interface OperatorRecord {
  /** All events of a charger by epoch and seq. */
  eventsOf: (identity: string) => RecordedEvent[];
  count: () => number;
  close: () => void;
}

export function openOperatorRecord(file: string): OperatorRecord {
  const database = new DatabaseSync(file, { readOnly: true, timeout: 10_000 });
  const ofCharger = database.prepare(
    `SELECT c.epoch, e.seq, e.kind, e.frame, e.reply
     FROM chargers g JOIN connections c ON c.charger = g.id JOIN events e ON e.connection = c.id
     WHERE g.identity = ? ORDER BY c.epoch, e.seq`,
  );
  const all = database.prepare('SELECT count(*) AS count FROM events');
  return {
    eventsOf: (identity) => ofCharger.all(identity) as unknown as RecordedEvent[],
    count: () => Number(all.get()?.count ?? 0),
    close: () => database.close(),
  };
}
