import { Contract, type Provider } from 'ethers';
import { ORACLE_ABI } from '../core/abi.ts';
import type { Logger } from '../runtime/log.ts';

/** The operators that a request was sent to. */
export interface OperatorSet {
  /** Their `Operator` contracts, lower case. */
  oracles: readonly string[];
  /** f: how many of them may lie. */
  faults: number;
  /** When the request was asked, Unix seconds; undefined while the chain cannot be asked. */
  askedAtSec: number | undefined;
}

export interface OperatorSets {
  /**
   * @returns `unknown` if the chain knows no such request, or not yet; `unavailable` if the chain is away and no set of
   *   this network was ever read. While it is away, the set that was read last stands in. Never rejects.
   */
  of: (requestId: string) => Promise<OperatorSet | 'unknown' | 'unavailable'>;
}

const MOST_REMEMBERED = 64;
const MOST_REQUESTS = 1_000;

/** Sets never change once made: each is read once. */
export function makeOperatorSets(provider: Provider, oracleAddress: string, log: Logger): OperatorSets {
  const oracle = new Contract(oracleAddress, ORACLE_ABI, provider);
  const known = new Map<number, Omit<OperatorSet, 'askedAtSec'>>();
  const requests = new Map<string, OperatorSet>();
  let latest = 0;

  const readSet = async (setId: number) => {
    const remembered = known.get(setId);
    if (remembered !== undefined) return remembered;
    const { oracles, faults } = await oracle.getFunction('operatorSet')(setId);
    const set = { oracles: Array.from(oracles, (one) => String(one).toLowerCase()), faults: Number(faults) };
    if (known.size >= MOST_REMEMBERED) known.delete(Math.min(...known.keys()));
    known.set(setId, set);
    latest = Math.max(latest, setId);
    return set;
  };
  // So that there is one to go by if the chain goes away before the first request.
  oracle
    .getFunction('operatorSetId')()
    .then((setId) => readSet(Number(setId)))
    .catch(() => log.debug('set of operators not read yet'));

  return {
    of: async (requestId) => {
      const asked = requests.get(requestId);
      if (asked !== undefined) return asked;
      try {
        const { operatorSetId, askedAt } = await oracle.getFunction('requestOf')(requestId);
        if (Number(operatorSetId) === 0) return 'unknown';
        const found = { ...(await readSet(Number(operatorSetId))), askedAtSec: Number(askedAt) };
        if (requests.size >= MOST_REQUESTS) requests.delete(requests.keys().next().value as string);
        requests.set(requestId, found);
        return found;
      } catch {
        const set = known.get(latest);
        log.warn({ requestId, hasSet: set !== undefined }, 'request not looked up, chain is away');
        return set === undefined ? 'unavailable' : { ...set, askedAtSec: undefined };
      }
    },
  };
}
