import { cpus } from 'node:os';
import { CROWD, measureMemory, measureStorm } from './gateway-crowd.ts';
import {
  CHARGERS,
  type Kind,
  type Latency,
  measureFanout,
  measureLatency,
  measureThroughput,
  type Throughput,
} from './gateway-throughput.ts';
import { median } from './processes.ts';

const MOST_ROUNDS = 5;
/** Once it took so long, two rounds are enough. */
const BUDGET_MS = 150_000;
const LATENCY_ROUNDS = 3;

const FLOOR: Kind = { server: 'floor' };
const OURS: Kind = { server: 'ours', operators: 4, gateways: 1 };
const TWO: Kind = { server: 'ours', operators: 4, gateways: 2 };

/**
 * The gateway against a bare strict `ocpp-rpc` server that keeps nothing. Ours answers a message after Redis
 * (append-only file, synced at every write) has its signed batch in the queues of four operators.
 *
 * Both serve the same chargers from the same load process; runs alternate and the medians count, so what else the
 * machine does at the time falls on both. CPU time is that of the servers' processes, all threads.
 *
 * - `durableRatio`: messages per CPU-second, ours to the floor's
 * - `p50Ratio`: median time to an answer at half load, each at half of what it bears itself, ours to the floor's
 * - `p50SameRateRatio`: the same with both at half of what ours bears, which for the floor is less than half load
 * - `rssRatio`: memory per connection with 5,000 chargers connected, ours to the floor's
 * - `stormLost`: of 5,000 chargers that come back at once with a message each, how many chargers or messages are lost
 * - `fanoutCost`: the share of messages per CPU-second that a fifth operator costs
 * - `twoGateways`: messages per second of two gateways to those of one, on one machine
 */
export async function run({ json }: { json: boolean }): Promise<void> {
  process.stdout.write(`Gateway: ${CHARGERS} chargers, ${cpus().length} cores, Node ${process.version}\n`);
  const [floor, ours, two] = await throughput([FLOOR, OURS, TWO]);
  const rate = (runs: readonly Throughput[] = []) => median(runs.map(({ messagesPerCpuSec }) => messagesPerCpuSec));
  const perSec = (runs: readonly Throughput[] = []) => median(runs.map(({ messagesPerSec }) => messagesPerSec));
  const fanoutCost = await measureFanout();
  const [oursMs, floorMs, floorSameRateMs] = await latency([
    { kind: OURS, perSec: perSec(ours) / 2 },
    { kind: FLOOR, perSec: perSec(floor) / 2 },
    { kind: FLOOR, perSec: perSec(ours) / 2 },
  ]);
  const floorBytes = (await measureMemory(FLOOR)).bytesPerConnection;
  const oursBytes = (await measureMemory(OURS)).bytesPerConnection;
  write(`\n${CROWD} connected: ${kb(oursBytes)} a connection, bare ocpp-rpc ${kb(floorBytes)}`);
  const { lost, tookMs } = await measureStorm();
  write(`${CROWD} come back at once: ${lost} lost, all answered after ${(tookMs / 1000).toFixed(1)} s\n`);
  const figures = {
    durableRatio: round(rate(ours) / rate(floor)),
    p50Ratio: round(oursMs / floorMs),
    p50SameRateRatio: round(oursMs / floorSameRateMs),
    rssRatio: round(oursBytes / floorBytes),
    stormLost: lost,
    fanoutCost: round(fanoutCost),
    twoGateways: round(perSec(two) / perSec(ours)),
  };
  for (const [name, value] of Object.entries(figures)) write(`${name.padEnd(18)}${value}`);
  if (json) write(JSON.stringify({ bench: 'gateway', ...figures }));
}

/** Runs of each kind, in turn. */
async function throughput(kinds: readonly Kind[]): Promise<Throughput[][]> {
  write('server                                messages per CPU-second      per second   CPUs   Redis   memory');
  const runs: Throughput[][] = kinds.map(() => []);
  for (let n = 0; n < MOST_ROUNDS && (n < 2 || performance.now() < BUDGET_MS); n++) {
    for (const [i, kind] of kinds.entries()) {
      const one = await measureThroughput(kind);
      runs[i]?.push(one);
      write(
        nameOf(kind).padEnd(38) +
          one.messagesPerCpuSec.toFixed(0).padStart(23) +
          one.messagesPerSec.toFixed(0).padStart(16) +
          one.cpuShare.toFixed(2).padStart(7) +
          one.redisCpuShare.toFixed(2).padStart(8) +
          `${one.rssMiB.toFixed(0)} MiB`.padStart(9),
      );
    }
  }
  return runs;
}

interface Paced {
  kind: Kind;
  perSec: number;
}

/** @returns the median time to an answer for each, ms */
async function latency<const T extends readonly Paced[]>(paced: T): Promise<{ [K in keyof T]: number }> {
  const runs = paced.map((): Latency[] => []);
  for (let n = 0; n < LATENCY_ROUNDS; n++) {
    for (const [i, { kind, perSec }] of paced.entries()) runs[i]?.push(await measureLatency(kind, perSec));
  }
  write('\nanswers, median and 99 of 100          messages per second    sent');
  const medians = paced.map(({ kind, perSec }, i) => {
    const p50Ms = median((runs[i] ?? []).map(({ p50Ms }) => p50Ms));
    const p99Ms = median((runs[i] ?? []).map(({ p99Ms }) => p99Ms));
    const times = `${p50Ms.toFixed(2).padStart(9)} ms${p99Ms.toFixed(2).padStart(9)} ms`;
    const sent = median((runs[i] ?? []).map((run) => run.perSec)) / perSec;
    write(
      `${nameOf(kind).padEnd(38)}${perSec.toFixed(0).padStart(20)}${`${(100 * sent).toFixed(0)} %`.padStart(8)}${times}`,
    );
    return p50Ms;
  });
  return medians as { [K in keyof T]: number };
}

function nameOf(kind: Kind): string {
  if (kind.server === 'floor') return 'bare strict ocpp-rpc';
  return `${kind.gateways === 1 ? 'gateway' : `${kind.gateways} gateways`}, ${kind.operators} operators`;
}

function kb(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KiB`;
}

function round(value: number): number {
  return Number(value.toFixed(3));
}

function write(line: string): void {
  process.stdout.write(`${line}\n`);
}
