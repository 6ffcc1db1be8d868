import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DevsenError } from '../core/errors.ts';
import type { LocalNetwork } from './local-network.ts';
import { anyPorts } from './ports.ts';
import { startScenarioNetwork } from './scenarios/network.ts';
import { type Plays, startPlays } from './scenarios/play.ts';
import { ledgerText, sessionsText } from './scenarios/report.ts';
import type { Stage } from './scenarios/stage.ts';
import { untilSignal } from './signals.ts';
import { describeExit, type Exit } from './supervisor.ts';
import type { Terminal } from './terminal.ts';
import { startWatchdog } from './watchdog.ts';

const OPERATORS = 4;

export interface OnceOptions {
  withBuild: boolean;
  /** Told what came of it, for programs; people are told at the terminal. */
  report: (result: OnceResult) => void;
}

/** What the scenarios came to, each by its name. */
export type OnceResult = { [Name in keyof Plays]: Awaited<Plays[Name]> };

/**
 * Sets up a network of its own in a directory of its own, plays every scenario on it and takes all away again.
 *
 * @throws DevsenError with the reason: a step took too long, a process died, or something is not as it should be
 */
export async function playOnce(options: OnceOptions, terminal: Terminal): Promise<void> {
  const startedMs = performance.now();
  const { paint, print, step } = terminal;
  const dir = await mkdtemp(join(tmpdir(), 'devsen-once-'));
  const watchdog = startWatchdog();
  const died = Promise.withResolvers<never>();
  died.promise.catch(() => {});
  const onDeath = (exit: Exit) => died.reject(new DevsenError('INTERNAL', describeExit(exit)));
  const interrupted = untilSignal().then((signal) => {
    throw new DevsenError('INTERNAL', `interrupted by ${signal}`);
  });
  interrupted.catch(() => {});
  let network: LocalNetwork | undefined;
  let stage: Stage | undefined;
  const work = async () => {
    print(paint('strong', 'A whole network is set up, and everything that people do in one is done once'));
    const started = await startScenarioNetwork({
      dir,
      watchdog,
      ports: await anyPorts(OPERATORS),
      withBuild: options.withBuild,
      step,
      onDeath,
    });
    network = started.network;
    stage = await step('everybody has LINK, and tokens of two kinds', started.openStage);
    const result = await resultsOf(await startPlays(stage, step));
    tell(result, stage, terminal);
    options.report(result);
  };
  try {
    await Promise.race([work(), died.promise, interrupted]);
  } catch (error) {
    print(paint('faint', `what each process wrote is in ${dir}`));
    throw error;
  } finally {
    await stage?.close();
    await network?.stop();
    await watchdog.close();
  }
  await rm(dir, { recursive: true, force: true });
  const took = ((performance.now() - startedMs) / 1000).toFixed(1);
  print(`${paint('good', 'All as it should be.')} ${paint('faint', `${took} s in all`)}`);
}

/** @throws what the first scenario in order that failed throws */
async function resultsOf(plays: Plays): Promise<OnceResult> {
  const entries = Object.entries(plays) as [keyof Plays, Promise<unknown>][];
  await Promise.allSettled(entries.map(([, play]) => play));
  const results = await Promise.all(entries.map(async ([name, play]) => [name, await play]));
  return Object.fromEntries(results) as OnceResult;
}

function tell(
  { charging, versions, cards, roaming, unasked, claims, ledger }: OnceResult,
  stage: Stage,
  { print, paint }: Terminal,
): void {
  const { own, euro } = stage.tokens;
  const { nobodyPluggedIn: _1, outOfOrder: _2, offline: _3, ...paid } = charging;
  const later = [versions.of201, versions.of21];
  const ofOwn = [...Object.values(paid), ...later, cards.paid, roaming.zurich, unasked.paid].map((session) => ({
    ...session,
    ...own,
  }));
  print(`\n${paint('strong', 'Sessions that were paid')}`);
  print(sessionsText([...ofOwn, { ...roaming.lisbon, ...euro }]));
  print(`\n${paint('strong', 'Rewards')}: ${claims.length} claims were paid, each by the public formula`);
  print(`\n${paint('strong', 'Who has what')}`);
  print(`${ledgerText(ledger, paint)}\n`);
}
