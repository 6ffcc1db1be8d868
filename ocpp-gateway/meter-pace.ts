import type { ChargerEvent } from '../core/charger-event.ts';
import { isObject, type JsonObject } from '../core/json.ts';

/** A message on record, and when it came, Unix ms. */
export interface RecordedMessage {
  event: Pick<ChargerEvent, 'frame' | 'reply'>;
  atMs: number;
}

/**
 * Has a charger's meter values be read once a second at the most for each place, transaction and set of measurands: of those
 * that tell the same, the last says it all, since registers only grow.
 */
export interface MeterPace {
  /**
   * Whether meter values are left for later, since others of the same were read just now. Of those left the last is kept.
   *
   * @param place - their connector or EVSE, as the charger names it
   * @param payload - of the message that tells them
   */
  isLeft: (place: unknown, payload: JsonObject, told: RecordedMessage) => boolean;
  /** What was left; it is to be read now. */
  takeLeft: () => RecordedMessage[];
}

const EVERY_MS = 1_000;
/** More series than that are not told apart, and read as they come. */
const MOST_SERIES = 100;

export function makeMeterPace(): MeterPace {
  const readAtMs = new Map<string, number>();
  const left = new Map<string, RecordedMessage>();
  return {
    isLeft: (place, payload, told) => {
      const series = `${place} ${payload.transactionId} ${measurandsIn(payload)}`;
      left.delete(series);
      const isSoon = Math.abs(told.atMs - (readAtMs.get(series) ?? -Infinity)) < EVERY_MS;
      if (isSoon && left.size < MOST_SERIES) {
        left.set(series, told);
        return true;
      }
      if (readAtMs.size >= MOST_SERIES) readAtMs.clear();
      readAtMs.set(series, told.atMs);
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

/** In all versions the energy's register is meant where none is named. */
function measurandsIn({ meterValue }: JsonObject): string {
  let measurands = '';
  for (const { sampledValue } of objectsIn(meterValue)) {
    for (const { measurand = '' } of objectsIn(sampledValue)) measurands += `${measurand},`;
  }
  return measurands;
}

function objectsIn(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
