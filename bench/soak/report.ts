import type { Finding } from './checker.ts';
import { LOAD, type MemoryTrend } from './memory.ts';

export interface SoakReport {
  seed: number;
  minutes: number;
  chargers: number;
  operators: number;
  gateways: number;
  isGood: boolean;
  /** How often each happened. */
  mishaps: Record<string, number>;
  /** How often two happened at once. */
  doubles: number;
  /** Messages that chargers were acknowledged, all of which must be in every record. */
  acknowledged: number;
  rejected: number;
  unanswered: number;
  /** The connection went before the answer came. */
  lost: number;
  /** Events on record at each operator. */
  recorded: Record<string, number>;
  transactions: {
    complete: number;
    ended: Record<string, number>;
    refused: Record<string, number>;
    parked: Record<string, number>;
  };
  findings: Record<string, number>;
  /** The first few. */
  examples: Finding[];
  /** Processes that ended by themselves, mishaps that could not be mended, what should have happened and did not. */
  troubles: string[];
  memory: MemoryTrend[];
}

/** The report as a person reads it, and as it may stand in the notes of a release. */
export function describeReport(report: SoakReport): string {
  const { transactions, memory, troubles, examples } = report;
  return [
    `Soak of ${report.minutes} minutes: ${report.chargers} chargers, ${report.gateways} gateways, ${report.operators} operators, seed ${report.seed}`,
    `  mishaps       ${totalOf(report.mishaps)}, ${2 * report.doubles} of them two at once: ${listOf(report.mishaps)}`,
    `  messages      ${report.acknowledged} acknowledged; ${report.unanswered} not answered in time, ${report.lost} lost with their connection, ${report.rejected} rejected`,
    `  events        ${listOf(report.recorded)}`,
    `  transactions  ${transactions.complete} complete; start refused: ${listOf(transactions.refused)}; parked: ${listOf(transactions.parked)}`,
    `  ended         ${listOf(transactions.ended)}`,
    `  memory        ${describeMemory(memory) || 'not known'}`,
    `  findings      ${listOf(report.findings)}`,
    ...examples.map(
      ({ kind, charger, operator, what }) => `    ${kind}: ${charger}${operator ? ` at ${operator}` : ''}: ${what}`,
    ),
    `  troubles      ${troubles.length || 'none'}`,
    ...troubles.map((trouble) => `    ${trouble}`),
    verdictOf(report),
  ].join('\n');
}

function verdictOf({ isGood, memory }: SoakReport): string {
  if (!isGood) return 'Something is wrong.';
  const isJudged = memory.every(({ name, verdict }) => name === LOAD || verdict === 'flat');
  return isJudged ? 'Nothing is wrong.' : 'Nothing is wrong, but it was too short to judge how all memory goes.';
}

function describeMemory(memory: readonly MemoryTrend[]): string {
  const judged = memory.filter(({ slope }) => slope !== undefined);
  const others = memory.filter(({ slope }) => slope === undefined);
  return [
    ...judged.map(describeTrend),
    ...(others.length > 0
      ? [`too short to judge: ${others.map(({ name, mib }) => `${name} ${mib.toFixed(0)} MiB`).join(', ')}`]
      : []),
  ].join('; ');
}

/** Where it is not flat, its course shows whether it goes on as it began. */
function describeTrend({ name, minutes, mib, slope = 0, noise = 0, lows = [], verdict }: MemoryTrend): string {
  const change = `${slope < 0 ? '−' : '+'}${Math.abs(slope).toFixed(0)} ± ${noise.toFixed(0)} MiB/h`;
  return `${name} ${mib.toFixed(0)} MiB ${change} in ${minutes.toFixed(0)} min${verdict === 'flat' ? '' : ` (${verdict}: ${lows.join(' ')})`}`;
}

function totalOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, number) => sum + number, 0);
}

function listOf(counts: Readonly<Record<string, number>>): string {
  return (
    Object.entries(counts)
      .map(([what, number]) => `${what} ${number}`)
      .join(', ') || 'none'
  );
}
