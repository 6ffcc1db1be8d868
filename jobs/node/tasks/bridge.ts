import type { Bridge } from '../bridges.ts';
import { endpointOf } from '../endpoint.ts';
import { errorOfStatus } from '../http-client.ts';
import { parseDurationMs } from '../spec-error.ts';
import {
  asString,
  attribute,
  goodInputs,
  headerPairs,
  mapAttribute,
  type TaskCall,
  type TaskResult,
  type TaskType,
} from '../task.ts';
import { isMap, makeMap, toJson, type Value } from '../values.ts';

/**
 * Asks an external adapter: POSTs `requestData` and the run's meta as JSON, gives the answer's text.
 * A status in the answer's body beats the HTTP status. With `async` the adapter may answer `{"pending": true}` and send
 * the answer to `responseURL` later, as JSON with exactly one of `value` and `error`; `timeout` is for what it answers at
 * once. An adapter that could not reach this node is given an empty `responseURL`. With `cacheTTL` the task's newest
 * good answer, of whatever run, stands in for one that fails, if it is no older than that.
 *
 * @see Chainlink external adapters
 */
export const bridge: TaskType = {
  required: ['name'],
  optional: ['requestdata', 'includeinputatkey', 'headers', 'async', 'cachettl'],
  check: (attributes) => {
    if (!/^(true|false)?$/.test(attributes.async ?? '')) return 'async: expected true or false';
    if (attributes.cachettl === undefined) return undefined;
    const cacheMs = parseDurationMs(attributes.cachettl);
    if (cacheMs === undefined) return 'cacheTTL: expected a duration such as 30s';
    return cacheMs > 0 && attributes.async === 'true' ? 'cacheTTL: not together with async' : undefined;
  },
  run: async (call) => {
    const inputs = goodInputs(call, Number.POSITIVE_INFINITY);
    const name = asString(attribute(call, 'name'), 'name');
    const target = call.services.bridges[name];
    if (!target) throw new Error(`no bridge is called "${name}"`);
    if (call.attributes.async === 'true') return askForLater(call, inputs, target, name);
    const cacheMs = parseDurationMs(call.attributes.cachettl ?? '0') ?? 0;
    const body = requestBody(call, inputs);
    return {
      value:
        cacheMs > 0
          ? await askOrRemember(call, target, name, body, cacheMs)
          : (await ask(call, target, name, body)).text,
    };
  },
};

/** What part of its time a question may take that has an answer to fall back on. */
const SHARE_WITH_FALLBACK = 0.9;

async function askOrRemember(call: TaskCall, target: Bridge, name: string, body: string, cacheMs: number) {
  const timeoutMs = call.timeoutMs ?? call.services.httpTimeoutMs;
  const signal = AbortSignal.any([call.signal, AbortSignal.timeout(Math.ceil(timeoutMs * SHARE_WITH_FALLBACK))]);
  try {
    const { text } = await ask({ ...call, signal }, target, name, body);
    call.services.bridgeAnswers.keep(call.place, text);
    return text;
  } catch (error) {
    const known = call.services.bridgeAnswers.recent(call.place, cacheMs);
    if (known === undefined) throw error;
    return known;
  }
}

async function askForLater(
  call: TaskCall,
  inputs: readonly Value[],
  target: Bridge,
  name: string,
): Promise<TaskResult> {
  const { callbacks, asyncTimeoutMs } = call.services;
  const callback = callbacks.open(call.key, call.runId, asyncTimeoutMs, target.url);
  const later = {
    pending: (signal: AbortSignal) =>
      callback.wait(signal).catch((error: Error) => {
        throw new Error(`bridge ${name}: ${error.message}`);
      }),
  };
  if (callback.isAwaited) return later;
  try {
    const { text, isPending } = await ask(call, target, name, requestBody(call, inputs, callback.url));
    if (isPending && callback.url === '') throw new Error(`bridge ${name}: would answer later, and knows not where`);
    if (isPending) {
      callback.setPending();
      return later;
    }
    callback.close();
    return { value: text };
  } catch (error) {
    const isCutOff = call.signal.aborted && (call.signal.reason as Error).name !== 'TimeoutError';
    if (isCutOff || callback.giveUp()) throw error;
    return later;
  }
}

async function ask(call: TaskCall, target: Bridge, name: string, body: string) {
  const { status, text, isPending } = await post(call, target, name, body);
  const fault = faultOf(status, text);
  if (fault) throw errorOfStatus(fault.status, `bridge ${name}: answered ${fault.status}${fault.described}`);
  return { text, isPending };
}

function requestBody(call: TaskCall, inputs: readonly Value[], responseUrl?: string): string {
  const entries = Object.entries(mapAttribute(call, 'requestdata') ?? {});
  const jobRun = call.vars.jobRun;
  if (isMap(jobRun) && jobRun.meta !== undefined) entries.push(['meta', jobRun.meta]);
  const inputKey = attribute(call, 'includeinputatkey');
  if (inputKey !== undefined && inputs.length > 0)
    entries.push([asString(inputKey, 'includeInputAtKey'), inputs[0] as Value]);
  if (responseUrl !== undefined) entries.push(['responseURL', responseUrl]);
  return toJson(makeMap(entries));
}

async function post(
  call: TaskCall,
  target: Bridge,
  name: string,
  body: string,
): Promise<{ status: number; text: string; isPending: boolean }> {
  const { url, authorization } = endpointOf(target.url);
  const headers = new Headers({ 'content-type': 'application/json' });
  if (authorization) headers.set('authorization', authorization);
  if (target.token) headers.set('authorization', `Bearer ${target.token}`);
  for (const [header, value] of headerPairs(call)) headers.set(header, value);
  const signals = [call.signal];
  if (call.timeoutMs === undefined) signals.push(AbortSignal.timeout(call.services.httpTimeoutMs));
  try {
    const response = await fetch(url, {
      method: 'POST',
      body,
      headers,
      redirect: 'error',
      signal: AbortSignal.any(signals),
    });
    const text = await readBounded(response, call.services.httpMaxBytes);
    const isPending = response.headers.has('x-chainlink-pending') || saysPending(text);
    return { status: response.status, text, isPending };
  } catch (error) {
    const reason =
      (error as Error).name === 'TimeoutError' || call.signal.aborted ? 'no answer in time' : reasonOf(error);
    throw new Error(`bridge ${name}: ${reason}`);
  }
}

async function readBounded(response: Response, mostBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > mostBytes) throw new Error(`the answer is longer than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function saysPending(text: string): boolean {
  try {
    return (JSON.parse(text) as { pending?: unknown } | null)?.pending === true;
  } catch {
    return false;
  }
}

/** Why the adapter's answer is no success; undefined if it is one. */
function faultOf(httpStatus: number, text: string): { status: number; described: string } | undefined {
  let body: { statusCode?: unknown; providerStatusCode?: unknown; error?: unknown } | null = null;
  try {
    body = JSON.parse(text);
  } catch {
    // An answer that is no JSON is judged by its HTTP status alone.
  }
  let status = httpStatus;
  if (typeof body === 'object' && body !== null && typeof body.statusCode === 'number') {
    status = body.statusCode;
    if (status === 200 && typeof body.providerStatusCode === 'number') status = body.providerStatusCode;
    if (status === 200 && body.error !== undefined && body.error !== null) status = 500;
  }
  return status === 200 ? undefined : { status, described: describe(body?.error) };
}

function describe(error: unknown): string {
  if (typeof error === 'string') return `: ${error.slice(0, 200)}`;
  if (typeof error !== 'object' || error === null) return '';
  const { name, message } = error as { name?: unknown; message?: unknown };
  return `: ${[name, message]
    .filter((part) => typeof part === 'string')
    .join(': ')
    .slice(0, 200)}`;
}

/** The message of a failed fetch names the cause, never the URL. */
function reasonOf(error: unknown): string {
  const cause = (error as { cause?: { code?: unknown } }).cause;
  return typeof cause?.code === 'string' ? cause.code : (error as Error).message;
}
