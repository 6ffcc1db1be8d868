import { isLately } from './lately.ts';

/** Who may command a charger. */
export interface ManagerDirectory {
  /**
   * @param device - its DeviceDEVSEN
   * @returns the account, lower case, and whether it is an active manager of the network
   * @throws (as a rejection) DevsenError `CHAIN_UNAVAILABLE`: without the chain nobody is a manager
   */
  managerOf: (device: string) => Promise<Manager>;
}

export interface Manager {
  account: string;
  isActive: boolean;
}

/** A change's log tells of it at once; asking anew so often is for users that expire without a log, and for reorgs. */
const MAX_AGE_MS = 15_000;
const MOST_REMEMBERED = 10_000;

/** @param read - asks the chain */
export function makeManagerDirectory(read: (device: string) => Promise<Manager>, now: () => number) {
  /** By device; the oldest first. */
  const known = new Map<string, { manager: Promise<Manager>; readAtMs: number }>();
  return {
    managerOf: (device) => {
      const last = known.get(device);
      if (last !== undefined && isLately(last.readAtMs, MAX_AGE_MS, now())) return last.manager;
      const manager = read(device);
      known.delete(device);
      if (known.size >= MOST_REMEMBERED) known.delete(known.keys().next().value as string);
      known.set(device, { manager, readAtMs: now() });
      manager.catch(() => {
        if (known.get(device)?.manager === manager) known.delete(device);
      });
      return manager;
    },
    /** To be called when the chain tells of another manager of a device. */
    managerChanged: (device: string) => void known.delete(device),
    /** To be called when the chain tells of changed users. */
    usersChanged: () => known.clear(),
  } satisfies ManagerDirectory & Record<string, unknown>;
}
