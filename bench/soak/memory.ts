import { readFileSync } from 'node:fs';
import { median } from '../processes.ts';

/** What a process held in memory at a time. */
export interface MemorySample {
  atMs: number;
  mib: number;
  /** Its process id: one that is started again is another process, and begins with little. */
  pid: number;
}

/** The process of the chargers: its memory is told, but says nothing of the network. */
export const LOAD = 'chargers';

/** How a process's memory went over its longest life, after it had warmed up. */
export interface MemoryTrend {
  name: string;
  /** How long that life was, min. */
  minutes: number;
  /** What it held in the middle of the time that is judged, MiB. */
  mib: number;
  /** MiB per hour; absent where the life was too short to judge. */
  slope?: number;
  /** How far the slope may be off by what a heap moves by itself, MiB per hour. */
  noise?: number;
  /** What it held in each slice of the time that is judged, in order, when garbage had just been collected, MiB. */
  lows?: number[];
  /** `too noisy`: it may grow or not, the life was too short to tell. */
  verdict: 'flat' | 'grows' | 'too short' | 'too noisy';
}

/** Growth that counts as none, MiB per hour: 700 MiB a day would show in a graph long before they hurt. */
export const MOST_SLOPE = 30;
/** Code is compiled first, and an operator's database fills its cache of 64 MiB; of a long life a third. */
const WARM_UP_MS = 10 * 60_000;
const WARM_UP_SHARE = 1 / 3;
const LEAST_JUDGED_MS = 10 * 60_000;
const SLICES = 12;
/** So many samples a slice at least. */
const LEAST_OF_SLICE = 3;
/** Of a slice counts what a tenth of its samples is below: what is left when garbage has just been collected. */
const LOW_SHARE = 0.1;

/** Resident memory of a process, MiB; undefined if it is gone, or the system does not tell. */
export function residentMib(pid: number): number | undefined {
  try {
    const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? undefined : Number(kib) / 1024;
  } catch {
    return undefined;
  }
}

/**
 * The slope of a process's memory: the median of the slopes between the lows of any two slices (Theil, Sen), which garbage
 * and single peaks do not move. Its noise is two standard errors of a line through so many slices.
 */
export function trendOf(name: string, all: readonly MemorySample[]): MemoryTrend {
  const samples = longestLife(all);
  const [first] = samples;
  const last = samples.at(-1);
  const lifeMs = first && last ? last.atMs - first.atMs : 0;
  const fromMs = (first?.atMs ?? 0) + Math.max(WARM_UP_MS, WARM_UP_SHARE * lifeMs);
  const warm = samples.filter(({ atMs }) => atMs >= fromMs);
  const judgedMs = (last?.atMs ?? 0) - fromMs;
  const minutes = lifeMs / 60_000;
  const mib = median((warm.length > 0 ? warm : samples).map((sample) => sample.mib));
  const slices = slicesOf(warm, fromMs, judgedMs);
  if (judgedMs < LEAST_JUDGED_MS || slices.length < SLICES) return { name, minutes, mib, verdict: 'too short' };
  const slope = slopeOf(slices);
  const noise = noiseOf(slices, slope);
  const lows = slices.map((slice) => Math.round(slice.mib));
  return { name, minutes, mib, slope, noise, lows, verdict: verdictOf(slope, noise) };
}

/** Noise excuses growth up to as much again; what is noisier says nothing. */
function verdictOf(slope: number, noise: number): MemoryTrend['verdict'] {
  if (slope - noise > MOST_SLOPE) return 'grows';
  return noise > MOST_SLOPE ? 'too noisy' : 'flat';
}

function longestLife(all: readonly MemorySample[]): MemorySample[] {
  const lives = Object.values(Object.groupBy(all, ({ pid }) => pid)) as MemorySample[][];
  const span = (life: MemorySample[]) => (life.at(-1)?.atMs ?? 0) - (life[0]?.atMs ?? 0);
  return lives.toSorted((one, other) => span(other) - span(one))[0] ?? [];
}

interface Slice {
  hour: number;
  mib: number;
}

function slicesOf(samples: readonly MemorySample[], fromMs: number, spanMs: number): Slice[] {
  const sliceMs = spanMs / SLICES;
  return Array.from({ length: SLICES }, (_, n) => {
    const [beginMs, endMs] = [fromMs + n * sliceMs, fromMs + (n + 1) * sliceMs];
    const isLast = n === SLICES - 1;
    const within = samples.filter(({ atMs }) => atMs >= beginMs && (atMs < endMs || isLast));
    return { within, hour: (beginMs + endMs) / 2 / 3_600_000 };
  }).flatMap(({ within, hour }) =>
    within.length < LEAST_OF_SLICE ? [] : [{ hour, mib: lowOf(within.map(({ mib }) => mib)) }],
  );
}

function lowOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(LOW_SHARE * sorted.length)] ?? Number.NaN;
}

function slopeOf(slices: readonly Slice[]): number {
  const slopes = slices.flatMap((one, n) =>
    slices.slice(n + 1).map((other) => (other.mib - one.mib) / (other.hour - one.hour)),
  );
  return median(slopes);
}

function noiseOf(slices: readonly Slice[], slope: number): number {
  const rests = slices.map(({ hour, mib }) => mib - slope * hour);
  const level = median(rests);
  // 1.4826: from the median deviation to the standard one, where deviations are normal
  const deviation = 1.4826 * median(rests.map((rest) => Math.abs(rest - level)));
  const middle = slices.reduce((sum, { hour }) => sum + hour, 0) / slices.length;
  const spread = Math.sqrt(slices.reduce((sum, { hour }) => sum + (hour - middle) ** 2, 0));
  return (2 * deviation) / spread;
}
