import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { startRedis } from '../test/support/redis.ts';
import { ask, median, start, stop, told } from './processes.ts';

export const CHARGERS = 500;
/** Messages until all code is compiled, also what one message in forty needs. */
const WARM_UP_MESSAGES = 150_000;
/** Messages of a turn at work, and those before them that do not count. */
const TURN_MESSAGES = 25_000;
const SETTLE_MESSAGES = 5_000;
/** On a machine that is busy with other things a phase ends after so long, however few messages it saw. */
const MOST_PHASE_MS = 20_000;
const PACED_MS = 700;
/** How often more operators come and go, and how many: what one costs is less than one turn differs from another. */
const FANOUT_TURNS = 16;
const MORE_OPERATORS = 4;

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

/**
 * Servers of several kinds at work in turns, each warm: what else the machine does at the time falls on all.
 *
 * @returns of each turn, what was measured of each kind
 */
export function measureThroughput(kinds: readonly Kind[], turns: number): Promise<Throughput[][]> {
  return withAll(kinds, async (stages) => {
    const measured: Throughput[][] = [];
    for (let n = 0; n < turns; n++) {
      const turn: Throughput[] = [];
      for (const stage of stages) turn.push(await workOnce(stage));
      measured.push(turn);
    }
    return measured;
  });
}

async function workOnce(stage: Stage): Promise<Throughput> {
  const { load, redisUrl, servers } = stage;
  const look = async () => {
    const redisCpuSec = await redisCpu(redisUrl);
    return { ...(await count(load)), ...(await usage(servers)), redisCpuSec, atMs: performance.now() };
  };
  await ask(load, { do: 'talk' });
  await untilAnswered(load, (await count(load)).answers + SETTLE_MESSAGES);
  const before = await look();
  await untilAnswered(load, before.answers + TURN_MESSAGES);
  const after = await look();
  await ask(load, { do: 'hush' });
  if (after.errors > 0) throw new Error(`${after.errors} messages were answered with an error`);
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
}

/** A load for the servers of one kind among some. */
export interface Pace {
  kind: number;
  perSec: number;
}

/**
 * How long answers take while so many messages per second come, in turns.
 *
 * @returns of each turn, what was measured at each pace
 */
export function measureLatency(kinds: readonly Kind[], paces: readonly Pace[], turns: number): Promise<Latency[][]> {
  return withAll(kinds, async (stages) => {
    const measured: Latency[][] = [];
    for (let n = 0; n < turns; n++) {
      const turn: Latency[] = [];
      for (const { kind, perSec } of paces) {
        const { load } = stages[kind] as Stage;
        turn.push(await ask<Latency>(load, { do: 'pace', perSec, forMs: PACED_MS }));
        await ask(load, { do: 'hush' });
      }
      measured.push(turn);
    }
    return measured;
  });
}

/**
 * The share of messages per CPU-second that one more operator costs, beside four: a fourth of what four more cost. They come
 * and go at one and the same gateway, as two processes differ by more than that.
 */
export function measureFanout(): Promise<number> {
  const [few, many] = [4, 4 + MORE_OPERATORS];
  return withAll([{ server: 'ours', operators: many, gateways: 1 }], async ([stage]) => {
    if (stage === undefined) throw new RangeError('no server');
    const rate = async (operators: number) => {
      for (const server of stage.servers) await ask(server, { do: 'operators', operators });
      return (await workOnce(stage)).messagesPerCpuSec;
    };
    const shares: number[] = [];
    for (let n = 0; n < FANOUT_TURNS; n++) {
      // What comes first is another one each time.
      const isManyFirst = n % 2 === 0;
      const first = await rate(isManyFirst ? many : few);
      const second = await rate(isManyFirst ? few : many);
      shares.push(1 - (isManyFirst ? first / second : second / first));
    }
    return median(shares) / MORE_OPERATORS;
  });
}

/** Servers of each kind, each with a Redis and a load of its own, whose chargers are connected and have talked for a while. */
function withAll<T>(
  kinds: readonly Kind[],
  work: (stages: readonly Stage[]) => Promise<T>,
  before: readonly Stage[] = [],
): Promise<T> {
  const [kind, ...others] = kinds;
  if (kind === undefined) return work(before);
  return withServers(kind, CHARGERS, async (stage) => {
    const { load, urls } = stage;
    await ask(load, { do: 'connect', urls, chargers: CHARGERS });
    await ask(load, { do: 'talk' });
    await untilAnswered(load, WARM_UP_MESSAGES);
    await ask(load, { do: 'hush' });
    return withAll(others, work, [...before, stage]);
  });
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
