import type { Logger } from '../../runtime/log.ts';
import type { RunStore } from './run-store.ts';
import type { CronJob } from './spec.ts';

/** The longest sleep, ms: a clock that is set while the node sleeps is noticed within it. */
const MAX_SLEEP_MS = 30_000;

/**
 * Begins the runs of cron jobs when they are due. What was due while the node was down is not made up for; a run that
 * is due while the one before still goes on is left out, as at a Chainlink node.
 *
 * @param changed - told when there is a new run
 */
export function startClock(
  jobs: readonly CronJob[],
  store: Pick<RunStore, 'beginDue'>,
  changed: () => void,
  log: Logger,
  nowMs: () => number,
): { close: () => void } {
  let timer: NodeJS.Timeout | undefined;
  let lookedAtMs = nowMs();
  const dueAtMs = new Map(jobs.map((job) => [job, job.schedule.next(lookedAtMs)]));

  const sleep = () => {
    const times = Array.from(dueAtMs.values()).filter((at) => at !== undefined);
    if (times.length === 0) return;
    const sleepMs = Math.min(MAX_SLEEP_MS, Math.max(0, Math.min(...times) - nowMs()));
    timer = setTimeout(look, sleepMs);
  };
  const look = () => {
    const now = nowMs();
    const wasSetBack = now < lookedAtMs;
    lookedAtMs = now;
    for (const job of jobs) {
      const due = dueAtMs.get(job);
      if (due === undefined) continue;
      if (now >= due) begin(job, due);
      if (now >= due || wasSetBack) dueAtMs.set(job, job.schedule.next(now));
    }
    sleep();
  };
  const begin = (job: CronJob, due: number) => {
    const facts = { job: job.name, dueAt: new Date(due).toISOString() };
    try {
      if (store.beginDue(job.id, due)) changed();
      else log.warn(facts, 'a run was left out: the one before still goes on');
    } catch (error) {
      log.error({ err: error, ...facts }, 'a run that was due could not be begun');
    }
  };
  sleep();
  return { close: () => clearTimeout(timer) };
}
