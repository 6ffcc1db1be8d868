import type { Database } from './database.ts';

/** A question that is answered later, by a call to where its asker said. */
export interface LaterQuestion {
  /** Where the answer goes; may carry a token, so it is never logged. Each is answered once. */
  responseUrl: string;
  jobRunId: string;
  endpoint: string;
  data: Record<string, unknown>;
  askedAtMs: number;
  /** What is sent, JSON; undefined while nothing is decided. */
  outcome: string | undefined;
}

interface Row {
  response_url: string;
  job_run_id: string;
  endpoint: string;
  data: string;
  asked_at_ms: number;
  outcome: string | null;
}

/** The questions that are to be answered later, on disk: a restart forgets none. */
export function makeLaterStore(db: Database) {
  const select = db.prepare<Row>('SELECT * FROM later_answers ORDER BY asked_at_ms');
  const selectOne = db.prepare('SELECT 1 FROM later_answers WHERE response_url = ?');
  const selectCount = db.prepare<{ total: number }>('SELECT count(*) AS total FROM later_answers');
  const insert = db.prepare(
    `INSERT INTO later_answers (response_url, job_run_id, endpoint, data, asked_at_ms) VALUES (?, ?, ?, ?, ?)`,
  );
  const decide = db.prepare('UPDATE later_answers SET outcome = ? WHERE response_url = ?');
  const remove = db.prepare('DELETE FROM later_answers WHERE response_url = ?');
  return {
    all: (): LaterQuestion[] =>
      select.all().map((row) => ({
        responseUrl: row.response_url,
        jobRunId: row.job_run_id,
        endpoint: row.endpoint,
        data: JSON.parse(row.data) as Record<string, unknown>,
        askedAtMs: row.asked_at_ms,
        outcome: row.outcome ?? undefined,
      })),
    has: (responseUrl: string): boolean => selectOne.get(responseUrl) !== undefined,
    count: (): number => selectCount.get()?.total ?? 0,
    add: ({ responseUrl, jobRunId, endpoint, data, askedAtMs }: LaterQuestion): void => {
      insert.run(responseUrl, jobRunId, endpoint, JSON.stringify(data), askedAtMs);
    },
    decide: (responseUrl: string, outcome: string): void => {
      decide.run(outcome, responseUrl);
    },
    remove: (responseUrl: string): void => {
      remove.run(responseUrl);
    },
  };
}

export type LaterStore = ReturnType<typeof makeLaterStore>;
