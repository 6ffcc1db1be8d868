import { settlingEndMs } from '../core/settling-turn.ts';
import type { Logger } from '../runtime/log.ts';
import type { Database } from './database.ts';
import { makeRetention } from './retention.ts';
import type { AdapterSettings } from './settings.ts';
import { makeThinning } from './thinning.ts';

const DAY_MS = 86_400_000;
/** As many operators as a set can have, until the chain has told how many there are. */
const MOST_OPERATORS = 22;
/** How often it is told how much was deleted, while something is, ms. */
const TELL_EVERY_MS = 600_000;

export interface HousekeepingMeans {
  db: Database;
  settings: Pick<AdapterSettings, 'WATERMARK_DAYS' | 'MESSAGE_DAYS' | 'SETTLE_SLOT_SEC'>;
  /** How many operators the chain knows of; undefined until it has told. */
  operators: () => number | undefined;
  /** Counts messages whose text was deleted. */
  emptied: (count: number) => void;
  /** Runs what writes to the database. */
  writing: (work: () => void) => void;
  log: Logger;
  now: () => number;
}

/** Deletes what the record need not keep, by the settings: a little at each call, so that nothing waits for it. */
export function makeHousekeeping(means: HousekeepingMeans): () => void {
  const { db, settings, operators, emptied, writing, log, now } = means;
  const thinning = makeThinning(db);
  const retention = makeRetention(db, () => performance.now());
  const selectNewest = db.prepare<{ at_ms: number | null }>('SELECT max(watermark_ms) AS at_ms FROM gateways');
  /** A clock that has leapt ahead makes nothing old: time is what gateways have told up to. */
  const recordNowMs = () => Math.min(now(), selectNewest.get()?.at_ms ?? 0);
  const told = { sinceMs: now(), messages: 0, kept: 0 };

  const empty = () => {
    // What operators may still bring to an end on chain is asked about with its own time, but told by its messages.
    const settlingMs = settlingEndMs(settings.SETTLE_SLOT_SEC * 1000, operators() ?? MOST_OPERATORS);
    const done = retention.step(recordNowMs() - Math.max(settings.MESSAGE_DAYS * DAY_MS, settlingMs));
    emptied(done.emptied);
    told.messages += done.emptied;
    told.kept += done.kept;
    if (told.messages === 0 || (done.isMore && now() - told.sinceMs < TELL_EVERY_MS)) return;
    log.info({ messages: told.messages, kept: told.kept }, 'text of old messages deleted');
    Object.assign(told, { sinceMs: now(), messages: 0, kept: 0 });
  };
  const trying = (work: () => void, failure: string) => {
    try {
      writing(work);
    } catch (error) {
      log.error({ err: error }, failure);
    }
  };

  return () => {
    if (settings.WATERMARK_DAYS > 0) {
      trying(
        () => thinning.step(recordNowMs() - settings.WATERMARK_DAYS * DAY_MS),
        'watermarks not deleted; trying again',
      );
    }
    if (settings.MESSAGE_DAYS > 0) trying(empty, 'text of old messages not deleted; trying again');
  };
}
