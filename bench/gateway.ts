import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { startRedis } from '../test/support/redis.ts';

const CHARGERS = 500;
const MOST_ROUNDS = 5;
/** Once it took so long, two rounds are enough. */
const BUDGET_MS = 100_000;
/** Messages until the code is compiled and the buffers have their size, then those that count. */
const WARM_UP_MESSAGES = 30_000;
const MEASURED_MESSAGES = 40_000;
/** On a machine that is busy with other things a phase ends after so long, however few messages it saw. */
const MOST_PHASE_MS = 12_000;

type Kind = 'floor' | 'ours';

/** One server, measured under full load. */
interface Run {
  messagesPerCpuSec: number;
  messagesPerSec: number;
  cpuShare: number;
  rssMiB: number;
}

/**
 * Durable messages per CPU-second of the gateway, against a bare strict `ocpp-rpc` server that keeps nothing.
 *
 * Both serve the same chargers from the same load process; runs alternate and the medians count, so what else the
 * machine does at the time falls on both. Ours answers a message after Redis (append-only file, synced at every
 * write) has its signed batch in the queues of four operators. CPU time is that of the server's process, all threads.
 */
export async function run({ json }: { json: boolean }): Promise<void> {
  const runs: Record<Kind, Run[]> = { floor: [], ours: [] };
  for (let round = 0; round < MOST_ROUNDS && (round < 2 || performance.now() < BUDGET_MS); round++) {
    for (const kind of ['floor', 'ours'] as const) {
      const redis = await startRedis();
      try {
        runs[kind].push(await measure(kind, redis.url));
      } finally {
        await redis.close();
      }
    }
  }
  print(runs);
  const rate = (kind: Kind) => median(runs[kind].map((one) => one.messagesPerCpuSec));
  const durableRatio = Number((rate('ours') / rate('floor')).toFixed(3));
  process.stdout.write(`\nDurable ratio: ${durableRatio}\n`);
  if (json) process.stdout.write(`${JSON.stringify({ bench: 'gateway', durableRatio })}\n`);
}

async function measure(kind: Kind, redisUrl: string): Promise<Run> {
  const server = start(`./gateway-${kind}.ts`, [redisUrl, String(CHARGERS)]);
  const load = start('./gateway-load.ts', []);
  try {
    const { url } = await told<{ url: string }>(server);
    await ask(load, { do: 'connect', url, chargers: CHARGERS });
    await untilAnswered(load, WARM_UP_MESSAGES);
    const before = { ...(await count(load)), ...(await usage(server)), atMs: performance.now() };
    await untilAnswered(load, before.answers + MEASURED_MESSAGES);
    const after = { ...(await count(load)), ...(await usage(server)), atMs: performance.now() };
    if (after.errors > before.errors) throw new Error(`${kind}: ${after.errors} messages were answered with an error`);
    const messages = after.answers - before.answers;
    const cpuSec = (after.cpuUs - before.cpuUs) / 1e6;
    const sec = (after.atMs - before.atMs) / 1e3;
    return {
      messagesPerCpuSec: messages / cpuSec,
      messagesPerSec: messages / sec,
      cpuShare: cpuSec / sec,
      rssMiB: after.rssBytes / 2 ** 20,
    };
  } finally {
    await stop(load);
    await stop(server);
  }
}

async function untilAnswered(load: ChildProcess, answers: number): Promise<void> {
  const deadlineMs = performance.now() + MOST_PHASE_MS;
  while (performance.now() < deadlineMs && (await count(load)).answers < answers) await sleep(50);
}

function count(load: ChildProcess) {
  return ask<{ answers: number; errors: number }>(load, { do: 'count' });
}

function usage(server: ChildProcess) {
  return ask<{ cpuUs: number; rssBytes: number }>(server, { do: 'usage' });
}

function start(file: string, args: string[]): ChildProcess {
  return fork(new URL(file, import.meta.url), args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
}

async function ask<T>(child: ChildProcess, order: object): Promise<T> {
  child.send(order);
  return told<T>(child);
}

/** The next message of a child; an error if it ends instead. */
async function told<T>(child: ChildProcess): Promise<T> {
  const done = new AbortController();
  try {
    return await Promise.race([
      once(child, 'message', done).then(([message]) => message as T),
      once(child, 'exit', done).then(([code]) => {
        throw new Error(`${child.spawnargs[1]} ended with exit code ${code}`);
      }),
    ]);
  } finally {
    done.abort();
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.send({ do: 'stop' });
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await exited;
  clearTimeout(timer);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function print(runs: Record<Kind, Run[]>): void {
  process.stdout.write(`Gateway: ${CHARGERS} chargers, ${cpus().length} cores, Node ${process.version}\n`);
  process.stdout.write('server                      messages per CPU-second      per second   CPUs   memory\n');
  const names: Record<Kind, string> = { floor: 'bare strict ocpp-rpc', ours: 'gateway, 4 operators' };
  for (const kind of ['floor', 'ours'] as const) {
    for (const one of runs[kind]) {
      const cells = [
        names[kind].padEnd(28),
        one.messagesPerCpuSec.toFixed(0).padStart(23),
        one.messagesPerSec.toFixed(0).padStart(16),
        one.cpuShare.toFixed(2).padStart(7),
        `${one.rssMiB.toFixed(0)} MiB`.padStart(9),
      ];
      process.stdout.write(`${cells.join('')}\n`);
    }
  }
}
