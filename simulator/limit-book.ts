import { type ChargingProfile, compositeLimits, type LimitPlace, limitAt, withProfile } from './charging-limits.ts';
import type { Clock } from './clock.ts';

/** A charger's charging profiles, and what they do to its connectors as time goes by. */
export interface LimitBook {
  all: () => readonly ChargingProfile[];
  add: (profile: ChargingProfile) => void;
  /** @returns how many went */
  remove: (isGone: (profile: ChargingProfile) => boolean) => number;
  /** Works the limits out anew: to be called when a transaction begins or ends. */
  refresh: () => void;
  composite: (connector: number, durationSec: number) => { startSec: number; limitW: number }[];
  close: () => void;
}

/** @param apply - told of a connector's limit, W, whenever it may have changed */
export function makeLimitBook(
  clock: Clock,
  connectors: readonly number[],
  placeOf: (connector: number) => LimitPlace,
  apply: (connector: number, limitW: number) => void,
): LimitBook {
  let profiles: readonly ChargingProfile[] = [];
  const applied = new Map<number, number>();
  let cancel = () => {};
  let isRefreshing = false;

  function refresh(): void {
    // `apply` may say that something has changed, which it has here
    if (isRefreshing) return;
    isRefreshing = true;
    cancel();
    const nowMs = clock.nowMs();
    let untilMs = Number.POSITIVE_INFINITY;
    for (const connector of connectors) {
      const limit = limitAt(profiles, placeOf(connector), nowMs);
      untilMs = Math.min(untilMs, limit.untilMs);
      if ((applied.get(connector) ?? Number.POSITIVE_INFINITY) === limit.limitW) continue;
      applied.set(connector, limit.limitW);
      apply(connector, limit.limitW);
    }
    isRefreshing = false;
    cancel = () => {};
    if (untilMs < Number.POSITIVE_INFINITY) {
      cancel = clock.after(Math.max(1, untilMs - nowMs), refresh);
    }
  }

  return {
    all: () => profiles,
    add: (profile) => {
      profiles = withProfile(profiles, profile);
      refresh();
    },
    remove: (isGone) => {
      const before = profiles.length;
      profiles = profiles.filter((profile) => !isGone(profile));
      refresh();
      return before - profiles.length;
    },
    refresh,
    composite: (connector, durationSec) => {
      return compositeLimits(profiles, placeOf(connector), clock.nowMs(), durationSec);
    },
    close: () => cancel(),
  };
}
