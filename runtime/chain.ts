import { type FetchGetUrlFunc, FetchRequest, isError, JsonRpcProvider, Network } from 'ethers';
import { DevsenError } from '../core/errors.ts';

export interface ChainOptions {
  /** JSON-RPC endpoint, http or https. */
  rpcUrl: string;
  /** Known chain id; without it the endpoint is asked. */
  chainId?: bigint;
  /** How long one request may take, ms. */
  timeoutMs?: number;
  /** How often ethers looks for a receipt it waits for, ms. */
  pollingIntervalMs?: number;
}

/**
 * A JSON-RPC provider that does only what it is asked: the chain id is fixed, every call is one request of its own
 * (a slow `eth_getLogs` never holds back a cheap read), and nothing is answered from a cache.
 *
 * @throws DevsenError `CHAIN_UNAVAILABLE` if the chain id is not given and the endpoint does not tell it
 */
export async function openProvider(options: ChainOptions): Promise<JsonRpcProvider> {
  const request = new FetchRequest(options.rpcUrl);
  request.getUrlFunc = fetchTwice;
  request.timeout = options.timeoutMs ?? 10_000;
  request.setThrottleParams({ maxAttempts: 4 });
  const chainId = options.chainId ?? (await readChainId(request.clone()));
  return new JsonRpcProvider(request, undefined, {
    staticNetwork: Network.from(chainId),
    batchMaxCount: 1,
    cacheTimeout: -1,
    polling: true,
    pollingInterval: options.pollingIntervalMs ?? 500,
  });
}

const fetchOnce = FetchRequest.createGetUrlFunc();

/**
 * A connection that was kept alive may be closed by the endpoint in the moment it is used again. That is no outage: the
 * call is made once more. A signed tx that did arrive bears that, for it is the same tx.
 */
const fetchTwice: FetchGetUrlFunc = async (request, signal) => {
  try {
    return await fetchOnce(request, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error;
    return fetchOnce(request, signal);
  }
};

async function readChainId(request: FetchRequest): Promise<bigint> {
  request.body = { jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] };
  try {
    const response = await request.send();
    response.assertOk();
    return BigInt((response.bodyJson as { result: string }).result);
  } catch (error) {
    throw asChainError(error);
  }
}

/**
 * The chain's or its endpoint's error as one that is safe to log: ethers puts the whole request and the endpoint's URL,
 * which often holds a key, into its messages.
 */
export function asChainError(error: unknown): DevsenError {
  if (error instanceof DevsenError) return error;
  if (isError(error, 'CALL_EXCEPTION')) {
    return new DevsenError('CHAIN_UNAVAILABLE', `call reverted: ${error.reason ?? error.data ?? 'no reason given'}`);
  }
  if (isError(error, 'BAD_DATA')) {
    return new DevsenError('CHAIN_UNAVAILABLE', 'no such contract at the address, or it is another one');
  }
  const { code, shortMessage, name } = (error ?? {}) as { code?: string; shortMessage?: string; name?: string };
  return new DevsenError(
    'CHAIN_UNAVAILABLE',
    `RPC endpoint failed: ${shortMessage ?? code ?? name ?? 'unknown error'}`,
  );
}
