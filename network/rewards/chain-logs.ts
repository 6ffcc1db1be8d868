import type { Contract, LogDescription, Provider } from 'ethers';

/** Addresses or topics of one `eth_getLogs`: endpoints bear no more. */
const MOST_CHOICES = 100;

/** One log, read by its contract's ABI. */
export interface ReadLog {
  args: LogDescription['args'];
  txHash: string;
  block: number;
  /** Its place in the block. */
  index: number;
}

/**
 * The logs of one event in these blocks, both included, in the order of the chain. Where the endpoint refuses so many blocks at
 * once they are asked for in halves.
 *
 * @param topics - the event's indexed arguments, each a value, several of which one must match, or null for any
 * @throws what ethers throws if the endpoint refuses a single block too
 */
export async function readLogs(
  contract: Contract,
  event: string,
  topics: readonly (unknown | readonly unknown[] | null)[],
  [from, to]: readonly [number, number],
): Promise<ReadLog[]> {
  if (from > to) return [];
  try {
    const logs = await contract.queryFilter(contract.getEvent(event)(...topics), from, to);
    return logs.flatMap(({ topics: found, data, transactionHash, blockNumber, index }) => {
      const parsed = contract.interface.parseLog({ topics: [...found], data });
      return parsed ? [{ args: parsed.args, txHash: transactionHash, block: blockNumber, index }] : [];
    });
  } catch (error) {
    if (from === to) throw error;
    const middle = from + Math.floor((to - from) / 2);
    const first = await readLogs(contract, event, topics, [from, middle]);
    return [...first, ...(await readLogs(contract, event, topics, [middle + 1, to]))];
  }
}

/** As `readLogs`, for an event whose first indexed argument is one of many. */
export async function readLogsOf(
  contract: Contract,
  event: string,
  firsts: readonly string[],
  blocks: readonly [number, number],
): Promise<ReadLog[]> {
  const found: ReadLog[] = [];
  for (let at = 0; at < firsts.length; at += MOST_CHOICES) {
    found.push(...(await readLogs(contract, event, [firsts.slice(at, at + MOST_CHOICES)], blocks)));
  }
  return found;
}

/** The first block that is not before a time; `head + 1` if the chain has not come so far. @param atSec - Unix seconds */
export async function firstBlockFrom(provider: Provider, atSec: bigint, head: number): Promise<number> {
  let [low, high] = [0, head + 1];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const block = await provider.getBlock(middle);
    if (block === null) throw new Error(`the endpoint has no block ${middle}`);
    if (BigInt(block.timestamp) < atSec) low = middle + 1;
    else high = middle;
  }
  return low;
}
