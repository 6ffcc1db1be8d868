import type { Logger } from '../../runtime/log.ts';
import type { Chain } from './chain.ts';
import { pause } from './pause.ts';
import { lastEndOf } from './request-end.ts';
import { CANCEL_TOPIC, givenVars, type OracleRequest } from './requests.ts';
import { type Attempt, type GraphOutcome, runGraph } from './run-graph.ts';
import type { Run, RunState, RunStore } from './run-store.ts';
import type { JobSpec } from './spec.ts';
import type { TaskCall, TaskServices } from './task.ts';
import { CONDITION_FAILS } from './tasks/conditional.ts';
import { TASK_TYPES } from './tasks/table.ts';

export interface RunnerRules {
  maxRuns: number;
  retryMinMs: number;
  retryMaxMs: number;
  chainId: bigint;
  /** Most blocks asked for in one call. */
  rangeBlocks: number;
}

export interface Runner {
  /** Takes up runs that wait, as many as there is room for. */
  kick: () => void;
  /** Ends runs that were cancelled or orphaned. */
  stop: (runIds: readonly number[]) => void;
  active: () => number;
  /** Leaves runs where they stand; they go on at the next start. */
  close: () => Promise<void>;
}

/** How a run ends; `unfinished`: it does not, and goes on. */
interface RunEnd {
  state: RunState;
  note: string | null;
  /** Block whose log ended it. */
  byBlock: number | null;
}

/** How long a run waits that failed while the chain could not say why, or that this node itself could not go on with. */
const ASK_AGAIN_MS = 1_000;

/** Works on unfinished runs, oldest first, a bounded number at once. */
export function startRunner(
  chain: Chain,
  jobs: readonly JobSpec[],
  store: RunStore,
  services: TaskServices,
  rules: RunnerRules,
  log: Logger,
  onEnded: (job: JobSpec, state: RunState) => void,
): Runner {
  const byId = new Map(jobs.map((job) => [job.id, job]));
  const running = new Map<number, { abort: AbortController; done: Promise<void> }>();
  let isClosed = false;

  function kick(): void {
    let afterId = 0;
    while (!isClosed && running.size < rules.maxRuns) {
      const ids = store.unfinished(afterId, rules.maxRuns);
      for (const id of ids) {
        afterId = id;
        if (running.has(id) || running.size >= rules.maxRuns) continue;
        const run = store.run(id);
        const job = byId.get(run.jobId);
        if (job) begin(job, run);
      }
      if (ids.length < rules.maxRuns) return;
    }
  }

  function begin(job: JobSpec, run: Run): void {
    const abort = new AbortController();
    const done = work(job, run, abort.signal)
      .catch((error) => {
        log.error({ err: error, jobRunId: run.id }, 'a run was left as it stands');
        return pause(ASK_AGAIN_MS, abort.signal);
      })
      .then(() => {
        running.delete(run.id);
        kick();
      });
    running.set(run.id, { abort, done });
  }

  async function work(job: JobSpec, run: Run, signal: AbortSignal): Promise<void> {
    const outcome = await runGraph({
      pipeline: job.pipeline,
      given: givenVars(job, run.request, rules.chainId),
      saved: store.taskStates(run),
      attempt: (attempt) => {
        const type = TASK_TYPES[attempt.task.type];
        if (!type) throw new Error(`no task type "${attempt.task.type}"`);
        return type.run(callFor(job, run, attempt, services));
      },
      save: (taskId, state) => {
        store.saveTask(run, taskId, state);
        log.debug({ jobRunId: run.id, task: taskId, attempts: state.attempts, isDone: state.isDone }, 'task attempted');
      },
      defaults: {
        timeoutMs: job.maxTaskDurationMs,
        retryMinMs: rules.retryMinMs,
        retryMaxMs: rules.retryMaxMs,
      },
      signal,
    });
    if (outcome) await finish(job, run, outcome, signal);
  }

  async function finish(job: JobSpec, run: Run, outcome: GraphOutcome, signal: AbortSignal): Promise<void> {
    const why = (outcome.stoppedBy ? [outcome.stoppedBy] : outcome.faults)
      .map(({ taskId, message }) => `${taskId}: ${message}`)
      .join('; ');
    const end: RunEnd =
      why === '' ? { state: 'completed', note: null, byBlock: null } : await judge(job, run, outcome, why, signal);
    if (signal.aborted || !store.isOpen(run)) return;
    if (end.state === 'unfinished') {
      store.forgetFaults(run);
      return work(job, run, signal);
    }
    if (!store.end(run.id, end.state, end.note, end.byBlock)) return;
    onEnded(job, end.state);
    const facts = { job: job.name, jobRunId: run.id, requestId: run.request?.requestId, note: end.note };
    if (end.state === 'errored') log.error(facts, 'run failed');
    else log.info(facts, `run ${end.state}`);
  }

  function judge(job: JobSpec, run: Run, outcome: GraphOutcome, why: string, signal: AbortSignal) {
    if (run.request) return judgeFault(run.request, run.id, why, signal);
    // A job of the clock that finds nothing to do has done all there is.
    const { taskId, message } = outcome.stoppedBy ?? {};
    const isIdle = message === CONDITION_FAILS && job.pipeline.find(({ id }) => id === taskId)?.type === 'conditional';
    return isIdle
      ? { state: 'completed' as const, note: `${taskId}: ${message}`, byBlock: null }
      : { state: 'errored' as const, note: why, byBlock: null };
  }

  /**
   * What a fault means: the request may have been answered or cancelled before, or the chain may have been seen as it
   * was without the request, by a node that lags or before a reorg came to light; then the run goes on.
   */
  async function judgeFault(
    request: OracleRequest,
    jobRunId: number,
    why: string,
    signal: AbortSignal,
  ): Promise<RunEnd> {
    const { log: origin } = request;
    let isThere = true;
    while (!signal.aborted) {
      try {
        const block = await chain.block(origin.blockNumber);
        if (block?.hash === origin.blockHash) {
          if (!isThere) return { state: 'unfinished', note: null, byBlock: null };
          const last = await lastEndOf(chain, request, rules.rangeBlocks);
          if (!last) return { state: 'errored', note: why, byBlock: null };
          return last.topics[0] === CANCEL_TOPIC
            ? { state: 'cancelled', note: 'cancelled by the requester', byBlock: last.blockNumber }
            : { state: 'completed', note: 'answered before', byBlock: last.blockNumber };
        }
        isThere = false;
      } catch (error) {
        log.warn({ err: error, jobRunId }, 'the chain cannot say why a run failed');
      }
      await pause(ASK_AGAIN_MS, signal);
    }
    return { state: 'unfinished', note: null, byBlock: null };
  }

  return {
    kick,
    stop: (runIds) => {
      for (const id of runIds) running.get(id)?.abort.abort();
    },
    active: () => running.size,
    close: async () => {
      isClosed = true;
      const all = Array.from(running.values());
      for (const { abort } of all) abort.abort();
      await Promise.all(all.map(({ done }) => done));
    },
  };
}

/** What a task is called with for an attempt. */
export function callFor(job: JobSpec, run: Run, attempt: Attempt, services: TaskServices): TaskCall {
  const { task, inputs, vars, signal } = attempt;
  return {
    attributes: task.attributes,
    inputs,
    vars,
    key: `${run.id}:${run.generation}:${task.id}`,
    place: `${job.id}:${task.id}`,
    runId: run.id,
    blockNumber: run.request?.log.blockNumber ?? 0,
    signal,
    timeoutMs: task.timeoutMs ?? job.maxTaskDurationMs,
    gasLimit: job.gasLimit,
    isForwarded: job.isForwarded,
    worthWei: worthOf(run, services.weiPerLink),
    services,
  };
}

const JUELS_PER_LINK = 10n ** 18n;

function worthOf({ request }: Run, weiPerLink: bigint): bigint | undefined {
  return request === undefined || weiPerLink === 0n ? undefined : (request.paymentJuels * weiPerLink) / JUELS_PER_LINK;
}
