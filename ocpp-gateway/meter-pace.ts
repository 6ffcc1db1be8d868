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
   * @param series - from `meterSeries`
   */
  isLeft: (series: string, told: RecordedMessage) => boolean;
  /** What was left; it is to be read now. */
  takeLeft: () => RecordedMessage[];
}

const EVERY_MS = 1_000;
/** More series than that are not told apart, and read as they come. */
const MOST_SERIES = 100;

interface Series {
  name: string;
  readAtMs: number;
  left: RecordedMessage | undefined;
}

export function makeMeterPace(): MeterPace {
  /** A charger has a few, so they are looked through. */
  let known: Series[] = [];
  return {
    isLeft: (name, told) => {
      const series = known.find((one) => one.name === name);
      if (series === undefined) {
        if (known.length >= MOST_SERIES) known = known.filter(({ left }) => left !== undefined);
        if (known.length < MOST_SERIES) known.push({ name, readAtMs: told.atMs, left: undefined });
        return false;
      }
      const isSoon = Math.abs(told.atMs - series.readAtMs) < EVERY_MS;
      series.left = isSoon ? told : undefined;
      if (!isSoon) series.readAtMs = told.atMs;
      return isSoon;
    },
    takeLeft: () => {
      const taken: RecordedMessage[] = [];
      for (const series of known) {
        if (series.left !== undefined) taken.push(series.left);
        series.left = undefined;
      }
      return taken.sort((a, b) => a.atMs - b.atMs);
    },
  };
}

/**
 * What meter values tell of: those of one series differ in their times and values only.
 *
 * @param place - their connector or EVSE, as the charger names it
 * @param payload - of the message that tells them
 */
export function meterSeries(place: unknown, payload: JsonObject): string {
  return `${place} ${payload.transactionId} ${measurandsIn(payload)}`;
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
