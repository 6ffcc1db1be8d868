import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { cpus } from 'node:os';
import type { Log } from 'ethers';
import { makeWorld, type World, waitFor } from '../test/jobs/world.ts';

/** Requests until the code is compiled, then those that count; all of a part stand in one block. */
const WARM_UP_RUNS = 40;
const MEASURED_RUNS = 100;
const ROUNDS = 2;

type Kind = 'floor' | 'ours';

/** What the processes that are measured are told, and say. */
export interface JobsTask {
  env: Record<string, string>;
  operatorAddress: string;
}

/**
 * CPU time of a run of the job node, from the request's log to its mined answer, against what the bare work costs: one
 * `fetch` of the adapter and one `sendTransaction`. Both are processes of their own on the same chain with the same
 * adapter, in turns, so what else the machine does falls on both. CPU time is that of the process, all threads.
 */
export async function run({ json }: { json: boolean }): Promise<void> {
  const world = await makeWorld({ blockEveryMs: 0 });
  const cpuMs: Record<Kind, number[]> = { floor: [], ours: [] };
  let nonce = 0;
  const nextNonces = (count: number) => Array.from({ length: count }, () => nonce++);
  try {
    for (let round = 0; round < ROUNDS; round++) {
      cpuMs.floor.push(await measure('floor', world, nextNonces));
      cpuMs.ours.push(await measure('ours', world, nextNonces));
    }
  } finally {
    await world.close();
  }
  const floorMs = Math.min(...cpuMs.floor);
  const runMs = Math.min(...cpuMs.ours);
  const runsPerCpuSec = Math.round(1_000 / runMs);
  const runOverheadMs = Number((runMs - floorMs).toFixed(2));
  process.stdout.write(`\nJob node, ${cpus()[0]?.model ?? 'unknown CPU'}, ${ROUNDS} rounds, the better one counts\n\n`);
  process.stdout.write(`  fetch and sendTransaction alone   ${floorMs.toFixed(2)} ms of CPU\n`);
  process.stdout.write(
    `  a run of the job node             ${runMs.toFixed(2)} ms of CPU, ${runsPerCpuSec} runs per CPU-second\n`,
  );
  process.stdout.write(`\nOverhead of a run: ${runOverheadMs} ms\n`);
  if (json) process.stdout.write(`${JSON.stringify({ bench: 'jobs', runOverheadMs, runsPerCpuSec })}\n`);
}

/** @returns CPU time for one request, ms */
async function measure(kind: Kind, world: World, nextNonces: (count: number) => number[]): Promise<number> {
  await world.refresh();
  const child = fork(new URL(`./jobs-${kind}.ts`, import.meta.url), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  try {
    const env = world.env({ CHAIN_POLL_MS: '200', MAX_IN_FLIGHT: '64' });
    child.send({ env, operatorAddress: world.operatorAddress } satisfies JobsTask);
    await once(child, 'message');
    await answer(child, world, nextNonces(WARM_UP_RUNS));
    const before = await usageMs(child);
    await answer(child, world, nextNonces(MEASURED_RUNS));
    return ((await usageMs(child)) - before) / MEASURED_RUNS;
  } finally {
    child.kill('SIGKILL');
  }
}

async function answer(child: ChildProcess, world: World, nonces: readonly number[]): Promise<void> {
  const before = (await world.answered()).length;
  const { provider } = world.chain;
  await provider.send('evm_setAutomine', [false]);
  for (const nonce of nonces) await world.request(nonce);
  await provider.send('evm_mine', []);
  await provider.send('evm_setAutomine', [true]);
  const logs = await provider.getLogs({ address: world.operatorAddress, fromBlock: 'latest' });
  child.send({ logs: logs.map(({ topics, data }: Log) => ({ topics, data })) });
  await waitFor(async () => (await world.answered()).length >= before + nonces.length, {
    what: `${nonces.length} answers`,
    timeoutMs: 300_000,
  });
}

async function usageMs(child: ChildProcess): Promise<number> {
  child.send('usage');
  const [{ cpuUs }] = (await once(child, 'message')) as [{ cpuUs: number }];
  return cpuUs / 1_000;
}
