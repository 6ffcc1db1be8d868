import type { Dialect } from '../../simulator/dialect.ts';
import type { ChargerAccount } from './charger-account.ts';
import { passing } from './crowd.ts';
import { type CalmSlice, whatDidNotHappen } from './floors.ts';
import { inspect } from './inspection.ts';
import { LOAD, type MemorySample, type MemoryTrend, residentMib, trendOf } from './memory.ts';
import { type Blow, describeMishap, type Mishap, makeMishaps, nameOf } from './mishaps.ts';
import { openOperatorRecord } from './operator-record.ts';
import { seeded } from './random.ts';
import type { SoakReport } from './report.ts';
import { GATEWAYS, OPERATORS, startWorld, type World } from './world.ts';

export interface SoakOptions {
  minutes: number;
  chargers: number;
  dialects: readonly Dialect[];
  mishapEverySec: number;
  seed: number;
  withBuild: boolean;
  /** Whether what the network wrote stays. */
  isKept: boolean;
  /** How much faster cars come and go than they do otherwise; 1 if not given. */
  haste?: number;
  tell: (line: string) => void;
  /** Told of what was compared, while it is still there. */
  onInspected?: (accounts: readonly ChargerAccount[], files: ReturnType<World['files']>) => void;
}

const SAMPLE_MS = 5_000;
/** How long chargers and operators may take to be done when all is calm. */
const CALM_MS = 180_000;
const SETTLED_MS = 2_000;
/** A shorter soak need not tell how memory goes: its lives are too short for what a heap moves by itself. */
const LEAST_MINUTES_FOR_MEMORY = 60;
/** From then on gateways and operators are not killed any more: memory that grows shows in who lives long. */
const LIVE_FROM = 0.25;
/** What this process keeps of each acknowledged message, to compare it. */
const KEPT_BYTES = 100;

export async function runSoak(options: SoakOptions): Promise<SoakReport> {
  const { minutes, chargers, seed, tell, haste = 1 } = options;
  tell(`seed ${seed}, ${chargers} chargers, ${minutes} minutes`);
  const world = await startWorld({ ...options, haste, random: seeded(seed ^ 0x5eed) });
  const memory = new Map<string, MemorySample[]>();
  const sampler = setInterval(() => sample(world, memory), SAMPLE_MS);
  try {
    sample(world, memory);
    const { mishaps, doubles, calm, troubles } = await letItRain(world, options);
    tell('calm: every car leaves, every charger tells what it has to tell');
    const late = await world.calmDown(CALM_MS);
    if (late.length > 0) troubles.push(`${late.length} chargers could not tell all, such as ${late[0]}`);
    clearInterval(sampler);
    if (!(await untilSettled(world))) troubles.push('the operators’ records still grew when they were checked');
    const { accounts } = world;
    const { findings, examples, recorded, transactions, completeOf } = inspect(accounts, world.files());
    options.onInspected?.(accounts, world.files());
    const trends = [...memory].map(([name, samples]) => trendOf(name, samples));
    const meanMs = options.mishapEverySec * 1000;
    troubles.push(
      ...world.deaths,
      ...whatDidNotHappen({ minutes, meanMs, accounts, mishaps, calm, transactions, completeOf }),
      ...memoryTroubles(trends, minutes),
    );
    const sumOf = (of: 'rejected' | 'unanswered' | 'lost') => accounts.reduce((sum, account) => sum + account[of], 0);
    const { complete, ended, refused, parked } = transactions;
    return {
      seed,
      minutes,
      chargers,
      operators: OPERATORS,
      gateways: GATEWAYS,
      isGood: Object.keys(findings).length === 0 && troubles.length === 0,
      mishaps,
      doubles,
      acknowledged: world.acknowledged(),
      rejected: sumOf('rejected'),
      unanswered: sumOf('unanswered'),
      lost: sumOf('lost'),
      recorded,
      transactions: {
        complete,
        ended: Object.fromEntries(ended),
        refused: Object.fromEntries(refused),
        parked: Object.fromEntries(parked),
      },
      findings,
      examples,
      troubles,
      memory: trends,
    };
  } finally {
    clearInterval(sampler);
    await world.close();
  }
}

/** One blow after the other until the time is over; the last one is mended. */
async function letItRain(world: World, { minutes, mishapEverySec, seed, tell }: SoakOptions) {
  const meanMs = mishapEverySec * 1000;
  const next = makeMishaps(seeded(seed), { operators: OPERATORS, gateways: GATEWAYS, meanMs });
  const mishaps: Record<string, number> = {};
  const calm: CalmSlice[] = [];
  const troubles: string[] = [];
  const absences: Promise<void>[] = [];
  const startMs = performance.now();
  const endMs = startMs + minutes * 60_000;
  const isJudged = minutes >= LEAST_MINUTES_FOR_MEMORY;
  let doubles = 0;

  /** Chargers that are away for long are not waited for: much else happens meanwhile. */
  async function strike(mishap: Mishap, laterMs: number): Promise<void> {
    await passing(laterMs);
    mishaps[nameOf(mishap)] = (mishaps[nameOf(mishap)] ?? 0) + 1;
    tell(`${describeMishap(mishap)}; ${world.online()} online, ${world.acknowledged()} messages acknowledged`);
    const mended = world.suffer(mishap).catch((error) => {
      troubles.push(`${describeMishap(mishap)}, and was not mended: ${(error as Error).message}`);
      tell(troubles.at(-1) ?? '');
    });
    if (mishap.kind === 'absence') absences.push(mended);
    else await mended;
  }

  const strikeAll = ({ mishaps: all, apartMs }: Blow) =>
    Promise.all(all.map((mishap, n) => strike(mishap, n * apartMs)));

  while (troubles.length === 0) {
    const blow = next(!isJudged || performance.now() < startMs + LIVE_FROM * minutes * 60_000);
    const [fromMs, before] = [performance.now(), world.acknowledged()];
    const leftMs = Math.max(0, endMs - fromMs);
    await passing(Math.min(blow.afterMs, leftMs));
    calm.push({ sec: (performance.now() - fromMs) / 1000, acknowledged: world.acknowledged() - before });
    if (blow.afterMs >= leftMs) break;
    if (blow.mishaps.length > 1) doubles++;
    await strikeAll(blow);
  }
  await Promise.all(absences);
  return { mishaps, doubles, calm, troubles };
}

/** Waits until all operators have the same number of events, and no more come. @returns whether that came about */
async function untilSettled(world: World): Promise<boolean> {
  const records = world.files().map(({ file }) => openOperatorRecord(file));
  const endMs = performance.now() + CALM_MS;
  try {
    let before = '';
    while (performance.now() < endMs) {
      const counts = records.map((record) => record.count());
      const now = counts.join();
      if (now === before && new Set(counts).size === 1) return true;
      before = now;
      await passing(SETTLED_MS);
    }
    return false;
  } finally {
    for (const record of records) record.close();
  }
}

function sample(world: World, memory: Map<string, MemorySample[]>): void {
  const atMs = performance.now();
  const keptMib = (world.acknowledged() * KEPT_BYTES) / 2 ** 20;
  for (const [name, pid] of [...world.pids(), [LOAD, process.pid] as const]) {
    const mib = residentMib(pid);
    if (mib === undefined) continue;
    // Redis comes back with all that it held.
    const found = { atMs, mib: name === LOAD ? mib - keptMib : mib, pid: name === 'redis' ? 0 : pid };
    memory.set(name, [...(memory.get(name) ?? []), found]);
  }
}

function memoryTroubles(trends: readonly MemoryTrend[], minutes: number): string[] {
  if (trends.length === 0) return ['nobody told how much memory the processes hold: there is no /proc'];
  const isLong = minutes >= LEAST_MINUTES_FOR_MEMORY;
  return trends.flatMap(({ name, verdict }) => {
    // This process keeps account of all that was sent, and its heap breathes with the crowd: it is the load, not what is tried.
    const mustTell = isLong && name !== LOAD;
    if (verdict === 'grows') return [`the memory of ${name} grows`];
    if (verdict === 'flat' || !mustTell) return [];
    return [`how the memory of ${name} goes cannot be told: ${verdict}`];
  });
}
