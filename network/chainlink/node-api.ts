import { setTimeout as sleep } from 'node:timers/promises';
import { DevsenError } from '../../core/errors.ts';
import { isObject, type JsonObject } from '../../core/json.ts';

/** One thing that a Chainlink node has: JSON:API's id and attributes. */
export interface NodeResource {
  id: string;
  attributes: JsonObject;
}

/** What is asked of a Chainlink node over its API. Each rejects with DevsenError `INPUT_INVALID` or `NOT_YET`. */
export interface ChainlinkApi {
  /** The bridge of that name; undefined if there is none. */
  bridge: (name: string) => Promise<NodeResource | undefined>;
  createBridge: (bridge: BridgeFields) => Promise<NodeResource>;
  updateBridge: (bridge: BridgeFields) => Promise<NodeResource>;
  jobs: () => Promise<NodeResource[]>;
  createJob: (toml: string) => Promise<NodeResource>;
  deleteJob: (id: string) => Promise<void>;
  /** The accounts it may send from. */
  keys: () => Promise<NodeResource[]>;
  /** Takes over an account. @param keystore - JSON, encrypted with the password */
  importKey: (keystore: string, password: string, chainId: string) => Promise<NodeResource>;
}

export interface BridgeFields {
  name: string;
  url: string;
}

const TIMEOUT_MS = 30_000;
const JOBS_A_PAGE = 1_000;

/** Waits until a Chainlink node listens, and signs in. @throws DevsenError `NOT_YET`, `UNAUTHORISED` */
export async function openChainlinkApi(
  url: string,
  credentials: { email: string; password: string },
  patience: { waitMs: number; pauseMs: number },
): Promise<ChainlinkApi> {
  await untilThere(url, patience);
  const signedIn = await ask(url, 'POST', '/sessions', JSON.stringify(credentials), '');
  if (signedIn.status === 401) throw new DevsenError('UNAUTHORISED', 'the Chainlink node refuses e-mail or password');
  const cookies = signedIn.headers.getSetCookie().map((cookie) => cookie.split(';', 1)[0]);
  if (!signedIn.ok || cookies.length === 0) throw await refused('POST /sessions', signedIn);
  const cookie = cookies.join('; ');

  const call = async (method: string, path: string, body?: string): Promise<unknown> => {
    const response = await ask(url, method, path, body, cookie);
    // What stands behind the ? may be a password.
    if (!response.ok) throw await refused(`${method} ${path.split('?', 1)[0]}`, response);
    return response.status === 204 ? undefined : response.json();
  };
  const one = async (method: string, path: string, body?: string) => resourceOf(dataOf(await call(method, path, body)));
  const many = async (path: string) => {
    const data = dataOf(await call('GET', path));
    return Array.isArray(data) ? data.map(resourceOf) : [];
  };
  // The node takes fewer fields for none at all: these two mean that a bridge asks nothing of its own.
  const bridgeBody = (bridge: BridgeFields) =>
    JSON.stringify({ ...bridge, confirmations: 0, minimumContractPayment: '0' });
  const pathOf = (name: string) => `/v2/bridge_types/${encodeURIComponent(name)}`;
  return {
    bridge: async (name) => {
      const response = await ask(url, 'GET', pathOf(name), undefined, cookie);
      if (response.status === 404) return undefined;
      if (!response.ok) throw await refused(`GET ${pathOf(name)}`, response);
      return resourceOf(dataOf(await response.json()));
    },
    createBridge: (bridge) => one('POST', '/v2/bridge_types', bridgeBody(bridge)),
    updateBridge: (bridge) => one('PATCH', pathOf(bridge.name), bridgeBody(bridge)),
    jobs: () => many(`/v2/jobs?size=${JOBS_A_PAGE}`),
    createJob: (toml) => one('POST', '/v2/jobs', JSON.stringify({ toml })),
    deleteJob: async (id) => void (await call('DELETE', `/v2/jobs/${encodeURIComponent(id)}`)),
    keys: () => many('/v2/keys/evm'),
    importKey: (keystore, password, chainId) =>
      one(
        'POST',
        `/v2/keys/evm/import?${new URLSearchParams({ oldpassword: password, evmChainID: chainId })}`,
        keystore,
      ),
  };
}

async function untilThere(url: string, { waitMs, pauseMs }: { waitMs: number; pauseMs: number }): Promise<void> {
  const endMs = performance.now() + waitMs;
  for (;;) {
    const isThere = await ask(url, 'GET', '/health', undefined, '').then(
      // 503 while a part of it, a chain that makes no blocks for instance, is not well: its API is there all the same.
      ({ status }) => status === 200 || status === 503,
      () => false,
    );
    if (isThere) return;
    if (performance.now() >= endMs) throw new DevsenError('NOT_YET', `no Chainlink node answers after ${waitMs} ms`);
    await sleep(pauseMs);
  }
}

async function ask(url: string, method: string, path: string, body: string | undefined, cookie: string) {
  try {
    return await fetch(new URL(path, url), {
      method,
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: { 'content-type': 'application/json', ...(cookie === '' ? {} : { cookie }) },
      ...(body === undefined ? {} : { body }),
    });
  } catch (cause) {
    throw new DevsenError('NOT_YET', 'the Chainlink node does not answer', { cause });
  }
}

/** What a node says it refuses, by JSON:API's `errors`. */
async function refused(call: string, response: Response): Promise<DevsenError> {
  const body: unknown = await response.json().catch(() => undefined);
  const errors = isObject(body) && Array.isArray(body.errors) ? body.errors : [];
  const details = errors.filter(isObject).map(({ detail }) => String(detail));
  const said = details.length > 0 ? `: ${details.join('; ')}` : '';
  return new DevsenError('INPUT_INVALID', `the Chainlink node refuses ${call} with status ${response.status}${said}`);
}

function dataOf(body: unknown): unknown {
  return isObject(body) ? body.data : undefined;
}

function resourceOf(data: unknown): NodeResource {
  if (!isObject(data) || typeof data.id !== 'string' || !isObject(data.attributes)) {
    throw new DevsenError('INPUT_INVALID', 'the Chainlink node answers in another form than its API has');
  }
  return { id: data.id, attributes: data.attributes };
}
