/** Time as a charger sees it; handed in so that tests can drive it. */
export interface Clock {
  /** Unix milliseconds. */
  nowMs: () => number;
  /** Runs `act` once after a delay; the returned function calls it off. */
  after: (delayMs: number, act: () => void) => () => void;
}

/** The machine's own clock. */
export const wallClock: Clock = {
  nowMs: () => Date.now(),
  after: (delayMs, act) => {
    const timer = setTimeout(act, delayMs);
    return () => clearTimeout(timer);
  },
};

/** A number from 0 to below 1, evenly spread. */
export type Random = () => number;

/** A whole number from `least` to `most`, both included. */
export function wholeBetween(random: Random, least: number, most: number): number {
  return least + Math.floor(random() * (most - least + 1));
}

/** One of a list that is not empty. */
export function oneOf<T>(random: Random, choices: readonly T[]): T {
  return choices[Math.floor(random() * choices.length)] as T;
}
