import { readFileSync } from 'node:fs';

/** What a process held in memory at a time. */
export interface MemorySample {
  atMs: number;
  mib: number;
  /** Its process id: one that is started again is another process, and begins with little. */
  pid: number;
}

/** How a process's memory went, over its longest life; `growth` is the last third's median to the middle one's. */
export interface MemoryTrend {
  name: string;
  middleMib: number;
  lastMib: number;
  growth: number;
  /** How long that life was, min. */
  minutes: number;
  isFlat: boolean;
}

/** Growth that counts as flat: a share, and what a heap moves by itself. */
const MOST_GROWTH = 1.25;
const SLACK_MIB = 32;

/** Resident memory of a process, MiB; undefined if it is gone. */
export function residentMib(pid: number): number | undefined {
  try {
    const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? undefined : Number(kib) / 1024;
  } catch {
    return undefined;
  }
}

/** @returns undefined if there is too little to judge by */
export function trendOf(name: string, all: readonly MemorySample[]): MemoryTrend | undefined {
  const lives = Object.values(Object.groupBy(all, ({ pid }) => pid)) as MemorySample[][];
  const samples = lives.toSorted((one, other) => other.length - one.length)[0] ?? [];
  const [first] = samples;
  const last = samples.at(-1);
  if (!first || !last || samples.length < 9) return undefined;
  const third = (last.atMs - first.atMs) / 3;
  const within = (from: number, to: number) =>
    median(samples.filter(({ atMs }) => atMs >= first.atMs + from && atMs <= first.atMs + to).map(({ mib }) => mib));
  const middleMib = within(third, 2 * third);
  const lastMib = within(2 * third, 3 * third);
  const isFlat = lastMib <= middleMib * MOST_GROWTH + SLACK_MIB;
  const minutes = (last.atMs - first.atMs) / 60_000;
  return { name, middleMib, lastMib, growth: lastMib / middleMib, minutes, isFlat };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
