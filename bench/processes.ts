import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** A process of a benchmark, that is told orders and answers each with one message. */
export function start(file: string, args: readonly string[]): ChildProcess {
  return fork(new URL(file, import.meta.url), args, {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: ['--expose-gc', '--disable-warning=ExperimentalWarning'],
  });
}

export async function ask<T>(child: ChildProcess, order: object): Promise<T> {
  child.send(order);
  return told<T>(child);
}

/** The next message of a child; an error if it ends instead. */
export async function told<T>(child: ChildProcess): Promise<T> {
  const done = new AbortController();
  try {
    return await Promise.race([
      once(child, 'message', done).then(([message]) => message as T),
      once(child, 'exit', done).then(([code]) => {
        throw new Error(`${child.spawnargs[1]} ended with exit code ${code}`);
      }),
    ]);
  } finally {
    done.abort();
  }
}

export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.send({ do: 'stop' });
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await exited;
  clearTimeout(timer);
}

/** The value in the middle of an uneven number, the higher of the two there of an even one. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
