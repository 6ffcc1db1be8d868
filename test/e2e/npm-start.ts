import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { LOCAL_DIR, type NetworkKeys, type NetworkState, readRunningNetwork } from '../../network/local-state.ts';
import { type Supervised, startProcess } from '../../network/supervisor.ts';
import { startWatchdog } from '../../network/watchdog.ts';
import { waitFor } from '../support/wait.ts';

export const ROOT = join(import.meta.dirname, '..', '..');
/** So that only what a command says is on its standard error. */
export const QUIET = '--disable-warning=ExperimentalWarning';
const START_LIMIT_MS = 180_000;

/** A network that was started by a command, in a folder of its own. */
export interface StartedNetwork {
  /** The folder that `npm start` was called in. */
  dir: string;
  state: NetworkState;
  keys: NetworkKeys;
  process: Supervised;
  /** What it has said so far. */
  lines: string[];
  /** Runs one of the repository's scripts in that folder, to its end. */
  run: (script: string, args?: readonly string[], env?: Record<string, string>) => Promise<Said>;
  close: () => Promise<void>;
}

/** How a command ended. */
export interface Said {
  code: number;
  out: string;
  err: string;
}

/** `npm start` without cars that come and go, and without questions of its own, as a process of its own. */
export async function npmStart(): Promise<StartedNetwork> {
  const watchdog = startWatchdog();
  const dir = await mkdtemp(join(tmpdir(), 'devsen-live-'));
  const close = async () => {
    await watchdog.close();
    await rm(dir, { recursive: true, force: true });
  };
  try {
    const lines: string[] = [];
    // It works in the directory it is called in.
    const script = 'cd "$1" && exec "$2" "$3" "$4" --no-build --no-traffic --ask-every 0';
    const args = ['-c', script, 'sh', dir, process.execPath, QUIET, join(ROOT, 'network', 'start.ts')];
    const onLine = (line: string) => void lines.push(line);
    const network = await startProcess({ name: 'network', command: 'sh', args, onLine }, watchdog);
    await waitFor(() => network.hasExited() || lines.includes('Ctrl-C stops it all'), {
      what: 'the network to be set up',
      timeoutMs: START_LIMIT_MS,
    });
    if (network.hasExited()) throw new Error(lines.join('\n'));
    const run: StartedNetwork['run'] = async (path, args = [], env = {}) => {
      const child = spawn(process.execPath, [QUIET, join(ROOT, path), ...args], {
        cwd: dir,
        env: { ...process.env, ...env },
      });
      const closed = once(child, 'close');
      const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
      return { code: (await closed)[0], out, err };
    };
    return { dir, ...(await readRunningNetwork(join(dir, LOCAL_DIR))), process: network, lines, run, close };
  } catch (error) {
    await close();
    throw error;
  }
}
