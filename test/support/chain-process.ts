import { flushCompileCache } from 'node:module';
import { createHardhatRuntimeEnvironment } from 'hardhat/hre';
import type { ChainOptions } from './chain.ts';

/**
 * A chain of one's own over JSON-RPC, as a process: takes its options as one JSON argument, prints its port as one line,
 * and ends when standard input does, so that it never outlives whoever started it.
 */
const options = JSON.parse(process.argv[2] ?? '{}') as ChainOptions;

const hardhat = await createHardhatRuntimeEnvironment({
  networks: {
    chain: {
      type: 'edr-simulated',
      chainType: 'l1',
      chainId: options.chainId ?? 31_337,
      allowBlocksWithSameTimestamp: true,
      mining: options.blockEveryMs === undefined ? { auto: true } : { auto: false, interval: options.blockEveryMs },
      accounts: { count: options.accounts ?? 20, accountsBalance: 10n ** 24n },
    },
  },
});
const server = await hardhat.network.createServer('chain', '127.0.0.1', options.port ?? 0);
const { port } = await server.listen();
process.stdout.write(`${port}\n`);
// It is killed in the end, and writes nothing then.
flushCompileCache();
process.stdin.resume().on('end', () => process.exit(0));
