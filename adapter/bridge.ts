import { timingSafeEqual } from 'node:crypto';
import { DevsenError, type DevsenErrorCode } from '../core/errors.ts';
import { sha256Hex } from '../core/identity.ts';
import { isObject } from '../core/json.ts';
import type { EndpointAnswer } from './endpoints.ts';

/**
 * The shapes of Chainlink's external adapter protocol.
 *
 * A node takes the body's `statusCode` before the HTTP status, and an `error` without one under HTTP 200 for a success:
 * so both are always sent, and always the same.
 */
export interface BridgeSuccess {
  jobRunID: string;
  statusCode: 200;
  /** What the job spec's `jsonparse` takes. */
  result: EndpointAnswer['result'];
  data: Record<string, unknown>;
  timestamps: BridgeTimestamps;
}

export interface BridgeTimestamps {
  providerDataRequestedUnixMs: number;
  providerDataReceivedUnixMs: number;
  /** The time the answer is about; absent where there is none. */
  providerIndicatedTimeUnixMs?: number;
}

export interface BridgeError {
  jobRunID: string;
  status: 'errored';
  statusCode: number;
  error: { name: string; message: string };
}

/** A request to the bridge, as far as every endpoint reads it. */
export interface BridgeRequest {
  /** The node's id of the run; '1' where it gives none, as Chainlink's adapters have it. */
  jobRunId: string;
  /** Lower case. */
  endpoint: string;
  /** What the endpoint is asked. */
  data: Record<string, unknown>;
  /** Where the answer may be sent later; undefined if the node waits for it. */
  responseUrl: string | undefined;
}

/** What a node is told that gets its answer later. */
export interface BridgePending {
  jobRunID: string;
  pending: true;
}

export const DEFAULT_ENDPOINT = 'charger-status';
/** The run's id where the node gives none. */
export const DEFAULT_RUN_ID = '1';
const MOST_ID_CHARACTERS = 256;
const MOST_URL_CHARACTERS = 2_048;

/** Longest answer, bytes: Chainlink nodes take no more from a bridge, as their `DEFAULT_HTTP_LIMIT` is set. */
export const MOST_ANSWER_BYTES = 32_768;

/**
 * An answer as it is sent.
 *
 * @throws DevsenError `INPUT_INVALID` if it is longer than a node takes
 */
export function encodeAnswer(body: BridgeSuccess): string {
  const text = JSON.stringify(body);
  if (Buffer.byteLength(text) > MOST_ANSWER_BYTES) {
    throw new DevsenError('INPUT_INVALID', `the answer would be over ${MOST_ANSWER_BYTES} bytes; ask for less`);
  }
  return text;
}

/** The run's id in a body of whatever shape. */
export function readRunId(body: unknown): string {
  const id = isObject(body) ? body.id : undefined;
  if (typeof id === 'number' && Number.isFinite(id)) return `${id}`;
  return typeof id === 'string' && id !== '' ? id.slice(0, MOST_ID_CHARACTERS) : DEFAULT_RUN_ID;
}

/** Other names of endpoints, as adapters elsewhere have them. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['status', 'charger-status'],
  ['meter', 'meter-reading'],
  ['availability', 'uptime'],
]);

/** An endpoint's name in whatever spelling: `chargerStatus`, `CHARGER_STATUS`, `charger status`, `status`. */
function endpointNamed(text: string): string {
  const name = text
    .trim()
    .replace(/([a-z])([A-Z])/g, '$1-$2')
    .replace(/[_ ]+/g, '-')
    .toLowerCase();
  return ALIASES.get(name) ?? name;
}

/** @throws DevsenError `INPUT_INVALID` naming what is wrong */
export function readBridgeRequest(body: unknown): BridgeRequest {
  if (!isObject(body)) throw new DevsenError('INPUT_INVALID', 'the body must be a JSON object');
  const data = body.data ?? {};
  if (!isObject(data)) throw new DevsenError('INPUT_INVALID', 'data must be an object');
  // As in Chainlink's framework: the one outside `data` counts, and an empty one is none.
  const endpoint = [body.endpoint, data.endpoint].find((given) => (given ?? '') !== '') ?? DEFAULT_ENDPOINT;
  if (typeof endpoint !== 'string') throw new DevsenError('INPUT_INVALID', 'endpoint must be text');
  return { jobRunId: readRunId(body), endpoint: endpointNamed(endpoint), data, responseUrl: readResponseUrl(body) };
}

/** Nodes that have no address for later answers send an empty one. */
function readResponseUrl({ responseURL: url }: Record<string, unknown>): string | undefined {
  if (url === undefined || url === null || url === '') return undefined;
  const isHttp = typeof url === 'string' && /^https?:$/.test(URL.parse(url)?.protocol ?? '');
  if (!isHttp || url.length > MOST_URL_CHARACTERS) {
    throw new DevsenError('INPUT_INVALID', 'responseURL must be an http or https URL');
  }
  return url;
}

/** An endpoint's answer as the node gets it. */
export function makeAnswer(
  jobRunID: string,
  { result, fields, aboutMs }: EndpointAnswer,
  providerDataRequestedUnixMs: number,
  providerDataReceivedUnixMs: number,
): BridgeSuccess {
  const timestamps = {
    providerDataRequestedUnixMs,
    providerDataReceivedUnixMs,
    providerIndicatedTimeUnixMs: aboutMs,
  };
  return { jobRunID, statusCode: 200, result, data: { result, ...fields }, timestamps };
}

/** The HTTP status of each error: 4xx means that asking again is no use, 5xx that it may be. */
const HTTP_STATUS: Readonly<Partial<Record<DevsenErrorCode, number>>> = {
  INPUT_INVALID: 400,
  UNAUTHORISED: 401,
  NOT_FOUND: 404,
  CONFLICT: 409,
  PRUNED: 410,
  RATE_LIMITED: 429,
  OVERLOADED: 503,
  CHAIN_UNAVAILABLE: 503,
  REDIS_UNAVAILABLE: 503,
  DATABASE_UNAVAILABLE: 503,
  NOT_YET: 504,
  TIMEOUT: 504,
};

/** Any error in the protocol's shape; one that is not ours shows nothing of itself. */
export function asBridgeError(error: unknown, jobRunID: string): BridgeError {
  const known =
    error instanceof DevsenError ? error : new DevsenError('INTERNAL', 'the adapter failed', { cause: error });
  return {
    jobRunID,
    status: 'errored',
    statusCode: HTTP_STATUS[known.code] ?? 500,
    error: { name: known.code, message: known.message },
  };
}

/** Whether an `Authorization` header shows the token; takes the same time for every wrong one. */
export function makeTokenCheck(token: string): (header: string | undefined) => boolean {
  const expected = Buffer.from(sha256Hex(token), 'hex');
  return (header) => {
    const shown = /^Bearer +(\S+)$/i.exec(header ?? '')?.[1] ?? '';
    return timingSafeEqual(Buffer.from(sha256Hex(shown), 'hex'), expected);
  };
}
