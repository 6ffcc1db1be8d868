import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { FetchRequest, HDNodeWallet, JsonRpcProvider, Mnemonic, NonceManager } from 'ethers';
import { exitOf, keepUntilExit } from './children.ts';

export interface ChainOptions {
  /** 31337 unless told. */
  chainId?: number;
  /** A free one unless told. */
  port?: number;
  /** How many accounts have ether; 20 unless told. */
  accounts?: number;
  /** Mines a block this often, ms, and none for a tx alone; without it every tx is mined at once. 0: only `evm_mine`. */
  blockEveryMs?: number;
}

export interface TestChain {
  readonly rpcUrl: string;
  readonly port: number;
  readonly provider: JsonRpcProvider;
  /** The n-th funded account, which signs by itself; it keeps its own nonce, so txs may be sent without waiting. */
  wallet: (n: number) => NonceManager;
  /** The private key of the n-th funded account, 0x-prefixed hex. */
  privateKey: (n: number) => string;
  close: () => Promise<void>;
}

const MNEMONIC = Mnemonic.fromPhrase('test test test test test test test test test test test junk');

/**
 * Starts an EVM of this test's own in a process beside it: Hardhat's node over HTTP and WebSocket on 127.0.0.1.
 * Several blocks may share one second, so the chain's time never runs ahead of the clock.
 *
 * @throws Error with the process's last words if it does not come up
 */
export async function startChain(options: ChainOptions = {}): Promise<TestChain> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'chain-process.ts'), JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '--disable-warning=ExperimentalWarning' },
  });
  keepUntilExit(child);
  let words = '';
  child.stderr.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(-2_000);
  });
  const lines = createInterface({ input: child.stdout });
  const [first] = await Promise.race([
    once(lines, 'line') as Promise<[string]>,
    once(child, 'exit').then(() => Promise.reject(new Error(`the chain ended before it listened:\n${words}`))),
  ]);
  lines.close();
  child.stdout.resume();
  const port = Number(first);
  const rpcUrl = `http://127.0.0.1:${port}`;
  const chainId = options.chainId ?? 31_337;
  // A connection of its own for each request: one kept alive may be closed by a busy chain just when it is used again.
  const request = new FetchRequest(rpcUrl);
  request.getUrlFunc = FetchRequest.createGetUrlFunc({ agent: new Agent({ keepAlive: false }) });
  const provider = new JsonRpcProvider(request, chainId, {
    staticNetwork: true,
    pollingInterval: 50,
    cacheTimeout: -1,
    // Each call goes out at once: waiting for others to share a request costs 10 ms a call.
    batchMaxCount: 1,
  });
  const account = (n: number) => HDNodeWallet.fromMnemonic(MNEMONIC, `m/44'/60'/0'/0/${n}`);
  return {
    rpcUrl,
    port,
    provider,
    wallet: (n) => new NonceManager(account(n).connect(provider)),
    privateKey: (n) => account(n).privateKey,
    close: async () => {
      provider.destroy();
      child.kill('SIGKILL');
      await exitOf(child);
    },
  };
}
