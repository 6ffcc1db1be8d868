import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Sees to it that nothing outlives this process, however it ends. */
export interface Watchdog {
  /** From now on the process ends when this one does. */
  guard: (pid: number) => void;
  /** The process has ended: its number may soon be another's. */
  release: (pid: number) => void;
  /** Ends what is left and settles when all of it is gone. */
  close: () => Promise<void>;
}

/**
 * Reads '+pid' and '-pid' until its standard input ends, which it does whatever way the writer died, even by SIGKILL.
 * Then it asks what is left to stop, and after five seconds makes it.
 */
const SCRIPT = `
trap '' INT HUP TERM
pids=''
while read -r line; do
  case "$line" in
    +*) pids="$pids \${line#+} " ;;
    -*) kept=''; for pid in $pids; do [ "$pid" = "\${line#-}" ] || kept="$kept $pid "; done; pids="$kept" ;;
  esac
done
[ -z "$pids" ] && exit 0
kill -TERM $pids 2>/dev/null
for i in 1 2 3 4 5 6 7 8 9 10; do
  sleep 0.5
  left=''; for pid in $pids; do kill -0 "$pid" 2>/dev/null && left="$left $pid"; done
  [ -z "$left" ] && exit 0
done
kill -KILL $left 2>/dev/null
`;

/** Starts the watchdog: a shell in a session of its own, so that a Ctrl-C at the terminal does not reach it. */
export function startWatchdog(): Watchdog {
  const shell = spawn('sh', ['-c', SCRIPT], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  shell.unref();
  shell.stdin.on('error', () => {});
  let isClosed = false;
  const write = (line: string) => void shell.stdin.write(`${line}\n`);
  return {
    guard: (pid) => {
      if (isClosed) process.kill(pid, 'SIGKILL');
      else write(`+${pid}`);
    },
    release: (pid) => {
      if (!isClosed) write(`-${pid}`);
    },
    close: async () => {
      isClosed = true;
      shell.ref();
      shell.stdin.end();
      if (shell.exitCode === null && shell.signalCode === null) await once(shell, 'exit');
    },
  };
}
