/** Uses a manager's nonce; false if it was used before. Rejects while Redis is away. */
export type UseNonce = (manager: string, nonce: string, deadlineMs: number) => Promise<boolean>;

/** Beyond the deadline, as Redis remembers it: a clock that was set back must not bring a command back to life. */
const CLOCKS_DIFFER_MS = 300_000;
const MOST_REMEMBERED = 100_000;

/**
 * A second memory of nonces, in this process: should Redis lose what it had, nobody can send a command again to the
 * gateway that carried it out. After a restart of both, the deadline that a manager signed bounds what can be repeated.
 */
export function makeNonceBook(useInRedis: UseNonce, now: () => number): UseNonce {
  /** Until when, Unix ms, by manager and nonce; the one used longest ago first. */
  const used = new Map<string, number>();
  const forget = () => {
    for (const [key, untilMs] of used) {
      if (untilMs > now() && used.size <= MOST_REMEMBERED) return;
      used.delete(key);
    }
  };
  return async (manager, nonce, deadlineMs) => {
    const key = `${manager} ${nonce}`;
    if (used.has(key) || !(await useInRedis(manager, nonce, deadlineMs))) return false;
    // Another request may have come by while Redis was asked, and Redis lost its data between the two.
    if (used.has(key)) return false;
    used.set(key, deadlineMs + CLOCKS_DIFFER_MS);
    forget();
    return true;
  };
}
