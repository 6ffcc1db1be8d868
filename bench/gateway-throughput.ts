import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { startRedis } from '../test/support/redis.ts';
import { ask, median, start, stop, told } from './processes.ts';

export const CHARGERS = 500;
/** Messages until all code is compiled, also what one message in forty needs, then those that count. */
const WARM_UP_MESSAGES = 150_000;
const MEASURED_MESSAGES = 80_000;
/** On a machine that is busy with other things a phase ends after so long, however few messages it saw. */
const MOST_PHASE_MS = 20_000;
const PACED_MS = 5_000;
/** How often operators come and go, how many messages count each time, and how many pass before. */
const FANOUT_TURNS = 12;
const FANOUT_MESSAGES = 30_000;
const SETTLE_MESSAGES = 5_000;

/** What is measured: the bare server, or so many gateways that write for so many operators. */
export type Kind = { server: 'floor' } | { server: 'ours'; operators: number; gateways: number };

/** The servers of a kind under full load. */
export interface Throughput {
  messagesPerCpuSec: number;
  messagesPerSec: number;
  cpuShare: number;
  /** What Redis uses beside them. */
  redisCpuShare: number;
  rssMiB: number;
}

export interface Latency {
  /** Messages per second that were sent: fewer than asked for only where every charger waited for an answer. */
  perSec: number;
  p50Ms: number;
  p99Ms: number;
}

export function measureThroughput(kind: Kind): Promise<Throughput> {
  return withServers(kind, CHARGERS, async ({ servers, load, urls, redisUrl }) => {
    const look = async () => {
      const redisCpuSec = await redisCpu(redisUrl);
      return { ...(await count(load)), ...(await usage(servers)), redisCpuSec, atMs: performance.now() };
    };
    await warmUp(load, urls);
    const before = await look();
    await untilAnswered(load, before.answers + MEASURED_MESSAGES);
    const after = await look();
    if (after.errors > 0) throw new Error(`${kind.server}: ${after.errors} messages were answered with an error`);
    const messages = after.answers - before.answers;
    const cpuSec = (after.cpuUs - before.cpuUs) / 1e6;
    const sec = (after.atMs - before.atMs) / 1e3;
    return {
      messagesPerCpuSec: messages / cpuSec,
      messagesPerSec: messages / sec,
      cpuShare: cpuSec / sec,
      redisCpuShare: (after.redisCpuSec - before.redisCpuSec) / sec,
      rssMiB: after.rssBytes / 2 ** 20,
    };
  });
}

/** How long answers take while so many messages per second come. */
export function measureLatency(kind: Kind, perSec: number): Promise<Latency> {
  return withServers(kind, CHARGERS, async ({ load, urls }) => {
    await warmUp(load, urls);
    return ask<Latency>(load, { do: 'pace', perSec, forMs: PACED_MS });
  });
}

/**
 * The share of messages per CPU-second that a fifth operator costs: it comes and goes at one and the same gateway, as two
 * processes differ by more than that.
 */
export function measureFanout(): Promise<number> {
  return withServers({ server: 'ours', operators: 5, gateways: 1 }, CHARGERS, async ({ servers, load, urls }) => {
    const costUs = async (operators: number) => {
      for (const server of servers) await ask(server, { do: 'operators', operators });
      await untilAnswered(load, (await count(load)).answers + SETTLE_MESSAGES);
      const look = async () => ({ ...(await count(load)), ...(await usage(servers)) });
      const before = await look();
      await untilAnswered(load, before.answers + FANOUT_MESSAGES);
      const after = await look();
      return (after.cpuUs - before.cpuUs) / (after.answers - before.answers);
    };
    await warmUp(load, urls);
    const shares: number[] = [];
    for (let n = 0; n < FANOUT_TURNS; n++) {
      // What comes first is another one each time.
      const isFiveFirst = n % 2 === 0;
      const first = await costUs(isFiveFirst ? 5 : 4);
      const second = await costUs(isFiveFirst ? 4 : 5);
      shares.push(isFiveFirst ? 1 - second / first : 1 - first / second);
    }
    return median(shares);
  });
}

/** All chargers are connected and talk, and have for a while. */
async function warmUp(load: ChildProcess, urls: readonly string[]): Promise<void> {
  await ask(load, { do: 'connect', urls, chargers: CHARGERS });
  await ask(load, { do: 'talk' });
  await untilAnswered(load, WARM_UP_MESSAGES);
}

/** Servers that listen, a Redis of their own, and chargers that are not connected yet. */
export interface Stage {
  servers: readonly ChildProcess[];
  urls: readonly string[];
  load: ChildProcess;
  redisUrl: string;
}

/** @param chargers - how many the servers know */
export async function withServers<T>(kind: Kind, chargers: number, work: (stage: Stage) => Promise<T>): Promise<T> {
  const redis = await startRedis();
  const servers: ChildProcess[] = [];
  const load = start('./gateway-load.ts', []);
  try {
    const urls: string[] = [];
    const [operators, gateways] = kind.server === 'ours' ? [kind.operators, kind.gateways] : [0, 1];
    for (let n = 0; n < gateways; n++) {
      const server = start(`./gateway-${kind.server}.ts`, [redis.url, chargers, operators, n].map(String));
      servers.push(server);
      urls.push((await told<{ url: string }>(server)).url);
    }
    return await work({ servers, urls, load, redisUrl: redis.url });
  } finally {
    await stop(load);
    await Promise.all(servers.map(stop));
    await redis.close();
  }
}

async function untilAnswered(load: ChildProcess, answers: number): Promise<void> {
  const deadlineMs = performance.now() + MOST_PHASE_MS;
  while (performance.now() < deadlineMs && (await count(load)).answers < answers) await sleep(50);
}

function count(load: ChildProcess) {
  return ask<{ answers: number; errors: number }>(load, { do: 'count' });
}

/** CPU time that Redis has used, s. */
async function redisCpu(url: string): Promise<number> {
  const redis = new Redis(url);
  const fields = [...(await redis.info('cpu')).matchAll(/^used_cpu_(?:sys|user):(\S+)/gm)];
  redis.disconnect();
  return fields.reduce((sum, [, sec]) => sum + Number(sec), 0);
}

async function usage(servers: readonly ChildProcess[]) {
  const all = await Promise.all(
    servers.map((server) => ask<{ cpuUs: number; rssBytes: number }>(server, { do: 'usage' })),
  );
  const sum = (pick: (one: (typeof all)[number]) => number) => all.reduce((total, one) => total + pick(one), 0);
  return { cpuUs: sum(({ cpuUs }) => cpuUs), rssBytes: sum(({ rssBytes }) => rssBytes) };
}
