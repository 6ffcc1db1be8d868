import type { Endpoint, EndpointAnswer } from './endpoints.ts';

interface Shared {
  answer: Promise<EndpointAnswer>;
  /** Those who wait. */
  callers: number;
  /** Ends the work when nobody waits any more. */
  abandoned: AbortController;
}

/**
 * Lets equal questions that are asked at the same time share one answer: several job runs, or a run that asks again before
 * it was answered, cost one look at the record.
 *
 * @returns the same endpoints, each question of which is under way once
 */
export function coalesced(endpoints: ReadonlyMap<string, Endpoint>): ReadonlyMap<string, Endpoint> {
  return new Map(Array.from(endpoints, ([name, run]) => [name, coalescedOne(run)]));
}

function coalescedOne(run: Endpoint): Endpoint {
  const underWay = new Map<string, Shared>();

  const begin = (key: string, data: Record<string, unknown>): Shared => {
    const abandoned = new AbortController();
    const answer = run(data, abandoned.signal).finally(() => {
      if (underWay.get(key) === shared) underWay.delete(key);
    });
    const shared: Shared = { answer, callers: 0, abandoned };
    underWay.set(key, shared);
    return shared;
  };

  return async (data, signal) => {
    signal.throwIfAborted();
    const key = JSON.stringify(Object.entries(data).sort(([one], [other]) => (one < other ? -1 : 1)));
    const shared = underWay.get(key) ?? begin(key, data);
    shared.callers++;
    const left = Promise.withResolvers<never>();
    const leave = () => left.reject(signal.reason);
    signal.addEventListener('abort', leave, { once: true });
    try {
      return await Promise.race([shared.answer, left.promise]);
    } finally {
      signal.removeEventListener('abort', leave);
      shared.callers--;
      if (shared.callers === 0) {
        // Whoever comes now begins anew: this one is ending.
        if (underWay.get(key) === shared) underWay.delete(key);
        shared.answer.catch(() => {});
        shared.abandoned.abort(signal.reason);
      }
    }
  };
}
