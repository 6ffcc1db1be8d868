import { Contract, Interface, type Provider } from 'ethers';
import { FACTORY_ABI, ORACLE_ABI } from '../core/abi.ts';
import { QUERIES } from '../core/queries.ts';
import { isCommandQuery, type RequestApproval } from '../core/request-approval.ts';
import { asChainError } from '../runtime/chain.ts';
import { recentLogs } from './recent-logs.ts';

const LEDGER = new Interface(ORACLE_ABI);
const REQUESTED = LEDGER.getEvent('Requested')?.topicHash ?? '';

/** What the chain says that it asked. */
export interface AskedRequests {
  /**
   * The request to a charger with this id, if the ledger has it at the confirmed depth and the charger's own contract asked.
   *
   * @param asOfSec - when it is said to have been asked, Unix seconds: nothing before is looked at
   * @throws DevsenError `CHAIN_UNAVAILABLE`
   */
  find: (requestId: string, asOfSec: number) => Promise<RequestApproval | undefined>;
}

export interface AskedRequestsOptions {
  provider: Provider;
  /** OracleDEVSEN. */
  oracleAddress: string;
  /** Blocks that must stand on top. */
  confirmations: number;
}

export function readAskedRequests({ provider, oracleAddress, confirmations }: AskedRequestsOptions): AskedRequests {
  const ledger = new Contract(oracleAddress, ORACLE_ABI, provider);

  const findLog = async (requestId: string, asOfSec: number) => {
    const toBlock = (await provider.getBlockNumber()) - confirmations;
    const filter = { address: oracleAddress, topics: [REQUESTED, requestId] };
    for await (const log of recentLogs(provider, filter, toBlock, asOfSec)) return LEDGER.parseLog(log)?.args;
    return undefined;
  };

  return {
    find: async (requestId, asOfSec) => {
      try {
        const told = await findLog(requestId, asOfSec);
        if (told === undefined) return undefined;
        const query = QUERIES.find(({ number }) => BigInt(number) === told.query)?.name;
        if (query === undefined || !isCommandQuery(query)) return undefined;
        const factory = new Contract(await ledger.getFunction('factory')(), FACTORY_ABI, provider);
        const device: string = await factory.getFunction('deviceOf')(told.deviceId);
        if (device !== told.consumer) return undefined;
        const { deviceId, params, asOf } = told;
        return { requestId, deviceId, query, params, asOfSec: Number(asOf) };
      } catch (error) {
        throw asChainError(error);
      }
    },
  };
}
