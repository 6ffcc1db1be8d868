import type { UserState } from '../core/abi.ts';
import { idTagCommitment, parentIdTag } from '../core/identity.ts';
import type { Logger } from '../runtime/log.ts';
import type { IdTagFinding, IdTagVerdict } from './dialect.ts';
import { isLately } from './lately.ts';

/** What an idTag may do. */
export interface IdTagDirectory {
  /** Never rejects: while the chain is away, what was known last or what the settings say. */
  verdict: (idTag: string) => Promise<IdTagFinding>;
}

export interface IdTagDirectoryOptions {
  /** `UserDEVSEN.idTagState`: the user's account, 0x-hex, undefined if it is nobody's. Rejects if the chain is away. */
  read: (commitment: string) => Promise<{ state: UserState; user: string | undefined }>;
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
  const known = new Map<string, { finding: IdTagFinding; readAtMs: number }>();
  const away: IdTagFinding = { status: whenAway };
  let failedAtMs = 0;

  return {
    verdict: async (idTag: string) => {
      const commitment = idTagCommitment(idTag, pepper);
      const last = known.get(commitment);
      if (last !== undefined && isLately(last.readAtMs, MAX_AGE_MS, now())) return last.finding;
      if (isLately(failedAtMs, PAUSE_AFTER_FAILURE_MS, now())) return last?.finding ?? away;
      try {
        const { state, user } = await read(commitment);
        const parent = user === undefined ? {} : { parent: parentIdTag(user, pepper) };
        const finding: IdTagFinding = { status: VERDICTS[state], ...parent };
        known.delete(commitment);
        if (known.size >= MOST_REMEMBERED) known.delete(known.keys().next().value as string);
        known.set(commitment, { finding, readAtMs: now() });
        return finding;
      } catch (error) {
        failedAtMs = now();
        log.warn({ err: error }, 'idTag not looked up, chain is away');
        return last?.finding ?? away;
      }
    },
    /** To be called when the chain tells of changed users or idTags: all is asked anew, and kept for an outage. */
    usersChanged: () => {
      for (const entry of known.values()) entry.readAtMs = 0;
    },
  } satisfies IdTagDirectory & Record<string, unknown>;
}
