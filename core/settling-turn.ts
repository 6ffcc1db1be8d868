/**
 * Whose turn it is to bring a session to an end on chain that nobody asked about. Time since the session's end is cut into
 * slots. In each of the first slots it is another operator's turn, so that one that is away is followed by the next; after
 * two rounds the slots lie further and further apart, so that a session that cannot be settled costs little.
 */

/** How often in turn each operator has a slot before they thin out. */
const ROUNDS = 2;
/** After the rounds, a slot in each doubling of the time: up to 2^10 times their length. */
const DOUBLINGS = 10;

/** A slot in which a session is to be brought to an end. */
export interface SettlingSlot {
  /** Counts the slots that are used, from 0: by it the turn goes round. */
  attempt: number;
  /** When it began, Unix ms. */
  beganAtMs: number;
}

/**
 * The slot that a time lies in.
 *
 * @param endedAtMs - since when it could be known that the session is over, Unix ms: the same at every honest operator
 * @param operators - how many there are, 1 or more
 * @returns undefined in the pauses between slots, before the end, and when all slots are past
 */
export function settlingSlotAt(
  endedAtMs: number,
  nowMs: number,
  slotMs: number,
  operators: number,
): SettlingSlot | undefined {
  const place = Math.floor((nowMs - endedAtMs) / slotMs);
  const attempt = usedPlaces(operators).indexOf(place);
  return attempt < 0 ? undefined : { attempt, beganAtMs: endedAtMs + place * slotMs };
}

/** Which of the operators has a turn, from 0: by the session's id, so that all have the same work. */
export function settlingTurn(sessionId: string, attempt: number, operators: number): number {
  return Number((BigInt(sessionId) + BigInt(attempt)) % BigInt(operators));
}

/** When sessions must have ended that have a slot now: periods after `afterMs` up to `toMs`, both Unix ms, the latest first. */
export function settlingPeriods(nowMs: number, slotMs: number, operators: number): { afterMs: number; toMs: number }[] {
  const rounds = ROUNDS * operators;
  const after = usedPlaces(operators).slice(rounds);
  return [
    { afterMs: nowMs - rounds * slotMs, toMs: nowMs },
    ...after.map((place) => ({ afterMs: nowMs - (place + 1) * slotMs, toMs: nowMs - place * slotMs })),
  ];
}

/** How long after a session's end the last slot of all ends, ms. */
export function settlingEndMs(slotMs: number, operators: number): number {
  return ((usedPlaces(operators).at(-1) ?? 0) + 1) * slotMs;
}

/** The places of the slots that are used, in whole slots since the end. */
function usedPlaces(operators: number): number[] {
  const rounds = ROUNDS * operators;
  return [
    ...Array.from({ length: rounds }, (_, n) => n),
    ...Array.from({ length: DOUBLINGS + 1 }, (_, n) => rounds * 2 ** n),
  ];
}
