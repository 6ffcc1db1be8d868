import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { DevsenError } from '../core/errors.ts';
import type { Watchdog } from './watchdog.ts';

export interface ProcessPlan {
  /** As it is called in the account: `gateway`, `operator-3`. */
  name: string;
  command: string;
  args: string[];
  /** The whole environment of the process; nothing is inherited but where programs, home and Node's cache are. */
  env?: Record<string, string>;
  /** Where it works; where this process does if not given. */
  cwd?: string;
  /** Each line the process writes, as it comes. */
  onLine?: (line: string) => void;
}

/** How a process ended. */
export interface Exit {
  name: string;
  code: number | null;
  signal: NodeJS.Signals | null;
  /** The last lines it wrote. */
  lastWords: string[];
  /** Whether it was asked to end. */
  wasAsked: boolean;
}

export interface Supervised {
  name: string;
  pid: number;
  exited: Promise<Exit>;
  hasExited: () => boolean;
  /** Ends it as a crash does. */
  kill: (signal: NodeJS.Signals) => Promise<Exit>;
  /** Asks it to end (SIGTERM); makes it after the grace, ms. */
  stop: (graceMs: number) => Promise<Exit>;
}

const LAST_WORDS = 8;

/** Starts one process, in a session of its own so that a Ctrl-C at the terminal reaches only this one. */
export async function startProcess(plan: ProcessPlan, watchdog: Watchdog): Promise<Supervised> {
  const { name } = plan;
  const child: ChildProcess = spawn(plan.command, plan.args, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(plan.cwd ? { cwd: plan.cwd } : {}),
    env: { ...inherited(), ...plan.env },
  });
  const lastWords: string[] = [];
  const listen = (stream: Readable | null) => {
    if (!stream) return Promise.resolve();
    const lines = createInterface({ input: stream });
    lines.on('line', (line) => {
      lastWords.push(line);
      if (lastWords.length > LAST_WORDS) lastWords.shift();
      plan.onLine?.(line);
    });
    return new Promise<void>((done) => lines.on('close', done));
  };
  const streams = Promise.all([listen(child.stdout), listen(child.stderr)]);
  let wasAsked = false;
  let isGone = false;

  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) =>
      reject(new DevsenError('INTERNAL', `${name} did not start: ${cause.message}`, { cause })),
    );
  });
  const pid = child.pid as number;
  watchdog.guard(pid);

  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => {
      isGone = true;
      watchdog.release(pid);
      void streams.then(() => resolve({ name, code, signal, lastWords, wasAsked }));
    });
  });

  const send = (signal: NodeJS.Signals) => {
    wasAsked = true;
    if (!isGone) child.kill(signal);
  };

  return {
    name,
    pid,
    exited,
    hasExited: () => isGone,
    kill: (signal) => {
      send(signal);
      return exited;
    },
    stop: async (graceMs) => {
      send('SIGTERM');
      const timer = setTimeout(() => send('SIGKILL'), graceMs);
      const exit = await exited;
      clearTimeout(timer);
      return exit;
    },
  };
}

/** A process's end in one line, then its last words. */
export function describeExit(exit: Exit): string {
  const how = exit.signal ? `was ended by ${exit.signal}` : `ended with exit code ${exit.code}`;
  const words = exit.lastWords.map((line) => `    ${line}`).join('\n');
  return `${exit.name} ${how}${words ? `. Its last words:\n${words}` : ' and said nothing'}`;
}

function inherited(): Record<string, string> {
  const { PATH = '', HOME = '', NODE_COMPILE_CACHE } = process.env;
  return { PATH, HOME, ...(NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE }) };
}
