import { EventEmitter } from 'node:events';
import { AS_OF_AHEAD_SEC, asOfMs } from '../core/as-of.ts';
import { DevsenError } from '../core/errors.ts';
import type { GatewayBook } from './gateway-book.ts';
import type { QueueReader } from './queue.ts';
import { type Readiness, readinessAt } from './readiness.ts';
import type { RecordReader } from './record-reader.ts';

/** Timers of Node hold at most this, ms. */
const LONGEST_TIMER_MS = 2_147_483_647;

/** Lets a question wait until this operator's record can answer it. */
export interface Knowing {
  /**
   * Resolves when the record is complete as of a time. Woken by each commit and by the clock, never by polling.
   *
   * @throws DevsenError `INPUT_INVALID` if the time is too far ahead; `NOT_YET` when `waitMs` has passed, or at once where
   * waiting cannot help
   */
  untilKnown: (asOfSec: number, signal: AbortSignal) => Promise<void>;
  /** To be called after each commit. */
  committed: () => void;
}

export interface KnowingOptions {
  book: GatewayBook;
  reader: RecordReader;
  queue: Pick<QueueReader, 'listeningSinceMs' | 'drained'>;
  parkedOf: (gateway: string) => number;
  /** How long one question may wait, ms. */
  waitMs: number;
  now: () => number;
}

export function makeKnowing(options: KnowingOptions): Knowing {
  const { book, reader, queue, parkedOf, waitMs, now } = options;
  const commits = new EventEmitter().setMaxListeners(0);

  const readiness = (atMs: number): Readiness => {
    const rows = new Map(book.rows().map((row) => [row.account, row]));
    const active = new Set(book.active());
    const views = [...new Set([...rows.keys(), ...active])].map((account) => {
      const row = rows.get(account);
      const isBehind = parkedOf(account) > 0 || (row?.state === 'seeking' && row.isMissed);
      return { account, isActive: active.has(account), coverage: reader.coverage(account, atMs), isBehind };
    });
    return readinessAt(views, atMs, now(), queue.listeningSinceMs());
  };

  /** Waits for a commit or a moment, whichever is first. */
  const nextChange = (untilMs: number, signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      const delayMs = Math.min(Math.max(untilMs - now(), 0) + 1, LONGEST_TIMER_MS);
      const end = () => {
        clearTimeout(timer);
        commits.off('commit', end);
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, delayMs);
      commits.once('commit', end);
      signal.addEventListener('abort', end);
    });

  return {
    committed: () => void commits.emit('commit'),
    untilKnown: async (asOfSec, caller) => {
      if (asOfSec > now() / 1000 + AS_OF_AHEAD_SEC) {
        throw new DevsenError('INPUT_INVALID', `asOf is more than ${AS_OF_AHEAD_SEC} s ahead of this operator's clock`);
      }
      const atMs = asOfMs(asOfSec);
      const deadline = AbortSignal.timeout(waitMs);
      const signal = AbortSignal.any([caller, deadline]);
      let reason = 'nothing is on record yet';
      while (!signal.aborted) {
        const ready = book.active().length === 0 ? undefined : readiness(atMs);
        if (ready?.kind === 'never') throw new DevsenError('NOT_YET', `this operator cannot know: ${ready.reason}`);
        if (ready?.kind === 'ready' || ready?.kind === 'ready-if-drained') {
          if (ready.kind === 'ready-if-drained') await drained(queue, signal);
          const still = readiness(atMs);
          if (still.kind === ready.kind || still.kind === 'ready') return checkBegin(reader, atMs);
          continue;
        }
        if (ready?.kind === 'wait') reason = ready.reason;
        await nextChange(ready?.untilMs ?? Number.POSITIVE_INFINITY, signal);
      }
      throw new DevsenError('NOT_YET', `this operator does not know yet: ${reason}`);
    },
  };
}

function checkBegin(reader: RecordReader, atMs: number): void {
  const beginsAtMs = reader.beginsAtMs();
  if (beginsAtMs === undefined || beginsAtMs > atMs) {
    throw new DevsenError('NOT_YET', 'this operator cannot know: that time lies before its record begins');
  }
}

async function drained(queue: Pick<QueueReader, 'drained'>, signal: AbortSignal): Promise<void> {
  try {
    await queue.drained(signal);
  } catch (cause) {
    throw new DevsenError('NOT_YET', 'this operator does not know yet: its queue is not read to the end', { cause });
  }
}
