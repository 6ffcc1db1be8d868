import { DevsenError } from '../../core/errors.ts';

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

/** JSON-RPC over HTTP. Errors never carry the URL, which may hold a key. */
export function makeRpc(url: string, timeoutMs: number): Rpc {
  let lastId = 0;
  return async (method, params) => {
    const away = (why: string, cause?: unknown) =>
      new DevsenError('CHAIN_UNAVAILABLE', `chain: ${method}: ${why}`, cause === undefined ? {} : { cause });
    let answer: { result?: unknown; error?: { code?: number; message?: string; data?: unknown } };
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ jsonrpc: '2.0', id: ++lastId, method, params }),
        signal: AbortSignal.timeout(timeoutMs),
      });
      const text = await response.text();
      try {
        answer = JSON.parse(text);
      } catch {
        throw away(`HTTP ${response.status} without JSON`);
      }
      if (!response.ok && !answer?.error) throw away(`HTTP ${response.status}`);
    } catch (error) {
      if (error instanceof DevsenError) throw error;
      const code = (error as { cause?: { code?: unknown } }).cause?.code;
      throw away(typeof code === 'string' ? code : (error as Error).name);
    }
    if (typeof answer !== 'object' || answer === null) throw away('an answer of another shape');
    if (answer.error)
      throw new RpcError(answer.error.code ?? 0, answer.error.message ?? '', revertData(answer.error.data));
    if (answer.result === undefined) throw away('an answer without a result');
    return answer.result;
  };
}

/** Nodes differ in where revert data stands. */
function revertData(data: unknown): string | undefined {
  if (typeof data === 'string') return /^0x[0-9a-fA-F]*$/.test(data) ? data : undefined;
  if (typeof data === 'object' && data !== null) return revertData((data as { data?: unknown }).data);
  return undefined;
}
