import { DevsenError } from '../../core/errors.ts';
import { type Endpoint, endpointOf } from './endpoint.ts';

/** A chain node's refusal: it was reached and answered with an error. */
export class RpcError extends Error {
  readonly code: number;
  /** Revert data where there is any, 0x-hex. */
  readonly data: string | undefined;

  constructor(code: number, message: string, data: string | undefined) {
    super(message);
    this.name = 'RpcError';
    this.code = code;
    this.data = data;
  }
}

/**
 * Calls a JSON-RPC method.
 *
 * @throws RpcError if the chain's node answers with an error
 * @throws DevsenError `CHAIN_UNAVAILABLE` if it does not answer properly; to be tried again
 */
export type Rpc = (method: string, params: readonly unknown[]) => Promise<unknown>;

/** Pauses before a call that was cut off is made again, ms: every method used here may be called twice. */
const AGAIN_MS = [100, 400];

/** JSON-RPC over HTTP. Errors never carry the URL, which may hold a key. */
export function makeRpc(url: string, timeoutMs: number): Rpc {
  const endpoint = endpointOf(url);
  let lastId = 0;
  return async (method, params) => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: ++lastId, method, params });
    for (let tries = 0; ; tries++) {
      try {
        return resultOf(method, await post(endpoint, method, body, timeoutMs));
      } catch (error) {
        const pauseMs = error instanceof RpcError || isTimeout(error) ? undefined : AGAIN_MS[tries];
        if (pauseMs === undefined) throw error;
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    }
  };
}

interface Answer {
  result?: unknown;
  error?: { code?: number; message?: string; data?: unknown };
}

async function post(
  { url, authorization }: Endpoint,
  method: string,
  body: string,
  timeoutMs: number,
): Promise<Answer> {
  let response: Response;
  let text: string;
  try {
    const headers = { 'content-type': 'application/json', ...(authorization ? { authorization } : {}) };
    response = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(timeoutMs) });
    text = await response.text();
  } catch (error) {
    const code = (error as { cause?: { code?: unknown } }).cause?.code;
    throw away(method, typeof code === 'string' ? code : (error as Error).name, error);
  }
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw away(method, `HTTP ${response.status} without JSON`);
  }
  if (typeof answer !== 'object' || answer === null) throw away(method, 'an answer of another shape');
  if (!response.ok && !('error' in answer)) throw away(method, `HTTP ${response.status}`);
  return answer;
}

function resultOf(method: string, { result, error }: Answer): unknown {
  if (error) throw new RpcError(error.code ?? 0, error.message ?? '', revertData(error.data));
  if (result === undefined) throw away(method, 'an answer without a result');
  return result;
}

function away(method: string, why: string, cause?: unknown): DevsenError {
  return new DevsenError('CHAIN_UNAVAILABLE', `chain: ${method}: ${why}`, cause === undefined ? {} : { cause });
}

function isTimeout(error: unknown): boolean {
  return ((error as Error).cause as Error | undefined)?.name === 'TimeoutError';
}

/** Nodes differ in where revert data stands. */
function revertData(data: unknown): string | undefined {
  if (typeof data === 'string') return /^0x[0-9a-fA-F]*$/.test(data) ? data : undefined;
  if (typeof data === 'object' && data !== null) return revertData((data as { data?: unknown }).data);
  return undefined;
}
