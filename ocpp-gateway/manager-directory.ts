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

/** So long after a change on chain the manager before may still command. */
const MAX_AGE_MS = 15_000;
const MOST_REMEMBERED = 10_000;

/** @param read - asks the chain */
export function makeManagerDirectory(read: (device: string) => Promise<Manager>, now: () => number): ManagerDirectory {
  /** By device; the oldest first. */
  const known = new Map<string, { manager: Promise<Manager>; readAtMs: number }>();
  return {
    managerOf: (device) => {
      const last = known.get(device);
      if (last !== undefined && now() - last.readAtMs < MAX_AGE_MS) return last.manager;
      const manager = read(device);
      known.delete(device);
      if (known.size >= MOST_REMEMBERED) known.delete(known.keys().next().value as string);
      known.set(device, { manager, readAtMs: now() });
      manager.catch(() => known.delete(device));
      return manager;
    },
  };
}
