import type { Entry } from './account.ts';
import type { Exit } from './supervisor.ts';

/** What is kept in memory alone and cannot begin again. */
const NEVER_AGAIN = 'chain';
const PAUSE_MS = 1_000;
const MOST = 3;
const WITHIN_MS = 60_000;

export interface RestartOptions {
  startAgain: (name: string) => Promise<void>;
  tell: (entry: Entry) => void;
  /** The network cannot go on without this one. */
  giveUp: (exit: Exit) => void;
  /** How long to wait before it starts again, ms; a second if not given. */
  pauseMs?: number;
}

/** Starts again what dies, but not what dies again and again, and not the chain, which forgets. */
export function makeRestarts(options: RestartOptions): { onDeath: (exit: Exit) => void; close: () => void } {
  const deaths = new Map<string, number[]>();
  let isClosed = false;

  const onDeath = (exit: Exit): void => {
    if (isClosed) return;
    const nowMs = Date.now();
    const recent = [...(deaths.get(exit.name) ?? []).filter((atMs) => nowMs - atMs < WITHIN_MS), nowMs];
    deaths.set(exit.name, recent);
    if (exit.name === NEVER_AGAIN || recent.length > MOST) {
      options.giveUp(exit);
      return;
    }
    options.tell({ kind: 'died', exit });
    setTimeout(() => {
      if (isClosed) return;
      options.startAgain(exit.name).then(
        () => options.tell({ kind: 'restarted', name: exit.name }),
        () => options.giveUp(exit),
      );
    }, options.pauseMs ?? PAUSE_MS);
  };

  const close = () => {
    isClosed = true;
  };
  return { onDeath, close };
}
