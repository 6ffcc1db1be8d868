import { DevsenError } from '../../core/errors.ts';
import type { Logger } from '../../runtime/log.ts';
import type { Alerts } from './alerts.ts';
import { type Rpc, RpcError } from './rpc.ts';

export interface EndpointRules {
  /** Blocks an endpoint may be behind the others before it is asked last. */
  lagBlocks: number;
  /** First pause after a failure before an endpoint is preferred again, ms; it doubles up to `maxPauseMs`. */
  pauseMs: number;
  maxPauseMs: number;
}

/** Several endpoints of one chain as one: the first that is well is asked, and the next where it fails. */
export interface Endpoints {
  rpc: Rpc;
  /** Another endpoint than the one that would be asked now; undefined if none is well. */
  second: () => Rpc | undefined;
  /** Asks every endpoint for its chain and its newest block. */
  look: () => Promise<void>;
  /** The chain that they are of; undefined until one has told. */
  chainId: () => bigint | undefined;
  areOfSeveralChains: () => boolean;
}

interface Endpoint {
  name: string;
  call: Rpc;
  /** Undefined until it has told; one of another chain is never asked. */
  chainId: bigint | undefined;
  head: number | undefined;
  failures: number;
  downUntilMs: number;
}

/** @param rpcs - in the order of preference; all of the chain that the first of them to answer is of */
export function makeEndpoints(
  rpcs: readonly Rpc[],
  rules: EndpointRules,
  alerts: Alerts,
  log: Logger,
  nowMs: () => number,
): Endpoints {
  const all = rpcs.map(
    (call, i): Endpoint => ({
      name: `RPC endpoint ${i + 1}`,
      call,
      chainId: undefined,
      head: undefined,
      failures: 0,
      downUntilMs: 0,
    }),
  );
  const chainId = () => all.find((endpoint) => endpoint.chainId !== undefined)?.chainId;
  const isDown = (endpoint: Endpoint) => endpoint.downUntilMs > nowMs();
  const isLagging = ({ head }: Endpoint) => head !== undefined && head < agreedHead(all) - rules.lagBlocks;
  const isKnown = (endpoint: Endpoint) => endpoint.chainId !== undefined && endpoint.chainId === chainId();
  const isWell = (endpoint: Endpoint) => isKnown(endpoint) && !isDown(endpoint) && !isLagging(endpoint);
  /** Those that are well first, then those that lag, then those that failed of late. */
  const inOrder = () => {
    const usable = all.filter(isKnown);
    const rank = (endpoint: Endpoint) => (isDown(endpoint) ? 2 : isLagging(endpoint) ? 1 : 0);
    return usable.toSorted((a, b) => rank(a) - rank(b));
  };

  const noteFailure = (endpoint: Endpoint) => {
    endpoint.failures++;
    const pauseMs = Math.min(rules.maxPauseMs, rules.pauseMs * 2 ** Math.min(endpoint.failures - 1, 20));
    endpoint.downUntilMs = nowMs() + pauseMs;
  };
  const ask = async (endpoint: Endpoint, ...[method, params]: Parameters<Rpc>): Promise<unknown> => {
    try {
      const result = await endpoint.call(method, params);
      endpoint.failures = 0;
      endpoint.downUntilMs = 0;
      return result;
    } catch (error) {
      if (error instanceof RpcError && !isItsOwnTrouble(error)) {
        endpoint.failures = 0;
        throw error;
      }
      noteFailure(endpoint);
      throw error;
    }
  };

  const rpc: Rpc = async (method, params) => {
    let failure: unknown = new DevsenError(
      'CHAIN_UNAVAILABLE',
      `chain: ${method}: no endpoint is known to be of the chain`,
    );
    for (const endpoint of inOrder()) {
      try {
        return await ask(endpoint, method, params);
      } catch (error) {
        if (error instanceof RpcError && !isItsOwnTrouble(error)) throw error;
        failure = error;
      }
    }
    throw failure;
  };

  async function lookAt(endpoint: Endpoint): Promise<void> {
    try {
      endpoint.chainId ??= BigInt(String(await ask(endpoint, 'eth_chainId', [])));
      endpoint.head = Number(BigInt(String(await ask(endpoint, 'eth_blockNumber', []))));
    } catch (error) {
      endpoint.head = undefined;
      log.debug({ err: error, endpoint: endpoint.name }, 'an endpoint does not tell its newest block');
    }
  }

  return {
    rpc,
    chainId,
    areOfSeveralChains: () => all.some((endpoint) => endpoint.chainId !== undefined && !isKnown(endpoint)),
    second: () => {
      const [first] = inOrder();
      return all.find((endpoint) => endpoint !== first && isWell(endpoint))?.call;
    },
    look: async () => {
      await Promise.all(all.map(lookAt));
      for (const endpoint of all) {
        const { name } = endpoint;
        if (endpoint.chainId !== undefined && !isKnown(endpoint)) alerts.raise(name, `${name} is of another chain`);
        else if (endpoint.head === undefined) alerts.raise(name, `${name} cannot be read`);
        else if (isLagging(endpoint)) alerts.raise(name, `${name} lags behind`);
        else alerts.clear(name);
      }
    },
  };
}

/** The newest block, as far as one endpoint alone may not claim it where there are three or more. */
function agreedHead(all: readonly Endpoint[]): number {
  const heads = all.flatMap(({ head }) => (head === undefined ? [] : [head])).sort((a, b) => b - a);
  return (heads.length > 2 ? heads[1] : heads[0]) ?? 0;
}

/** Whether a refusal is the endpoint's own trouble, such as a rate limit, and says nothing about the call. */
function isItsOwnTrouble(error: RpcError): boolean {
  return (
    error.code === 429 ||
    /rate limit|too many requests|request limit|capacity|quota|header not found|missing trie node|unknown block/i.test(
      error.message,
    )
  );
}
