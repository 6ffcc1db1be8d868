import type { Chain, ChainLog } from './chain.ts';
import { CANCEL_TOPIC, type OracleRequest, RESPONSE_TOPIC } from './requests.ts';
import { RpcError } from './rpc.ts';

/**
 * The newest answer to a request, or cancellation of it. Endpoints bound the blocks of one call, each in its own way:
 * what is refused is asked for in shorter stretches.
 *
 * @param rangeBlocks - most blocks asked for in one call
 * @returns undefined if it was neither answered nor cancelled
 * @throws RpcError or DevsenError `CHAIN_UNAVAILABLE` if the chain cannot say
 */
export async function lastEndOf(
  chain: Pick<Chain, 'head' | 'logs'>,
  { requestId, log: origin }: OracleRequest,
  rangeBlocks: number,
): Promise<ChainLog | undefined> {
  const head = (await chain.head()).number;
  const topics = [[RESPONSE_TOPIC, CANCEL_TOPIC], requestId];
  let stretch = rangeBlocks;
  let last: ChainLog | undefined;
  for (let from = origin.blockNumber; from <= head; ) {
    const to = Math.min(head, from + stretch - 1);
    try {
      last = (await chain.logs({ address: origin.address, topics, from, to })).at(-1) ?? last;
      from = to + 1;
    } catch (error) {
      if (!(error instanceof RpcError) || to === from) throw error;
      stretch = Math.floor((to - from + 1) / 2);
    }
  }
  return last;
}
