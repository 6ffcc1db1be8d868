import type { CallbackStore } from './callback-store.ts';
import { makeOutcomes } from './outcomes.ts';
import { Fault, fromJson, isMap, toJson, type Value } from './values.ts';

/** What an adapter that answers later is handed, and how a task waits for it. */
export interface Callbacks {
  /**
   * A place for a task's answer. One place at a time is open for a task of a run, over restarts too.
   *
   * @param timeoutMs - how long the answer may take, from the first call on
   * @param bridgeUrl - where the adapter is
   */
  open: (key: string, runId: number, timeoutMs: number, bridgeUrl: string) => OpenCallback;
}

export interface OpenCallback {
  /** Where the answer goes; carries the token. Empty if the adapter could not reach this node: then it must answer at once. */
  url: string;
  /** Whether the adapter has said that it answers later, or has answered: then it is not asked again. */
  isAwaited: boolean;
  /** Notes that the adapter answers later. */
  setPending: () => void;
  /** Closes the place: what comes now is refused. */
  close: () => void;
  /** Closes the place unless an answer is there already. @returns whether it is closed */
  giveUp: () => boolean;
  /** @throws Error if the adapter answers with an error, or not in time; the place is then closed */
  wait: (signal: AbortSignal) => Promise<Value>;
}

/** How an answer that was sent back is received. */
export type Reception = 'taken' | 'unknown' | 'used' | 'malformed';

/** The longest time a timer can be set to, ms. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** @param baseUrl - where an adapter reaches this node; empty if it does not */
export function makeCallbacks(store: CallbackStore, baseUrl: (bridgeUrl: string) => string, nowMs: () => number) {
  const outcomes = makeOutcomes(store.outcome);
  const open: Callbacks['open'] = (key, runId, timeoutMs, bridgeUrl) => {
    const { id, token, state, deadlineMs } = store.open(key, runId, nowMs() + timeoutMs);
    const base = baseUrl(bridgeUrl).replace(/\/+$/, '');
    return {
      url: base === '' ? '' : `${base}/v2/resume/${id}?token=${token}`,
      isAwaited: state !== 'asked',
      setPending: () => store.setPending(id),
      close: () => store.spend(id),
      giveUp: () => {
        if (store.outcome(id) !== undefined) return false;
        store.spend(id);
        return true;
      },
      wait: async (signal) => {
        const over = AbortSignal.timeout(Math.min(MAX_TIMER_MS, Math.max(0, deadlineMs - nowMs())));
        try {
          return await outcomes.wait(id, AbortSignal.any([signal, over]));
        } catch (error) {
          if (signal.aborted) throw error;
          const isOver = over.aborted && store.outcome(id) === undefined;
          store.spend(id);
          throw isOver ? new Error(`no answer came back within ${timeoutMs} ms`) : error;
        }
      },
    };
  };
  return {
    open,
    /** Takes the body an adapter sends back: JSON with exactly one of `value` and `error`, a text. */
    receive: (id: string, token: string, body: string): Reception => {
      const outcome = outcomeOf(body);
      if (outcome === undefined) return 'malformed';
      const reception = store.answer(id, token, outcome);
      if (reception === 'taken') outcomes.look(id);
      return reception;
    },
  };
}

/** A value is handed on as its JSON text, as a bridge's answer is. */
function outcomeOf(body: string): string | Fault | undefined {
  let parsed: Value;
  try {
    parsed = fromJson(body);
  } catch {
    return undefined;
  }
  if (!isMap(parsed)) return undefined;
  const { value = null, error = null } = parsed;
  if ((value === null) === (error === null)) return undefined;
  if (value !== null) return toJson(value);
  return typeof error === 'string' ? new Fault(error.slice(0, 200)) : undefined;
}
