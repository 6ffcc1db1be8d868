import { deviceIdOf } from '../core/identity.ts';
import type { Logger } from '../runtime/log.ts';
import { isLately } from './lately.ts';
import { makeTokenBucket } from './token-bucket.ts';

/** By what a charger is known again. */
export interface Credential {
  /** Its DeviceDEVSEN, lower case. */
  device: string;
  /** keccak256 of its AuthorizationKey; zero if it has none. */
  authorizationKeyHash: string;
  /** SHA-256 fingerprint of its TLS certificate; zero if it has none. */
  certificateFingerprint: string;
}

/** Who is a charger of the network. */
export interface ChargerDirectory {
  /** `unavailable`: the chain cannot be asked and the charger was never seen before. Never rejects. */
  find: (identity: string) => Promise<Credential | 'unknown' | 'unavailable'>;
}

export interface ChargerDirectoryOptions {
  /** Asks the chain; undefined if there is no such device. Rejects if the chain is away. */
  read: (deviceId: string) => Promise<Credential | undefined>;
  /** Keeps a credential for the next start; an empty text takes it back. */
  save: (identity: string, credential: string) => Promise<void>;
  /** Called when the chain shows other credentials for a charger than before, or none any more. */
  onChanged: (identity: string) => void;
  /** What earlier processes saved. */
  saved: ReadonlyMap<string, string>;
  log: Logger;
  now: () => number;
}

/** A credential's log tells of its change at once; asking anew so often is for what a reorg took back. */
const MAX_AGE_MS = 600_000;
const UNKNOWN_MEMORY_MS = 3_000;
const MOST_UNKNOWN_REMEMBERED = 10_000;
/** After a failure the chain is left alone for so long, so that a storm of reconnects does not wait for it. */
const PAUSE_AFTER_FAILURE_MS = 2_000;
/** Unknown identities cost a question to the chain each: beyond so many at once they are put off. */
const MOST_QUESTIONS = 256;
/** And beyond so many that the chain did not know either, in a row and per second, those never seen are put off. */
const UNKNOWN_BURST = 300;
const UNKNOWN_PER_SEC = 10;

interface Entry {
  credential: Credential;
  /** When this process last had it from the chain, Unix ms; 0 if never. */
  checkedAtMs: number;
}

/**
 * Chargers by identity: from memory, else from the chain, else (chain away) from what was once known.
 */
export function makeChargerDirectory(options: ChargerDirectoryOptions) {
  const { read, save, onChanged, log, now } = options;
  const entries = new Map<string, Entry>();
  const identities = new Map<string, string>();
  /** When the chain last said that it knows none of that identity, Unix ms. */
  const unknownAtMs = new Map<string, number>();
  const asking = new Map<string, Promise<Credential | 'unknown' | 'unavailable'>>();
  let failedAtMs = 0;
  const strangers = makeTokenBucket(UNKNOWN_PER_SEC, UNKNOWN_BURST, now());

  const remember = (identity: string, entry: Entry) => {
    entries.set(identity, entry);
    identities.set(deviceIdOf(identity), identity);
  };
  for (const [identity, text] of options.saved) {
    if (text !== '') remember(identity, { credential: JSON.parse(text) as Credential, checkedAtMs: 0 });
  }
  const keep = (identity: string, text: string) => {
    save(identity, text).catch((error) => log.warn({ err: error, chargerId: identity }, 'credential not kept'));
  };

  const readNow = async (identity: string): Promise<Credential | 'unknown'> => {
    const before = entries.get(identity)?.credential;
    const credential = await read(deviceIdOf(identity));
    if (credential === undefined) {
      entries.delete(identity);
      if (before !== undefined) {
        keep(identity, '');
        onChanged(identity);
      }
      if (unknownAtMs.size >= MOST_UNKNOWN_REMEMBERED) unknownAtMs.clear();
      unknownAtMs.set(identity, now());
      return 'unknown';
    }
    remember(identity, { credential, checkedAtMs: now() });
    const text = JSON.stringify(credential);
    if (before === undefined || JSON.stringify(before) !== text) keep(identity, text);
    if (before !== undefined && JSON.stringify(before) !== text) onChanged(identity);
    return credential;
  };

  const ask = async (identity: string): Promise<Credential | 'unknown' | 'unavailable'> => {
    const fallback = entries.get(identity)?.credential ?? 'unavailable';
    if (fallback === 'unavailable' && !strangers.has(now())) return fallback;
    if (isLately(failedAtMs, PAUSE_AFTER_FAILURE_MS, now()) || asking.size > MOST_QUESTIONS) return fallback;
    try {
      const found = await readNow(identity);
      if (found === 'unknown') strangers.take(now());
      return found;
    } catch (error) {
      failedAtMs = now();
      log.warn({ err: error, chargerId: identity }, 'charger not looked up, chain is away');
      return fallback;
    }
  };

  return {
    find: (identity: string) => {
      const entry = entries.get(identity);
      if (entry !== undefined && isLately(entry.checkedAtMs, MAX_AGE_MS, now()))
        return Promise.resolve(entry.credential);
      if (isLately(unknownAtMs.get(identity) ?? 0, UNKNOWN_MEMORY_MS, now()))
        return Promise.resolve('unknown' as const);
      const question = asking.get(identity) ?? ask(identity).finally(() => asking.delete(identity));
      asking.set(identity, question);
      return question;
    },
    /** To be called when the chain tells of new credentials. Rejects if they cannot be read now. */
    credentialsChanged: async (deviceId: string) => {
      const identity = identities.get(deviceId);
      if (identity !== undefined) await readNow(identity);
    },
    /** To be called when the chain tells of a new device. */
    deviceCreated: () => unknownAtMs.clear(),
  } satisfies ChargerDirectory & Record<string, unknown>;
}
