import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { exitOf, keepUntilExit } from '../support/children.ts';

/** A job node as a process of its own, as an operator runs it. */
export interface NodeProcess {
  /** Resolves with the exit code, or null after a signal. */
  exit: Promise<number | null>;
  /** Ends it as a crash does. */
  kill9: () => void;
  stop: () => Promise<void>;
  /** Messages of its log so far. */
  messages: string[];
  errors: () => string;
}

export function startNodeProcess(env: Record<string, string>): NodeProcess {
  const child: ChildProcess = spawn(process.execPath, ['jobs/node/main.ts'], {
    env: { PATH: process.env.PATH, ...env, LOG_LEVEL: 'info' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  keepUntilExit(child);
  const messages: string[] = [];
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  if (child.stdout) {
    createInterface({ input: child.stdout }).on('line', (line) => messages.push(JSON.parse(line).msg));
  }
  const exit = exitOf(child).then(() => child.exitCode);
  return {
    exit,
    kill9: () => child.kill('SIGKILL'),
    stop: async () => {
      child.kill('SIGTERM');
      await exit;
    },
    messages,
    errors: () => errors,
  };
}
