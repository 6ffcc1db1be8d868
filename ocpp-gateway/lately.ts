/** Whether less than so long has passed since, on a clock that may be set back: what then lies ahead does not count as recent. */
export function isLately(sinceMs: number, withinMs: number, nowMs: number): boolean {
  return sinceMs <= nowMs && nowMs - sinceMs < withinMs;
}
