import { DatabaseSync } from 'node:sqlite';

/** One event as an operator has it. */
export interface LoggedEvent {
  epoch: number;
  seq: number;
  kind: string;
  frame: string;
  reply: string;
}

/** An operator's whole log by charger, each in the order of its ids; read beside the running operator. */
export function readOperatorLog(file: string): Map<string, LoggedEvent[]> {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const rows = database
      .prepare(
        `SELECT g.identity, c.epoch, e.seq, e.kind, e.frame, e.reply
         FROM events e JOIN connections c ON c.id = e.connection JOIN chargers g ON g.id = c.charger
         ORDER BY g.identity, c.epoch, e.seq`,
      )
      .all() as unknown as (LoggedEvent & { identity: string })[];
    const log = new Map<string, LoggedEvent[]>();
    for (const { identity, epoch, seq, kind, frame, reply } of rows) {
      const events = log.get(identity) ?? [];
      events.push({ epoch, seq, kind, frame, reply });
      log.set(identity, events);
    }
    return log;
  } finally {
    database.close();
  }
}

/** Where the numbers of a connection's events do not run 0, 1, 2 …; empty if they all do. */
export function gapsIn(events: readonly LoggedEvent[]): string[] {
  const gaps: string[] = [];
  let expected = { epoch: -1, seq: 0 };
  for (const { epoch, seq } of events) {
    if (epoch !== expected.epoch) expected = { epoch, seq: 0 };
    if (seq !== expected.seq) gaps.push(`epoch ${epoch}: ${seq} where ${expected.seq} was due`);
    expected.seq = seq + 1;
  }
  return gaps;
}
