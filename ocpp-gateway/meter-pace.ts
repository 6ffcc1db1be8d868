import type { ChargerEvent } from '../core/charger-event.ts';

/** A message on record, and when it came, Unix ms. */
export interface RecordedMessage {
  event: Pick<ChargerEvent, 'frame' | 'reply'>;
  atMs: number;
}

/** Has a charger's meter values be read once a second at the most for each place: registers only grow. */
export interface MeterPace {
  /**
   * Whether meter values are left for later, since others of their place were read just now. Of those left at one place the
   * last is kept.
   *
   * @param place - their connector or EVSE, as the charger names it
   */
  isLeft: (place: unknown, told: RecordedMessage) => boolean;
  /** What was left; it is to be read now. */
  takeLeft: () => RecordedMessage[];
}

const EVERY_MS = 1_000;
const MOST_PLACES = 100;

export function makeMeterPace(): MeterPace {
  const readAtMs = new Map<unknown, number>();
  const left = new Map<unknown, RecordedMessage>();
  return {
    isLeft: (place, told) => {
      left.delete(place);
      if (Math.abs(told.atMs - (readAtMs.get(place) ?? -Infinity)) < EVERY_MS) {
        left.set(place, told);
        return true;
      }
      if (readAtMs.size >= MOST_PLACES) readAtMs.clear();
      readAtMs.set(place, told.atMs);
      return false;
    },
    takeLeft: () => {
      if (left.size === 0) return [];
      const taken = [...left.values()];
      left.clear();
      return taken;
    },
  };
}
