import type { UserState } from '../core/abi.ts';
import { idTagCommitment } from '../core/identity.ts';
import type { Logger } from '../runtime/log.ts';
import type { IdTagVerdict } from './dialect.ts';

/** What an idTag may do. */
export interface IdTagDirectory {
  /** Never rejects: while the chain is away, what was known last or what the settings say. */
  verdict: (idTag: string) => Promise<IdTagVerdict>;
}

export interface IdTagDirectoryOptions {
  /** `UserDEVSEN.idTagState`. Rejects if the chain is away. */
  read: (commitment: string) => Promise<UserState>;
  pepper: Uint8Array;
  /** For an idTag nothing is known of while the chain is away. */
  whenAway: IdTagVerdict;
  log: Logger;
  now: () => number;
}

const VERDICTS: Record<UserState, IdTagVerdict> = {
  Unknown: 'Invalid',
  Active: 'Accepted',
  Blocked: 'Blocked',
  Expired: 'Expired',
};

/** Users expire without a log on chain. */
const MAX_AGE_MS = 60_000;
const MOST_REMEMBERED = 100_000;
const PAUSE_AFTER_FAILURE_MS = 2_000;

export function makeIdTagDirectory({ read, pepper, whenAway, log, now }: IdTagDirectoryOptions) {
  /** By commitment; the oldest first. */
  const known = new Map<string, { verdict: IdTagVerdict; readAtMs: number }>();
  let pausedUntilMs = 0;

  return {
    verdict: async (idTag: string) => {
      const commitment = idTagCommitment(idTag, pepper);
      const last = known.get(commitment);
      if (last !== undefined && now() - last.readAtMs < MAX_AGE_MS) return last.verdict;
      if (now() < pausedUntilMs) return last?.verdict ?? whenAway;
      try {
        const verdict = VERDICTS[await read(commitment)];
        known.delete(commitment);
        if (known.size >= MOST_REMEMBERED) known.delete(known.keys().next().value as string);
        known.set(commitment, { verdict, readAtMs: now() });
        return verdict;
      } catch (error) {
        pausedUntilMs = now() + PAUSE_AFTER_FAILURE_MS;
        log.warn({ err: error }, 'idTag not looked up, chain is away');
        return last?.verdict ?? whenAway;
      }
    },
    /** To be called when the chain tells of changed users or idTags: all is asked anew, and kept for an outage. */
    usersChanged: () => {
      for (const entry of known.values()) entry.readAtMs = 0;
    },
  } satisfies IdTagDirectory & Record<string, unknown>;
}
