import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { computeAddress, type JsonRpcProvider } from 'ethers';
import { runCli as runJobs } from '../../jobs/cli.ts';
import { operatorDir } from '../../network/local-plan.ts';
import { giveEther } from '../../network/local-setup.ts';
import { LOCAL_DIR } from '../../network/local-state.ts';
import { anyPorts } from '../../network/ports.ts';
import type { StartedNetwork } from './npm-start.ts';

/** A key of nobody else. */
const NEW_NODE_KEY = `0x${'5a'.repeat(32)}`;

/** The settings with which the README's commands for operators are run. */
export interface ReadmeOperators {
  /** Of the network's first operator, which runs. */
  first: { adapterUrl: string; bridgeToken: string; env: Record<string, string> };
  /** Of one that begins: they are in `.env`, and its job specs where they say. */
  beginner: { adapterPort: number; jobsPort: number };
}

/** @param redisUrl - where the network's queues are */
export async function makeReadmeOperators(
  { dir, state, keys }: StartedNetwork,
  provider: JsonRpcProvider,
  redisUrl: string,
): Promise<ReadmeOperators> {
  const [first] = state.operators;
  const [keysOfFirst] = keys.operators;
  const [ports] = (await anyPorts(1)).operators;
  if (!first || !keysOfFirst || !ports) throw new Error('the network has no operators');
  const folderOfFirst = operatorDir(join(dir, LOCAL_DIR), 0);
  // A spec of one's own, as the README's `my-spec.toml`.
  await copyFile(join(folderOfFirst, 'jobs', 'charger-status.toml'), join(dir, 'my-spec.toml'));

  const account = computeAddress(NEW_NODE_KEY);
  const folder = join(dir, 'beginner');
  await mkdir(folder);
  const env = {
    RPC_URL: state.rpcUrl,
    REDIS_URL: redisUrl,
    ORACLE_ADDRESS: state.addresses.oracle,
    OPERATOR_ACCOUNT: account,
    IDTAG_PEPPER: keys.idTagPepper,
    ADAPTER_PORT: `${ports.adapter}`,
    ADAPTER_DATABASE: join(folder, 'adapter.sqlite'),
    BRIDGE_URL: `http://127.0.0.1:${ports.adapter}/`,
    BRIDGE_TOKEN: 'twenty-four-characters!!',
    JOBS_DIR: join(folder, 'jobs'),
    JOBS_DATABASE: join(folder, 'jobs.sqlite'),
    JOBS_PORT: `${ports.jobs}`,
    NODE_KEY: NEW_NODE_KEY,
    NODE_KEY_ALLOWED: 'true',
  };
  const rows = Object.entries(env).map(([name, value]) => `${name}="${value}"\n`);
  await writeFile(join(dir, '.env'), rows.join(''), { mode: 0o600 });
  const { chainId } = await provider.getNetwork();
  const filled = await runJobs(['fill', env.JOBS_DIR, `${chainId}`, account, state.addresses.oracle, account], {});
  if (filled.exitCode !== 0) throw new Error(filled.errors);
  await giveEther(provider, [account]);

  return {
    first: {
      adapterUrl: first.adapterUrl,
      bridgeToken: keysOfFirst.bridgeToken,
      env: {
        RPC_URL: state.rpcUrl,
        BRIDGE_URL: `${first.adapterUrl}/`,
        BRIDGE_TOKEN: keysOfFirst.bridgeToken,
        NODE_KEY: keysOfFirst.node,
        NODE_KEY_ALLOWED: 'true',
        JOBS_PORT: new URL(first.jobsUrl).port,
        JOBS_TOKEN: keysOfFirst.jobsToken,
        ADAPTER_DATABASE: join(folderOfFirst, 'adapter.sqlite'),
        JOBS_DATABASE: join(folderOfFirst, 'jobs.sqlite'),
      },
    },
    beginner: { adapterPort: ports.adapter, jobsPort: ports.jobs },
  };
}
