import { lookup as lookupName } from 'node:dns';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { isPrivateAddress } from './private-addresses.ts';
import { FinalError } from './task.ts';

export interface BoundedRequest {
  url: string;
  method: string;
  headers: readonly (readonly [string, string])[];
  body: string | undefined;
  mostBytes: number;
  /** Whether addresses that are not public may be reached too. */
  isAnywhereAllowed: boolean;
  signal: AbortSignal;
}

const MAX_REDIRECTS = 10;

/**
 * Makes an HTTP request, follows redirects, reads an answer of bounded length. Each address is judged as it is
 * connected to, so neither a name that leads inside nor a redirect gets past.
 *
 * @throws Error that says what went wrong, never with the URL
 */
export async function fetchBounded(given: BoundedRequest): Promise<{ status: number; text: string }> {
  let request = given;
  for (let hops = 0; ; hops++) {
    const url = readUrl(request.url);
    const response = await send(url, request);
    const { statusCode: status = 0 } = response;
    const to = response.headers.location;
    if (to === undefined || ![301, 302, 303, 307, 308].includes(status)) {
      return { status, text: await readText(response, request) };
    }
    response.destroy();
    if (hops === MAX_REDIRECTS) throw new Error(`http: more than ${MAX_REDIRECTS} redirects`);
    request = redirected(request, url, to, status);
  }
}

/** Statuses of the 400s that say 'not now'. */
const NOT_NOW: ReadonlySet<number> = new Set([408, 425, 429]);

/** What a status that is no success means: one of the 400s is the asker's own fault, so the same is not asked again. */
export function errorOfStatus(status: number, message: string): Error {
  const isFinal = status >= 400 && status < 500 && !NOT_NOW.has(status);
  return isFinal ? new FinalError(message) : new Error(message);
}

function readUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) throw new Error('url: expected http://… or https://…');
  return url;
}

/** Headers a spec sets (keys, as a rule) stay with the origin they were meant for. */
function redirected(request: BoundedRequest, from: URL, to: string, status: number): BoundedRequest {
  if (!URL.canParse(to, from.href)) throw new Error('http: a redirect to no URL');
  const url = new URL(to, from);
  const keepsMethod = status === 307 || status === 308 || request.method === 'HEAD';
  return {
    ...request,
    url: url.href,
    method: keepsMethod ? request.method : 'GET',
    body: keepsMethod ? request.body : undefined,
    headers: url.origin === from.origin ? request.headers : [],
  };
}

function send(url: URL, request: BoundedRequest): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const fail = (error: unknown) => reject(new Error(`http: ${reasonOf(error, request.signal)}`));
  try {
    const host = url.hostname.replace(/^\[|\]$/g, '');
    if (!request.isAnywhereAllowed && isIP(host) !== 0 && isPrivateAddress(host)) throw refused();
    const ask = url.protocol === 'https:' ? requestHttps : requestHttp;
    const asked = ask(url, {
      method: request.method,
      headers: Object.fromEntries(request.headers),
      agent: false,
      signal: request.signal,
      ...(!request.isAnywhereAllowed && { lookup: lookupPublic }),
    });
    asked.once('error', fail);
    asked.once('response', resolve);
    asked.end(request.body);
  } catch (error) {
    fail(error);
  }
  return promise;
}

/** Resolves a name to its public addresses alone. */
const lookupPublic: LookupFunction = (name, options, done) => {
  lookupName(name, { ...options, all: true }, (error, all) => {
    if (error) return done(error, '', 0);
    const open = all.filter(({ address }) => !isPrivateAddress(address));
    const [first] = open;
    if (!first) return done(refused(), '', 0);
    if (options.all) return done(null, open);
    done(null, first.address, first.family);
  });
};

function refused(): Error {
  return new Error('the address is not public; allowUnrestrictedNetworkAccess="true" in the spec allows it');
}

async function readText(response: IncomingMessage, request: BoundedRequest): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > request.mostBytes) throw new Error(`the answer is longer than ${request.mostBytes} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    throw new Error(`http: ${reasonOf(error, request.signal)}`);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function reasonOf(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return 'no answer in time';
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}
