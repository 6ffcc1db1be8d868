import { describe, expect, it } from '@jest/globals';
import { parsePipeline } from '../../jobs/node/pipeline.ts';
import { type Attempt, backoffMs, type GraphOutcome, runGraph, type TaskState } from '../../jobs/node/run-graph.ts';
import { FinalError } from '../../jobs/node/task.ts';
import { Fault, type Value } from '../../jobs/node/values.ts';

interface Played {
  outcome: GraphOutcome | undefined;
  /** Tasks in the order in which they were attempted, with what they saw. */
  attempts: { id: string; inputs: readonly Value[]; vars: string[] }[];
  saved: Map<string, TaskState>;
}

/** Runs a graph whose tasks do as the test says; a task without a part of its own gives its name. */
async function play(
  source: string,
  parts: Record<string, (attempt: Attempt, nth: number) => Value | Promise<Value>> = {},
  saved = new Map<string, TaskState>(),
  signal = new AbortController().signal,
): Promise<Played> {
  const attempts: Played['attempts'] = [];
  const result: Played = { outcome: undefined, attempts, saved };
  result.outcome = await runGraph({
    pipeline: parsePipeline(source, { file: 'test.toml', firstLine: 1 }),
    given: { jobRun: 'run', jobSpec: 'spec' },
    saved: new Map(saved),
    attempt: async (attempt) => {
      const id = attempt.task.id;
      attempts.push({ id, inputs: attempt.inputs, vars: Object.keys(attempt.vars).sort() });
      const nth = attempts.filter((entry) => entry.id === id).length;
      const part = parts[id];
      return { value: part ? await part(attempt, nth) : id };
    },
    save: (id, state) => saved.set(id, state),
    defaults: { timeoutMs: undefined, retryMinMs: 1, retryMaxMs: 4 },
    signal,
  });
  return result;
}

const fail = (message: string) => () => {
  throw new Error(message);
};
const messages = (values: readonly Value[] | undefined) =>
  values?.map((value) => (value instanceof Fault ? `fault: ${value.message}` : value));

describe('a run of a graph', () => {
  it('tries each task when all before it are done, and hands over inputs by their index', async () => {
    const { outcome, attempts } = await play(
      'a [type=any index=2]; b [type=any index=1]; c [type=any index=3]; d [type=any]; c -> d; a -> d; b -> d',
    );
    expect(outcome).toEqual({ faults: [] });
    expect(attempts.at(-1)).toEqual({ id: 'd', inputs: ['b', 'a', 'c'], vars: ['a', 'b', 'c', 'jobRun', 'jobSpec'] });
  });

  it('waits for a task that is only referred to, but does not take it as an input', async () => {
    const { attempts } = await play('z [type=any data="$(y.x)"]; y [type=any]');
    expect(attempts.map(({ id }) => id)).toEqual(['y', 'z']);
    expect(attempts[1]?.inputs).toEqual([]);
  });

  it('is good if its last task gives nothing, as a tx that is not waited for does', async () => {
    expect((await play('a [type=any]', { a: () => null })).outcome).toEqual({ faults: [] });
  });

  it('counts retries as attempts in all', async () => {
    const three = await play('a [type=any retries=3]', { a: fail('no') });
    expect(three.attempts).toHaveLength(3);
    expect(three.outcome).toEqual({ faults: [{ taskId: 'a', message: 'no' }] });
    expect((await play('a [type=any]', { a: fail('no') })).attempts).toHaveLength(1);
    const second = await play('a [type=any retries=3]', { a: (_, nth) => (nth === 1 ? fail('no')() : 'good') });
    expect(second.saved.get('a')).toEqual({ attempts: 2, value: 'good', isDone: true });
  });

  it('makes no further attempt after a failure that is final', async () => {
    const play3 = await play('a [type=any retries=3]; b [type=any]; a -> b', {
      a: () => {
        throw new FinalError('never');
      },
    });
    expect(play3.attempts.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(play3.saved.get('a')).toEqual({ attempts: 1, value: new Fault('never'), isDone: true });
  });

  it('feeds a fault to the tasks that follow, and fails only if a last one fails', async () => {
    const handled = await play('a [type=any]; b [type=any]; a -> b', { a: fail('lost') });
    expect(messages(handled.attempts[1]?.inputs)).toEqual(['fault: lost']);
    expect(handled.outcome).toEqual({ faults: [] });
  });

  it('ends at the first failure of a task with failEarly, without a further attempt', async () => {
    const { outcome, attempts } = await play('a [type=any failEarly=true retries=5]; b [type=any]; a -> b', {
      a: fail('no'),
    });
    expect(attempts.map(({ id }) => id)).toEqual(['a']);
    expect(outcome).toEqual({
      stoppedBy: { taskId: 'a', message: 'no' },
      faults: [{ taskId: 'b', message: 'cancelled: an earlier task failed' }],
    });
  });

  it('gives up an attempt when its timeout is over, and tells the task', async () => {
    let wasTold = false;
    const { outcome } = await play('a [type=any timeout="20ms"]', {
      a: ({ signal }) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            wasTold = true;
            resolve('late');
          });
        }),
    });
    expect(outcome).toEqual({ faults: [{ taskId: 'a', message: 'no result within 20 ms' }] });
    expect(wasTold).toBe(true);
  });

  it('goes on after a restart with what was saved, attempts made before included', async () => {
    const saved = new Map<string, TaskState>([
      ['a', { attempts: 1, value: 'from before', isDone: true }],
      ['b', { attempts: 2, value: new Fault('no'), isDone: false }],
    ]);
    const { outcome, attempts } = await play('a [type=any]; b [type=any retries=3]; a -> b', { b: fail('no') }, saved);
    expect(attempts).toEqual([{ id: 'b', inputs: ['from before'], vars: ['a', 'jobRun', 'jobSpec'] }]);
    expect(saved.get('b')?.attempts).toBe(3);
    expect(outcome?.faults).toHaveLength(1);
  });

  it('stops where it stands when it is ended, saving nothing more', async () => {
    const end = new AbortController();
    const { outcome, saved } = await play(
      'a [type=any]; b [type=any]; a -> b',
      {
        b: () => {
          end.abort();
          return 'too late';
        },
      },
      new Map(),
      end.signal,
    );
    expect(outcome).toBeUndefined();
    expect([...saved.keys()]).toEqual(['a']);
  });
});

describe('the pause before another attempt', () => {
  const defaults = { retryMinMs: 5_000, retryMaxMs: 60_000 };
  it('is 5 s, then doubles up to 1 min', () => {
    const task = { minBackoffMs: undefined, maxBackoffMs: undefined };
    expect([1, 2, 3, 4, 5, 6, 50].map((attempts) => backoffMs(task, attempts, defaults))).toEqual([
      5_000, 10_000, 20_000, 40_000, 60_000, 60_000, 60_000,
    ]);
  });
  it("follows the task's own bounds", () => {
    const task = { minBackoffMs: 1_000, maxBackoffMs: 3_000 };
    expect([1, 2, 3].map((attempts) => backoffMs(task, attempts, defaults))).toEqual([1_000, 2_000, 3_000]);
  });
});
