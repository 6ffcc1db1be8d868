import { addressKey } from './address-key.ts';
import { makeTokenBucket, type TokenBucket } from './token-bucket.ts';

/** How often one may knock, by who failed and who came in. */
export interface DoorLimits {
  /**
   * Whether an attempt is worth looking at.
   *
   * @param address - the client's; undefined where it is not known, as behind a proxy that does not tell it
   */
  isBarred: (address: string | undefined, identity: string) => boolean;
  /** An attempt has failed for a reason that is the client's own. */
  failed: (address: string | undefined, identity: string) => void;
  /** A charger has shown who it is; false if it comes back too often. */
  mayEnter: (identity: string) => boolean;
  /** Chargers that came in before this process began. */
  cameInBefore: (identities: Iterable<string>) => void;
}

export interface DoorLimitsOptions {
  /** Failed attempts of one address (`addressKey`) per minute; 0 for no limit. */
  failuresPerMin: number;
  /** Whether failures count where no address is known; those of whoever came in before never do. */
  countsUntold: boolean;
  /** Connections of one charger per minute; 0 for no limit. */
  connectsPerMin: number;
  /** Unix ms. */
  now: () => number;
}

/** One charger fails at most so many times per minute from one address: a wrong key does not become right. */
const FAILURES_PER_MIN_OF_ONE = 10;
/** So many times as often as one address may all those fail together whose address is not known. */
const UNTOLD_SHARE = 20;
/** More addresses or chargers than that are not told apart for long: the one seen longest ago is forgotten. */
const MOST_REMEMBERED = 20_000;

/**
 * Only failures count against an address, since a whole site of chargers may stand behind one; and only an address's own
 * failures count against a charger, so that nobody can lock another's charger out by knocking in its name. Where no
 * address is known, all count together and by the name they come in; a charger that has come in before is let off both.
 */
export function makeDoorLimits({ failuresPerMin, countsUntold, connectsPerMin, now }: DoorLimitsOptions): DoorLimits {
  const byAddress = makeBuckets(failuresPerMin, now);
  const byBoth = makeBuckets(failuresPerMin === 0 ? 0 : Math.min(failuresPerMin, FAILURES_PER_MIN_OF_ONE), now);
  const byCharger = makeBuckets(connectsPerMin, now);
  const untold = makeBuckets(failuresPerMin * UNTOLD_SHARE, now);
  const untoldByName = makeBuckets(failuresPerMin, now);
  /** Chargers that have come in; the one that came in longest ago first. */
  const known = new Set<string>();

  const remember = (identity: string) => {
    known.delete(identity);
    known.add(identity);
    if (known.size > MOST_REMEMBERED) known.delete(known.keys().next().value as string);
  };

  const bucketsOf = (address: string | undefined, identity: string): [Buckets, string][] => {
    if (address !== undefined) {
      const from = addressKey(address);
      return [
        [byAddress, from],
        [byBoth, `${from} ${identity}`],
      ];
    }
    if (!countsUntold || known.has(identity)) return [];
    return [
      [untold, ''],
      [untoldByName, identity],
    ];
  };

  return {
    isBarred: (address, identity) => !bucketsOf(address, identity).every(([buckets, name]) => buckets.has(name)),
    failed: (address, identity) => {
      for (const [buckets, name] of bucketsOf(address, identity)) buckets.take(name);
    },
    mayEnter: (identity) => {
      remember(identity);
      return byCharger.take(identity);
    },
    cameInBefore: (identities) => {
      for (const identity of identities) remember(identity);
    },
  };
}

type Buckets = ReturnType<typeof makeBuckets>;

/** Token buckets by name, a minute's worth each. */
function makeBuckets(perMin: number, now: () => number) {
  /** The one seen longest ago first. */
  const buckets = new Map<string, TokenBucket>();
  return {
    has: (name: string): boolean => perMin === 0 || (buckets.get(name)?.has(now()) ?? true),
    take: (name: string): boolean => {
      if (perMin === 0) return true;
      const bucket = buckets.get(name) ?? makeTokenBucket(perMin / 60, perMin, now());
      buckets.delete(name);
      buckets.set(name, bucket);
      if (buckets.size > MOST_REMEMBERED) buckets.delete(buckets.keys().next().value as string);
      return bucket.take(now());
    },
  };
}
