import { pause } from './pause.ts';
import type { Pipeline, TaskNode } from './pipeline.ts';
import { FinalError, type TaskResult } from './task.ts';
import { Fault, type Value, type ValueMap } from './values.ts';

/** What is kept of a task between attempts, and over a restart. */
export interface TaskState {
  /** Attempts made. */
  attempts: number;
  /** The result, or why the last attempt failed. */
  value: Value;
  /** Whether no further attempt is made. */
  isDone: boolean;
}

/** One attempt at a task, with what the graph knows. */
export interface Attempt {
  task: TaskNode;
  inputs: readonly Value[];
  vars: ValueMap;
  signal: AbortSignal;
}

export interface GraphRun {
  pipeline: Pipeline;
  /** `jobRun` and `jobSpec`. */
  given: ValueMap;
  /** States of tasks from before a restart, by the task's id. */
  saved: ReadonlyMap<string, TaskState>;
  /** Makes one attempt; throwing means that it failed. */
  attempt: (attempt: Attempt) => TaskResult | Promise<TaskResult>;
  /** Called after each attempt, before anything follows from it. */
  save: (taskId: string, state: TaskState) => void;
  /** Where the task itself names none. */
  defaults: { timeoutMs: number | undefined; retryMinMs: number; retryMaxMs: number };
  /** Ends the run where it stands; nothing more is attempted or saved. */
  signal: AbortSignal;
}

export interface GraphOutcome {
  /** The task with `failEarly` whose failure ended the run, if one did, and why it failed. */
  stoppedBy: { taskId: string; message: string } | undefined;
  /** The faults of the tasks that nothing comes after; none means success. */
  faults: { taskId: string; message: string }[];
}

/** The fault of a task that was never tried because another, with `failEarly`, failed. */
const CANCELLED = 'cancelled: an earlier task failed';

/**
 * Runs a job's tasks by the rules of Chainlink's pipelines: a task runs when all before it are done; a failed one is
 * tried again until it had `retries` attempts in all, after 5 s, 10 s, 20 s … up to 1 min, or its failure is final; its
 * fault is then an input like any other, unless it has `failEarly`, which ends the run at its first failure.
 *
 * @returns the outcome, or undefined if the run was ended by its signal
 */
export async function runGraph(run: GraphRun): Promise<GraphOutcome | undefined> {
  const done = new Map<string, Value>();
  for (const task of run.pipeline) {
    const state = run.saved.get(task.id);
    if (state?.isDone) done.set(task.id, state.value);
  }
  let stoppedBy: GraphOutcome['stoppedBy'];
  const early = new AbortController();
  const signal = AbortSignal.any([run.signal, early.signal]);
  const started = new Set<string>(done.keys());
  const running = new Set<Promise<void>>();

  const start = (task: TaskNode) => {
    started.add(task.id);
    const inputs = inputsOf(task, run.pipeline, done);
    const vars = Object.assign(Object.create(null), run.given, Object.fromEntries(done)) as ValueMap;
    const work = untilDone(run, { task, inputs, vars, signal }).then((value) => {
      running.delete(work);
      if (value === undefined) return;
      done.set(task.id, value);
      if (!task.failEarly || !(value instanceof Fault)) return;
      stoppedBy ??= { taskId: task.id, message: value.message };
      early.abort();
    });
    running.add(work);
  };

  for (;;) {
    if (!signal.aborted) {
      for (const task of run.pipeline) {
        if (!started.has(task.id) && task.before.every(({ id }) => done.has(id))) start(task);
      }
    }
    if (running.size === 0) break;
    await Promise.race(running);
  }
  if (run.signal.aborted) return undefined;

  const faults = run.pipeline
    .filter((task) => task.after.length === 0)
    .map((task) => ({ taskId: task.id, value: done.has(task.id) ? done.get(task.id) : new Fault(CANCELLED) }))
    .flatMap(({ taskId, value }) => (value instanceof Fault ? [{ taskId, message: value.message }] : []));
  return { stoppedBy, faults };
}

/** A task's explicit inputs in the order of their `index`, ties in the order of the pipeline. */
function inputsOf(task: TaskNode, pipeline: Pipeline, done: ReadonlyMap<string, Value>): Value[] {
  const names = new Set(task.before.filter(({ isInput }) => isInput).map(({ id }) => id));
  return pipeline
    .filter(({ id }) => names.has(id))
    .sort((a, b) => a.index - b.index)
    .map(({ id }) => done.get(id) as Value);
}

/** @returns the task's last value; undefined if the run was ended meanwhile */
async function untilDone(run: GraphRun, attempt: Attempt): Promise<Value | undefined> {
  const { task, signal } = attempt;
  let { attempts } = run.saved.get(task.id) ?? { attempts: 0 };
  for (;;) {
    const { value, isFinal } = await attemptOnce(run, attempt);
    if (signal.aborted) return undefined;
    attempts++;
    const isDone = isFinal || task.failEarly || attempts >= task.retries;
    run.save(task.id, { attempts, value, isDone });
    if (isDone) return value;
    await pause(backoffMs(task, attempts, run.defaults), signal);
    if (signal.aborted) return undefined;
  }
}

/** @returns the value, or a fault, and whether no other attempt can give a better one */
async function attemptOnce(run: GraphRun, attempt: Attempt): Promise<{ value: Value; isFinal: boolean }> {
  const timeoutMs = attempt.task.timeoutMs ?? run.defaults.timeoutMs;
  const timeout = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
  const signal = timeout ? AbortSignal.any([attempt.signal, timeout]) : attempt.signal;
  let result: TaskResult;
  try {
    result = await beforeAbort(Promise.resolve(run.attempt({ ...attempt, signal })), signal);
  } catch (error) {
    return failed(timeout?.aborted ? new Error(`no result within ${timeoutMs} ms`) : (error as Error));
  }
  try {
    return { value: 'pending' in result ? await result.pending(attempt.signal) : result.value, isFinal: true };
  } catch (error) {
    return failed(error as Error);
  }
}

function failed(error: Error): { value: Fault; isFinal: boolean } {
  return { value: new Fault(error.message), isFinal: error instanceof FinalError };
}

/** Pause before the attempt that follows `attempts` failed ones, ms. */
export function backoffMs(
  task: Pick<TaskNode, 'minBackoffMs' | 'maxBackoffMs'>,
  attempts: number,
  defaults: { retryMinMs: number; retryMaxMs: number },
): number {
  const least = task.minBackoffMs ?? defaults.retryMinMs;
  const most = Math.max(least, task.maxBackoffMs ?? defaults.retryMaxMs);
  return Math.min(most, least * 2 ** Math.min(attempts - 1, 40));
}

function beforeAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(new Error('ended'));
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
