import type { Dialect } from '../../simulator/dialect.ts';
import { checkAgreement, checkRecord, checkTransactions, type Finding, whatDidNotHappen } from './checker.ts';
import { type MemorySample, type MemoryTrend, residentMib, trendOf } from './memory.ts';
import { describeMishap, nextMishap } from './mishaps.ts';
import { type OperatorRecord, openOperatorRecord } from './operator-record.ts';
import { seeded } from './random.ts';
import { startWorld, type World } from './world.ts';

export interface SoakOptions {
  minutes: number;
  chargers: number;
  dialects: readonly Dialect[];
  mishapEverySec: number;
  seed: number;
  withBuild: boolean;
  tell: (line: string) => void;
}

export interface SoakReport {
  seed: number;
  minutes: number;
  chargers: number;
  isGood: boolean;
  mishaps: number;
  /** Messages that chargers were acknowledged, all of which must be in every record. */
  acknowledged: number;
  rejected: number;
  unanswered: number;
  /** Events on record at each operator. */
  recorded: Record<string, number>;
  transactions: { complete: number; parked: Record<string, number> };
  findings: Record<string, number>;
  /** The first few of each kind. */
  examples: Finding[];
  /** Processes that ended by themselves, mishaps that could not be mended, chargers that could not tell all. */
  troubles: string[];
  memory: MemoryTrend[];
}

const SAMPLE_MS = 5_000;
/** How long chargers and operators may take to be done when all is calm. */
const CALM_MS = 180_000;
const MOST_EXAMPLES = 20;
/** Below this there is too little to say whether memory grows. */
const LEAST_MINUTES_FOR_MEMORY = 10;
/** From then on gateway and operators are not killed any more: memory that grows shows in who lives long. */
const LIVE_FROM = 0.5;

export async function runSoak(options: SoakOptions): Promise<SoakReport> {
  const { minutes, chargers, seed, tell } = options;
  tell(`seed ${seed}, ${chargers} chargers, ${minutes} minutes`);
  const world = await startWorld({ ...options, random: seeded(seed ^ 0x5eed) });
  const memory = new Map<string, MemorySample[]>();
  const sampler = setInterval(() => sample(world, memory), SAMPLE_MS);
  try {
    const { mishaps, troubles } = await letItRain(world, options);
    tell('calm: every car leaves, every charger tells what it has to tell');
    const late = await world.calmDown(CALM_MS);
    if (late.length > 0) troubles.push(`${late.length} chargers could not tell all, such as ${late[0]}`);
    clearInterval(sampler);
    const records = world.records().map(({ name, file }) => ({ name, record: openOperatorRecord(file) }));
    if (!(await untilSettled(records))) troubles.push('the operators’ records still grew when they were checked');
    const result = check(world, records);
    for (const { record } of records) record.close();
    troubles.push(...world.deaths, ...whatDidNotHappen(world.accounts, mishaps, result.complete));
    const trends = [...memory].flatMap(([name, samples]) => trendOf(name, samples) ?? []);
    const isLong = minutes >= LEAST_MINUTES_FOR_MEMORY;
    const isFlat = !isLong || trends.every((trend) => trend.isFlat);
    if (isLong && trends.length < memory.size)
      troubles.push('some process did not live long enough to tell how its memory goes');
    return {
      seed,
      minutes,
      chargers,
      isGood: result.total === 0 && troubles.length === 0 && isFlat,
      mishaps,
      acknowledged: world.acknowledged(),
      rejected: world.accounts.reduce((sum, { rejected }) => sum + rejected, 0),
      unanswered: world.accounts.reduce((sum, { unanswered }) => sum + unanswered, 0),
      recorded: result.recorded,
      transactions: { complete: result.complete, parked: Object.fromEntries(result.parked) },
      findings: result.findings,
      examples: result.examples,
      troubles,
      memory: trends,
    };
  } finally {
    clearInterval(sampler);
    await world.close();
  }
}

/** One mishap after the other until the time is over; the last one is mended. */
async function letItRain(world: World, { minutes, mishapEverySec, seed, tell }: SoakOptions) {
  const random = seeded(seed);
  const troubles: string[] = [];
  const startMs = performance.now();
  const endMs = startMs + minutes * 60_000;
  let mishaps = 0;
  for (;;) {
    const mayEnd = performance.now() < startMs + LIVE_FROM * minutes * 60_000;
    const mishap = nextMishap(random, world.records().length, mishapEverySec * 1000, mayEnd);
    const leftMs = endMs - performance.now();
    await passing(Math.max(0, Math.min(mishap.afterMs, leftMs)));
    if (mishap.afterMs >= leftMs) return { mishaps, troubles };
    mishaps++;
    tell(`${describeMishap(mishap)}; ${world.online()} online, ${world.acknowledged()} messages acknowledged`);
    try {
      await world.suffer(mishap);
    } catch (error) {
      troubles.push(`${describeMishap(mishap)}, and was not mended: ${(error as Error).message}`);
      tell(troubles.at(-1) ?? '');
      return { mishaps, troubles };
    }
  }
}

/** Waits until all operators have the same number of events, and no more come. @returns whether that came about */
async function untilSettled(records: readonly { record: OperatorRecord }[]): Promise<boolean> {
  const endMs = performance.now() + CALM_MS;
  let before = '';
  while (performance.now() < endMs) {
    const counts = records.map(({ record }) => record.count());
    const now = counts.join();
    if (now === before && new Set(counts).size === 1) return true;
    before = now;
    await passing(3_000);
  }
  return false;
}

function check(world: World, records: readonly { name: string; record: OperatorRecord }[]) {
  const findings: Record<string, number> = {};
  const examples: Finding[] = [];
  const parked = new Map<string, number>();
  let complete = 0;
  const take = (found: readonly Finding[]) => {
    for (const finding of found) {
      findings[finding.kind] = (findings[finding.kind] ?? 0) + 1;
      if (examples.length < MOST_EXAMPLES) examples.push(finding);
    }
  };
  for (const account of world.accounts) {
    const [first, ...others] = records.map(({ name, record }) => ({ name, events: record.eventsOf(account.identity) }));
    if (!first) continue;
    for (const { name, events } of [first, ...others]) take(checkRecord(account, name, events));
    for (const { name, events } of others) take(checkAgreement(account.identity, name, first.events, events));
    const { findings: found, count } = checkTransactions(account, first.events);
    take(found);
    complete += count.complete;
    for (const [reason, number] of count.parked) parked.set(reason, (parked.get(reason) ?? 0) + number);
  }
  const recorded = Object.fromEntries(records.map(({ name, record }) => [name, record.count()]));
  const total = Object.values(findings).reduce((sum, number) => sum + number, 0);
  return { findings, examples, parked, complete, recorded, total };
}

function sample(world: World, memory: Map<string, MemorySample[]>): void {
  const atMs = performance.now();
  for (const [name, pid] of [...world.pids(), ['chargers', process.pid] as const]) {
    const mib = residentMib(pid);
    if (mib === undefined) continue;
    // Redis comes back with all that it held.
    memory.set(name, [...(memory.get(name) ?? []), { atMs, mib, pid: name === 'redis' ? 0 : pid }]);
  }
}

/** The report as a person reads it. */
export function describeReport(report: SoakReport): string {
  const counts = (found: Record<string, number>) =>
    Object.entries(found)
      .map(([what, number]) => `${number} ${what}`)
      .join(', ') || 'none';
  return [
    `seed            ${report.seed}`,
    `mishaps         ${report.mishaps} in ${report.minutes} minutes, ${report.chargers} chargers`,
    `messages        ${report.acknowledged} acknowledged, ${report.rejected} rejected, ${report.unanswered} not answered in time`,
    `events          ${counts(report.recorded)}`,
    `transactions    ${report.transactions.complete} complete; parked: ${counts(report.transactions.parked)}`,
    `memory, MiB     ${report.memory.map(({ name, middleMib, lastMib, minutes, isFlat }) => `${name} ${middleMib.toFixed(0)} → ${lastMib.toFixed(0)} in ${minutes.toFixed(0)} min${isFlat ? '' : ' GROWS'}`).join(', ') || 'too short to say'}`,
    `troubles        ${report.troubles.length === 0 ? 'none' : ''}`,
    ...report.troubles.map((trouble) => `  ${trouble}`),
    `findings        ${counts(report.findings)}`,
    ...report.examples.map(
      ({ kind, charger, operator, what }) => `  ${kind}: ${charger}${operator ? ` at ${operator}` : ''}: ${what}`,
    ),
    report.isGood ? 'Nothing is wrong.' : 'Something is wrong.',
  ].join('\n');
}

function passing(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
