import { DevsenError } from '../core/errors.ts';
import type { Endpoint } from './endpoints.ts';

/** Most questions in one. */
const MOST_QUESTIONS = 50;

/**
 * Lets a question hold a list in place of one of its parameters, as Chainlink's adapters do: it is asked for each of its
 * values, and answered as a whole or not at all. `result` is then the list of the results, `data.results` one pair
 * `[question, result]` for each.
 *
 * @throws DevsenError `INPUT_INVALID` where two parameters are lists, or a list is empty or too long
 */
export function batched(endpoints: ReadonlyMap<string, Endpoint>): ReadonlyMap<string, Endpoint> {
  return new Map(Array.from(endpoints, ([name, run]) => [name, batchedOne(name, run)]));
}

function batchedOne(endpoint: string, run: Endpoint): Endpoint {
  return async (data, signal) => {
    const lists = Object.entries(data).filter(([, value]) => Array.isArray(value)) as [string, unknown[]][];
    const [list, another] = lists;
    if (list === undefined) return run(data, signal);
    const [name, values] = list;
    if (another !== undefined)
      throw new DevsenError('INPUT_INVALID', `${name} and ${another[0]} must not both be lists`);
    if (values.length === 0 || values.length > MOST_QUESTIONS) {
      throw new DevsenError('INPUT_INVALID', `${name} must be a list of 1 to ${MOST_QUESTIONS}`);
    }
    const questions = values.map((value) => ({ ...data, endpoint, [name]: value }));
    const answers = await Promise.all(questions.map((question) => run(question, signal)));
    return {
      result: answers.map(({ result }) => result as object | string),
      fields: { results: answers.map(({ result }, n) => [questions[n], result]) },
      aboutMs: Math.min(...answers.map(({ aboutMs }) => aboutMs)),
    };
  };
}
