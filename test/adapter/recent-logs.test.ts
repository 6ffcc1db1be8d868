import { expect, it } from '@jest/globals';
import type { Provider } from 'ethers';
import { recentLogs } from '../../adapter/recent-logs.ts';

/** A chain with a block a second from second 0 on, and a log in some of them. */
function chainOf(logsInBlocks: readonly number[]) {
  const ranges: [number, number][] = [];
  const provider = {
    getLogs: async ({ fromBlock, toBlock }: { fromBlock: number; toBlock: number }) => {
      ranges.push([fromBlock, toBlock]);
      return logsInBlocks
        .filter((block) => block >= fromBlock && block <= toBlock)
        .map((blockNumber) => ({ blockNumber }));
    },
    getBlock: async (number: number) => ({ timestamp: number }),
  };
  return { provider: provider as unknown as Provider, ranges };
}

async function blocks(logs: ReturnType<typeof recentLogs>): Promise<number[]> {
  const found: number[] = [];
  for await (const { blockNumber } of logs) found.push(blockNumber);
  return found;
}

it('reads logs backwards in ranges that endpoints bear, until what is too old', async () => {
  const { provider, ranges } = chainOf([50, 1_200, 2_400, 2_450, 2_600]);
  expect(await blocks(recentLogs(provider, {}, 2_500, 1_100))).toEqual([2_400, 2_450, 1_200]);
  expect(ranges).toEqual([
    [1_501, 2_500],
    [501, 1_500],
  ]);
});

it('reads from the first block of a young chain, no further than is asked, and no more than fifty ranges', async () => {
  const young = chainOf([0, 3]);
  expect(await blocks(recentLogs(young.provider, {}, 5, 0))).toEqual([0, 3]);
  const long = chainOf([]);
  await blocks(recentLogs(long.provider, {}, 1_000_000, 0));
  expect(long.ranges).toHaveLength(50);
  const first = chainOf([2_400]);
  for await (const log of recentLogs(first.provider, {}, 2_500, 0)) {
    expect(log.blockNumber).toBe(2_400);
    break;
  }
  expect(first.ranges).toHaveLength(1);
});
