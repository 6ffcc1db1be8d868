import { setTimeout as delay } from 'node:timers/promises';
import { DevsenError } from '../core/errors.ts';
import type { Logger } from '../runtime/log.ts';
import { asBridgeError, encodeAnswer, makeAnswer } from './bridge.ts';
import type { Endpoint } from './endpoints.ts';
import type { LaterQuestion, LaterStore } from './later-store.ts';

/** A question that has no answer so long after it was asked is answered with the error, ms: who asked waits ten minutes. */
const GIVEN_UP_AFTER_MS = 540_000;
/** So long an answer is offered to an asker that cannot be reached, ms. */
const OFFERED_FOR_MS = 3_600_000;
/** Pauses between attempts: they double, up to one for asking again and one for an asker that is away. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = { ask: 2_000, offer: 10_000 };
/** How long the asker may take to take an answer, ms. */
const SEND_WITHIN_MS = 10_000;
/** Most questions that are answered later at once. */
const MOST_QUESTIONS = 1_000;

/** The HTTP statuses by which an asker says that it will never take this answer: wrong or used token, no such run, no good. */
const REFUSALS: ReadonlySet<number> = new Set([400, 401, 403, 404, 405, 409, 410, 413, 422]);

export interface LaterAnswers {
  /**
   * Takes a question over: it is answered by one call to its `responseUrl`. The same one again changes nothing.
   *
   * @throws DevsenError `OVERLOADED` if too many wait; `DATABASE_UNAVAILABLE`
   */
  take: (question: Omit<LaterQuestion, 'outcome' | 'askedAtMs'>) => void;
  close: () => Promise<void>;
}

export interface LaterAnswersOptions {
  store: LaterStore;
  endpoints: ReadonlyMap<string, Endpoint>;
  /** What the asker wants to be shown, as `Authorization: Bearer …`; empty for nothing. */
  incomingToken: string;
  log: Logger;
  now: () => number;
}

/**
 * Answers questions later, over restarts too: `PATCH responseURL` with `{"value": <the answer>}` or `{"error": "…"}`.
 * An asker that is away is tried again; one that refuses is left alone.
 */
export function makeLaterAnswers({ store, endpoints, incomingToken, log, now }: LaterAnswersOptions): LaterAnswers {
  const closing = new AbortController();
  const working = new Set<Promise<void>>();

  /** Asks until there is an answer, a final error, or no time left. @returns what is sent */
  const decide = async ({ jobRunId, endpoint, data, askedAtMs }: LaterQuestion): Promise<string> => {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS.ask)) {
      try {
        const run = endpoints.get(endpoint);
        if (run === undefined) throw new DevsenError('NOT_FOUND', `there is no endpoint ${endpoint} any more`);
        const answer = makeAnswer(jobRunId, await run(data, closing.signal), askedAtMs, now());
        return `{"value":${encodeAnswer(answer)}}`;
      } catch (error) {
        closing.signal.throwIfAborted();
        const { statusCode, error: told } = asBridgeError(error, jobRunId);
        const isFinal = statusCode < 500 || now() >= askedAtMs + GIVEN_UP_AFTER_MS;
        if (isFinal) return JSON.stringify({ error: `${told.name}: ${told.message}` });
      }
      await delay(pauseMs, undefined, { signal: closing.signal });
    }
  };

  /** @returns the HTTP status; undefined if there was none */
  const send = async (responseUrl: string, body: string): Promise<number | undefined> => {
    const headers: Record<string, string> = { 'content-type': 'application/json' };
    if (incomingToken !== '') headers.authorization = `Bearer ${incomingToken}`;
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(SEND_WITHIN_MS)]);
    try {
      const response = await fetch(responseUrl, { method: 'PATCH', headers, body, redirect: 'error', signal });
      await response.body?.cancel();
      return response.status;
    } catch {
      // The error of a fetch may name the URL, and with it the token.
      return undefined;
    }
  };

  const deliver = async ({ responseUrl, jobRunId, endpoint, askedAtMs }: LaterQuestion, body: string) => {
    const facts = { jobRunId, endpoint };
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS.offer)) {
      const status = await send(responseUrl, body);
      closing.signal.throwIfAborted();
      if (status !== undefined && status >= 200 && status < 300) return log.info(facts, 'answered later');
      if (status !== undefined && REFUSALS.has(status))
        return log.warn({ ...facts, status }, 'a later answer is refused');
      if (now() >= askedAtMs + OFFERED_FOR_MS) return log.warn({ ...facts, status }, 'a later answer is not taken');
      await delay(pauseMs, undefined, { signal: closing.signal });
    }
  };

  const work = async (question: LaterQuestion) => {
    const body = question.outcome ?? (await decide(question));
    // Written down first: after a restart the same is sent, not another.
    if (question.outcome === undefined) store.decide(question.responseUrl, body);
    await deliver(question, body);
    store.remove(question.responseUrl);
  };
  const begin = (question: LaterQuestion) => {
    const { jobRunId, endpoint } = question;
    const done = work(question)
      .catch((error) => {
        // It is still on disk, and goes on at the next start.
        if (!closing.signal.aborted) log.error({ err: error, jobRunId, endpoint }, 'a later answer failed');
      })
      .finally(() => working.delete(done));
    working.add(done);
  };
  for (const question of store.all()) begin(question);

  return {
    take: (asked) => {
      if (store.has(asked.responseUrl)) return;
      if (store.count() >= MOST_QUESTIONS) throw new DevsenError('OVERLOADED', 'too many questions wait already');
      const question = { ...asked, askedAtMs: now(), outcome: undefined };
      store.add(question);
      begin(question);
    },
    close: async () => {
      closing.abort(new DevsenError('NOT_YET', 'the adapter is stopping'));
      await Promise.all(working);
    },
  };
}
