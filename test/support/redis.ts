import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exitOf, keepUntilExit } from './children.ts';
import { freePort } from './ports.ts';
import { waitFor } from './wait.ts';

export interface TestRedisOptions {
  /** Where it keeps its files; a folder of its own, removed at `close`, unless told. */
  dir?: string;
  /** Append-only file, flushed before each answer; on unless told. */
  aof?: boolean;
  /** A free one unless told. */
  port?: number;
  /** More configuration, as `['--maxmemory', '50mb']`. */
  args?: string[];
}

export interface TestRedis {
  readonly url: string;
  readonly port: number;
  /** Ends it as a crash does: SIGKILL. Returns once it is gone. */
  kill9: () => Promise<void>;
  /** Stops the process where it stands (SIGSTOP): connections stay, nothing answers. */
  pause: () => void;
  /** Lets a paused process go on. */
  resume: () => void;
  /** Starts it again on the same port and folder, after `kill9`. */
  restart: () => Promise<void>;
  /** Ends it and removes what it wrote. */
  close: () => Promise<void>;
}

/**
 * Starts a Redis server of this test's own, on 127.0.0.1.
 *
 * @throws Error if there is no `redis-server`, or it does not answer; with its last words
 */
export async function startRedis(options: TestRedisOptions = {}): Promise<TestRedis> {
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'devsen-redis-')));
  const port = options.port ?? (await freePort());
  let child = await launch(port, dir, options);
  const kill9 = async () => {
    child.kill('SIGKILL');
    await exitOf(child);
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    kill9,
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    restart: async () => {
      await kill9();
      child = await launch(port, dir, options);
    },
    close: async () => {
      await kill9();
      if (options.dir === undefined) await rm(dir, { recursive: true, force: true });
    },
  };
}

async function launch(port: number, dir: string, { aof = true, args = [] }: TestRedisOptions): Promise<ChildProcess> {
  const fixed = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', dir, '--save', '', '--daemonize', 'no'];
  const durable = aof ? ['--appendonly', 'yes', '--appendfsync', 'always'] : ['--appendonly', 'no'];
  const child = spawn('redis-server', [...fixed, ...durable, '--maxmemory-policy', 'noeviction', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  keepUntilExit(child);
  let words = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      words = (words + chunk.toString()).slice(-2_000);
    });
  }
  const failed = new Promise<never>((_, reject) => {
    child.once('error', (cause) => reject(new Error('redis-server does not start: is it installed?', { cause })));
    child.once('exit', () => reject(new Error(`redis-server ended before it answered:\n${words}`)));
  });
  await Promise.race([waitFor(() => answersPing(port), { what: `redis-server on port ${port} to answer` }), failed]);
  failed.catch(() => {});
  return child;
}

/** Whether a Redis on that port has loaded its data and takes commands. */
function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(false));
    socket.once('data', (answer) => {
      socket.destroy();
      resolve(answer.toString().startsWith('+PONG'));
    });
    socket.write('PING\r\n');
  });
}
