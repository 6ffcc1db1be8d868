import { Interface, type Log, type Provider } from 'ethers';
import { USER_ABI } from '../core/abi.ts';
import { recentLogs } from './recent-logs.ts';

const USERS = new Interface(USER_ABI);
const GATEWAY_SET = USERS.getEvent('GatewaySet')?.topicHash ?? '';

/** A key that a gateway signed with before it had its present one. Addresses in lower case. */
export interface FormerKey {
  gateway: string;
  signingKey: string;
  /** When the chain put another in its place, Unix ms. */
  replacedAtMs: number;
}

/**
 * Keys that gateways had before: what they signed with them is still theirs, and a record that is made whole from other
 * operators holds it.
 *
 * Endpoints that do not give logs of the whole chain in one call are asked range by range, as far back as `recentLogs` goes.
 *
 * @param users - address of UserDEVSEN
 * @param toBlock - the last block that is read
 * @throws what ethers throws if the chain cannot be read
 */
export async function readFormerKeys(provider: Provider, users: string, toBlock: number): Promise<FormerKey[]> {
  const filter = { address: users, topics: [GATEWAY_SET] };
  let logs: Log[];
  try {
    logs = await provider.getLogs({ ...filter, fromBlock: 0, toBlock });
  } catch {
    logs = [];
    for await (const log of recentLogs(provider, filter, toBlock, 0)) logs.push(log);
  }
  logs.sort((one, other) => one.blockNumber - other.blockNumber || one.index - other.index);
  const present = new Map<string, string>();
  const former: FormerKey[] = [];
  for (const log of logs) {
    const [account, key] = (USERS.parseLog(log)?.args ?? []) as string[];
    if (account === undefined || key === undefined) continue;
    const [gateway, signingKey] = [account.toLowerCase(), key.toLowerCase()];
    const before = present.get(gateway);
    present.set(gateway, signingKey);
    if (before === undefined || before === signingKey) continue;
    const block = await provider.getBlock(log.blockNumber);
    if (block === null) throw new Error('the block of a log is gone');
    former.push({ gateway, signingKey: before, replacedAtMs: block.timestamp * 1000 });
  }
  return former;
}
