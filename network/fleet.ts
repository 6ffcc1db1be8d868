import { DevsenError } from '../core/errors.ts';
import { until } from './deadline.ts';
import { type Exit, type ProcessPlan, type Supervised, startProcess } from './supervisor.ts';
import type { Watchdog } from './watchdog.ts';

/** A process of the network, and how one sees that it is at work. */
export interface Member {
  plan: ProcessPlan;
  /** What others build on has a lower stage, and is stopped after them. */
  stage: number;
  /** Settles with true when it is at work; undefined or a throw means not yet. */
  isReady: () => Promise<true | undefined>;
  readyLimitMs: number;
}

/** The processes of one network, by name. */
export interface Fleet {
  /** Starts a member and waits until it is at work. */
  start: (member: Member) => Promise<void>;
  /** Starts again what has ended. */
  startAgain: (name: string) => Promise<void>;
  /** Ends one as a crash does, or asks it to end. Its plan stays. */
  kill: (name: string, signal: NodeJS.Signals) => Promise<Exit>;
  pidOf: (name: string) => number;
  /** Asks all to end, the highest stage first, and waits until they have. */
  stop: () => Promise<void>;
}

const STOP_GRACE_MS = 8_000;

/** @param onDeath - told of each end that nobody asked for */
export function makeFleet(watchdog: Watchdog, onDeath: (exit: Exit) => void): Fleet {
  const members = new Map<string, { member: Member; running: Supervised | undefined }>();
  let isStopping = false;

  async function launch(name: string): Promise<void> {
    const entry = members.get(name);
    if (!entry) throw new RangeError(`no process is called ${name}`);
    const { plan, isReady, readyLimitMs } = entry.member;
    const running = await startProcess(plan, watchdog);
    entry.running = running;
    let isAtWork = false;
    const gone = new AbortController();
    void running.exited.then((exit) => {
      if (entry.running === running) entry.running = undefined;
      gone.abort(new DevsenError('INTERNAL', `${name} ended before it was at work${lastWordsOf(exit)}`));
      if (isAtWork && !exit.wasAsked && !isStopping) onDeath(exit);
    });
    await until(`${name} to be at work`, readyLimitMs, isReady, gone.signal);
    isAtWork = true;
  }

  const find = (name: string): Supervised => {
    const running = members.get(name)?.running;
    if (!running) throw new RangeError(`no process called ${name} runs`);
    return running;
  };

  return {
    start: (member) => {
      members.set(member.plan.name, { member, running: undefined });
      return launch(member.plan.name);
    },
    startAgain: launch,
    kill: (name, signal) => find(name).kill(signal),
    pidOf: (name) => find(name).pid,
    stop: async () => {
      isStopping = true;
      const all = [...members.values()];
      const stages = [...new Set(all.map(({ member }) => member.stage))].sort((a, b) => b - a);
      for (const stage of stages) {
        const those = all.filter(({ member }) => member.stage === stage);
        await Promise.all(those.map(({ running }) => running?.stop(STOP_GRACE_MS)));
      }
    },
  };
}

function lastWordsOf(exit: Exit): string {
  return exit.lastWords.length === 0 ? '' : `:\n${exit.lastWords.map((line) => `    ${line}`).join('\n')}`;
}
