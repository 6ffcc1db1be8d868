/** Time as a charger sees it; handed in so that tests can drive it. */
export interface Clock {
  /** Unix milliseconds. */
  nowMs: () => number;
  /** Runs `act` once after a delay; the returned function calls it off. */
  after: (delayMs: number, act: () => void) => () => void;
}

/** The longest that one of Node's timers waits, ms. */
const LONGEST_MS = 2 ** 31 - 1;

/** The machine's own clock. */
export const wallClock: Clock = {
  nowMs: () => Date.now(),
  after: (delayMs, act) => {
    let timer: NodeJS.Timeout;
    // a longer delay would fire at once
    const arm = (leftMs: number) => {
      timer = leftMs > LONGEST_MS ? setTimeout(() => arm(leftMs - LONGEST_MS), LONGEST_MS) : setTimeout(act, leftMs);
    };
    arm(delayMs);
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

/** A version 4 UUID of that randomness. */
export function uuidFrom(random: Random): string {
  const bytes = Buffer.from(Array.from({ length: 16 }, () => Math.floor(random() * 256)));
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
