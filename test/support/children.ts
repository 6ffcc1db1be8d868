import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** Resolves when a child has exited and its pipes are closed; at once if it is gone already. */
export async function exitOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await once(child, 'exit');
}

const living = new Set<ChildProcess>();

/** Sees to it that a child dies with this process, however that ends short of SIGKILL. */
export function keepUntilExit(child: ChildProcess): void {
  living.add(child);
  child.once('exit', () => living.delete(child));
}

process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});
