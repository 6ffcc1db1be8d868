import { DevsenError } from '../core/errors.ts';
import { DEFAULT_RUN_ID } from './bridge.ts';
import type { Endpoint } from './endpoints.ts';

/** Most questions in one. */
const MOST_QUESTIONS = 50;

/**
 * Lets a question hold lists in place of its parameters, as Chainlink's adapters do: it is asked for each combination of their
 * values, the last list's first, and answered as a whole or not at all. `result` is then the list of the results,
 * `data.results` one pair `[{id, data}, result]` for each, with the question as it would have been asked alone.
 *
 * @throws DevsenError `INPUT_INVALID` where a list is empty, or they make too many questions
 */
export function batched(endpoints: ReadonlyMap<string, Endpoint>): ReadonlyMap<string, Endpoint> {
  return new Map(Array.from(endpoints, ([name, run]) => [name, batchedOne(name, run)]));
}

function batchedOne(endpoint: string, run: Endpoint): Endpoint {
  return async (data, signal, id = DEFAULT_RUN_ID) => {
    const lists = Object.entries(data).filter((entry): entry is [string, unknown[]] => Array.isArray(entry[1]));
    if (lists.length === 0) return run(data, signal);
    const total = lists.reduce((product, [, values]) => product * values.length, 1);
    if (total === 0 || total > MOST_QUESTIONS) {
      const names = lists.map(([name]) => name).join(' and ');
      throw new DevsenError('INPUT_INVALID', `${names} must make 1 to ${MOST_QUESTIONS} questions`);
    }
    const questions = combinations(lists).map((values) => ({ ...data, endpoint, ...values }));
    const answers = await Promise.all(questions.map((question) => run(question, signal)));
    return {
      result: answers.map(({ result }) => result as object | string),
      fields: { results: answers.map(({ result }, n) => [{ id, data: questions[n] }, result]) },
      aboutMs: Math.min(...answers.map(({ aboutMs }) => aboutMs)),
    };
  };
}

function combinations(lists: readonly [string, unknown[]][]): Record<string, unknown>[] {
  return lists.reduce<Record<string, unknown>[]>(
    (all, [name, values]) => all.flatMap((one) => values.map((value) => ({ ...one, [name]: value }))),
    [{}],
  );
}
