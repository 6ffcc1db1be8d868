import { network } from 'hardhat';

/**
 * The local chain as a process: Hardhat's node with the network `local` of hardhat.config.ts. Its arguments are the port
 * and, if not loopback, the address to listen on. It is at work once it has the block from which its time is the
 * clock's, CHAIN_READY_BLOCK.
 */
const port = Number(process.argv[2]);
const server = await network.createServer('local', process.argv[3] ?? '127.0.0.1', port);
await server.listen();

async function stop(): Promise<void> {
  await server.close();
  process.exit(0);
}
process.on('SIGTERM', stop);
process.on('SIGINT', stop);

async function rpc<Result>(method: string, ...params: unknown[]): Promise<Result> {
  const response = await fetch(`http://127.0.0.1:${port}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  });
  const { result, error } = (await response.json()) as { result: Result; error?: { message: string } };
  if (error) throw new Error(`${method}: ${error.message}`);
  return result;
}

// Hardhat counts time from when it read its configuration, so its blocks lag a second or two behind the clock; a
// question asked right after a charger's message would then be about the time before it.
const nowSec = Math.floor(Date.now() / 1000);
await rpc('evm_mine');
const { timestamp } = await rpc<{ timestamp: string }>('eth_getBlockByNumber', 'latest', false);
const lagSec = nowSec - Number(timestamp);
if (lagSec > 0) await rpc('evm_increaseTime', `0x${lagSec.toString(16)}`);
await rpc('evm_mine');
