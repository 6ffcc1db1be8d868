/** Whether a service says that it is well; undefined while it does not, or is not there. */
export async function isHealthy(url: string): Promise<true | undefined> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  await response.body?.cancel();
  return response.ok ? true : undefined;
}

/** Whether a chain answers JSON-RPC there and has got as far as a block. */
export async function hasReachedBlock(url: string, block: number): Promise<true | undefined> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_blockNumber', params: [] }),
    signal: AbortSignal.timeout(2_000),
  });
  const { result } = (await response.json()) as { result?: string };
  return result !== undefined && Number(result) >= block ? true : undefined;
}

/** The local chain is at work from this block on: it mines it itself once its time is right. */
export const CHAIN_READY_BLOCK = 2;
