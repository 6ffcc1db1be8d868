import { cpus } from 'node:os';
import { CROWD, measureMemory, measureStorm } from './gateway-crowd.ts';
import {
  CHARGERS,
  type Kind,
  type Latency,
  measureFanout,
  measureLatency,
  measureThroughput,
  type Pace,
  type Throughput,
} from './gateway-throughput.ts';
import { median } from './processes.ts';

/** How often all servers are started anew, as two processes of the same code differ, and their turns each time. */
const ROUNDS = 3;
const TURNS = 5;
/** Those in which answers are timed are shorter, and differ more. */
const LATENCY_TURNS = 11;

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
 * - `fanoutCost`: the share of messages per CPU-second that one more operator costs
 * - `twoGateways`: messages per second of two gateways to those of one, on one machine
 */
export async function run({ json }: { json: boolean }): Promise<void> {
  process.stdout.write(`Gateway: ${CHARGERS} chargers, ${cpus().length} cores, Node ${process.version}\n`);
  /** Their places among what is measured. */
  const [floor, ours, two] = [0, 1, 2];
  const work = await throughput([FLOOR, OURS, TWO]);
  const fanoutCost = await measureFanout();
  const perSec = (kind: number) => median(work.map((turn) => turn[kind]?.messagesPerSec ?? Number.NaN));
  const [oursAtHalf, floorAtHalf, floorAtOurs] = [0, 1, 2];
  const answers = await latency(
    [FLOOR, OURS],
    [
      { kind: ours, perSec: perSec(ours) / 2 },
      { kind: floor, perSec: perSec(floor) / 2 },
      { kind: floor, perSec: perSec(ours) / 2 },
    ],
  );
  const floorBytes = (await measureMemory(FLOOR)).bytesPerConnection;
  const oursBytes = (await measureMemory(OURS)).bytesPerConnection;
  write(`\n${CROWD} connected: ${kb(oursBytes)} a connection, bare ocpp-rpc ${kb(floorBytes)}`);
  const { lost, tookMs } = await measureStorm();
  write(`${CROWD} come back at once: ${lost} lost, all answered after ${(tookMs / 1000).toFixed(1)} s\n`);
  const figures = {
    durableRatio: round(ratio(work, ours, floor, ({ messagesPerCpuSec }) => messagesPerCpuSec)),
    p50Ratio: round(ratio(answers, oursAtHalf, floorAtHalf, ({ p50Ms }) => p50Ms)),
    p50SameRateRatio: round(ratio(answers, oursAtHalf, floorAtOurs, ({ p50Ms }) => p50Ms)),
    rssRatio: round(oursBytes / floorBytes),
    stormLost: lost,
    fanoutCost: round(fanoutCost),
    twoGateways: round(ratio(work, two, ours, ({ messagesPerSec }) => messagesPerSec)),
  };
  for (const [name, value] of Object.entries(figures)) write(`${name.padEnd(18)}${value}`);
  if (json) write(JSON.stringify({ bench: 'gateway', ...figures }));
}

/** The median over the turns of what was measured of one, divided by that of another in the same turn. */
function ratio<T>(turns: readonly (readonly T[])[], one: number, other: number, pick: (measured: T) => number): number {
  return median(turns.map((turn) => pick(turn[one] as T) / pick(turn[other] as T)));
}

/** All turns of all rounds. */
async function throughput(kinds: readonly Kind[]): Promise<Throughput[][]> {
  write('server                                messages per CPU-second      per second   CPUs   Redis   memory');
  const all: Throughput[][] = [];
  for (let n = 0; n < ROUNDS; n++) {
    const turns = await measureThroughput(kinds, TURNS);
    all.push(...turns);
    for (const [i, kind] of kinds.entries()) {
      const of = (pick: (one: Throughput) => number, digits = 0) =>
        median(turns.map((turn) => pick(turn[i] as Throughput))).toFixed(digits);
      const columns = [
        of(({ messagesPerCpuSec }) => messagesPerCpuSec).padStart(23),
        of(({ messagesPerSec }) => messagesPerSec).padStart(16),
        of(({ cpuShare }) => cpuShare, 2).padStart(7),
        of(({ redisCpuShare }) => redisCpuShare, 2).padStart(8),
        `${of(({ rssMiB }) => rssMiB)} MiB`.padStart(9),
      ];
      write(nameOf(kind).padEnd(38) + columns.join(''));
    }
  }
  return all;
}

/** All turns of all rounds. */
async function latency(kinds: readonly Kind[], paces: readonly Pace[]): Promise<Latency[][]> {
  const all: Latency[][] = [];
  for (let n = 0; n < ROUNDS; n++) all.push(...(await measureLatency(kinds, paces, LATENCY_TURNS)));
  write('\nanswers, median and 99 of 100          messages per second    sent');
  for (const [i, { kind, perSec }] of paces.entries()) {
    const of = (pick: (one: Latency) => number) => median(all.map((turn) => pick(turn[i] as Latency)));
    const columns = [
      perSec.toFixed(0).padStart(20),
      `${((100 * of((one) => one.perSec)) / perSec).toFixed(0)} %`.padStart(8),
      `${of(({ p50Ms }) => p50Ms).toFixed(2)} ms`.padStart(12),
      `${of(({ p99Ms }) => p99Ms).toFixed(2)} ms`.padStart(12),
    ];
    write(nameOf(kinds[kind] as Kind).padEnd(38) + columns.join(''));
  }
  return all;
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
