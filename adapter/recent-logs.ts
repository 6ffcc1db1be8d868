import type { Filter, Log, Provider } from 'ethers';

/** Most blocks asked for in one `eth_getLogs`. */
const RANGE_BLOCKS = 1_000;
/** So many ranges are looked through, and no more: chains with blocks of a quarter of a second make one in four minutes. */
const MOST_RANGES = 50;

/**
 * Logs from a block backwards, range by range, the latest range first, in each the earliest first.
 *
 * @param toBlock - the last block that is read
 * @param sinceSec - nothing before is looked for, Unix seconds
 */
export async function* recentLogs(
  provider: Provider,
  filter: Pick<Filter, 'address' | 'topics'>,
  toBlock: number,
  sinceSec: number,
): AsyncIterable<Log> {
  let last = toBlock;
  for (let n = 0; n < MOST_RANGES && last >= 0; n++) {
    const fromBlock = Math.max(0, last - RANGE_BLOCKS + 1);
    yield* await provider.getLogs({ ...filter, fromBlock, toBlock: last });
    const first = await provider.getBlock(fromBlock);
    if (first === null || first.timestamp < sinceSec) return;
    last = fromBlock - 1;
  }
}
