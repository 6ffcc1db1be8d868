import { network } from 'hardhat';

/**
 * The local chain as a process: Hardhat's node with the network `local` of hardhat.config.ts on a loopback port, which
 * is its one argument. Whoever starts it asks its JSON-RPC whether it is there.
 */
const port = Number(process.argv[2]);
const server = await network.createServer('local', '127.0.0.1', port);
await server.listen();

async function stop(): Promise<void> {
  await server.close();
  process.exit(0);
}
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
