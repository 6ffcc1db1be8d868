import { type Chain, makeChain } from './chain.ts';
import type { Endpoints } from './endpoints.ts';
import type { SecondOpinion } from './sending.ts';

/**
 * What another endpoint says of a tx: it must hold the same block that the tx rests on, and have it succeed. So no
 * single endpoint can have the node pay for an answer to a request that does not exist, or give up one that does.
 *
 * @param first - the chain as the node reads it
 */
export function makeSecondOpinion(first: Pick<Chain, 'block'>, second: Endpoints['second']): SecondOpinion {
  return async (tx, from) => {
    const rpc = second();
    if (!rpc) return 'unknown';
    const other = makeChain(rpc);
    try {
      const [ours, theirs, head] = await Promise.all([
        first.block(tx.afterBlock),
        other.block(tx.afterBlock),
        other.head(),
      ]);
      if (!ours || !theirs) return 'unknown';
      if (ours.hash !== theirs.hash) return 'differs';
      return (await other.simulate({ ...tx, from }, head)) === undefined ? 'succeeds' : 'fails';
    } catch {
      return 'unknown';
    }
  };
}
