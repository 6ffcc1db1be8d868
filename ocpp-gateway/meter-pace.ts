import type { TransactionId } from '../core/charger-fact.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import type { RecordedMessage } from './recorded-message.ts';

/** What meter values tell of: those of one series differ in their times and values only. */
export interface MeterSeries {
  place: unknown;
  transactionId: unknown;
  /** Undefined where there are too many to be remembered: such meter values are read as they come. */
  measurands: readonly string[] | undefined;
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
  isLeft: (series: MeterSeries, told: RecordedMessage) => boolean;
  /** What was left; it is to be read now, before any other message. */
  takeLeft: () => RecordedMessage[];
  /** Forgets what was left of a transaction, which is over. */
  drop: (transactionId: TransactionId) => void;
}

const EVERY_MS = 1_000;
/** More series than that are not told apart, and read as they come. */
const MOST_SERIES = 100;

interface Paced extends MeterSeries {
  readAtMs: number;
  left: RecordedMessage | undefined;
}

/** @param readBefore - when the register of a series was read last in another way, Unix ms; asked when a series begins */
export function makeMeterPace(readBefore: (series: MeterSeries) => number | undefined): MeterPace {
  return new Pace(readBefore);
}

class Pace implements MeterPace {
  private readonly readBefore: (series: MeterSeries) => number | undefined;
  private known: Paced[] = [];
  /** The one that was told last: mostly it is the one that is told next. */
  private latest: Paced | undefined;

  constructor(readBefore: (series: MeterSeries) => number | undefined) {
    this.readBefore = readBefore;
  }

  isLeft(series: MeterSeries, told: RecordedMessage): boolean {
    const paced = series.measurands && (this.find(series) ?? this.begin(series));
    if (paced === undefined) return false;
    const isSoon = Math.abs(told.atMs - paced.readAtMs) < EVERY_MS;
    if (isSoon) paced.left = told;
    else paced.readAtMs = told.atMs;
    return isSoon;
  }

  takeLeft(): RecordedMessage[] {
    const taken: RecordedMessage[] = [];
    for (const paced of this.known) {
      if (paced.left === undefined) continue;
      taken.push(paced.left);
      paced.readAtMs = Math.max(paced.readAtMs, paced.left.atMs);
      paced.left = undefined;
    }
    return taken.sort((a, b) => a.atMs - b.atMs);
  }

  drop(transactionId: TransactionId): void {
    this.known = this.known.filter((one) => one.transactionId !== transactionId);
    this.latest = undefined;
  }

  private find(series: MeterSeries): Paced | undefined {
    if (this.latest === undefined || !isSame(this.latest, series)) {
      this.latest = this.known.find((one) => isSame(one, series));
    }
    return this.latest;
  }

  /** Undefined if there are too many of which something is left. */
  private begin(series: MeterSeries): Paced | undefined {
    if (this.known.length >= MOST_SERIES) this.known = this.known.filter(({ left }) => left !== undefined);
    if (this.known.length >= MOST_SERIES) return undefined;
    const paced = { ...series, readAtMs: this.readBefore(series) ?? -Infinity, left: undefined };
    this.known.push(paced);
    return paced;
  }
}

function isSame(a: MeterSeries, b: MeterSeries): boolean {
  return a.measurands === b.measurands && a.place === b.place && a.transactionId === b.transactionId;
}

/** @param place - their connector or EVSE, as the charger names it */
export function meterSeries(place: unknown, { transactionId, meterValue }: JsonObject): MeterSeries {
  return { place, transactionId, measurands: measurandsIn(meterValue) };
}

/** Lists of measurands that were told before. Chargers tell the same ones all the time, and most chargers the same. */
const lists = new Map<string, readonly string[]>();
let latestList: readonly string[] = [];
/** No more lists than that are remembered, and none of more measurands: chargers write them, and they stay for all of them. */
const MOST_LISTS = 1_000;
const MOST_MEASURANDS = 200;

/** The measurands that meter values tell of, in order: one and the same array for the same measurands. */
function measurandsIn(meterValue: unknown): readonly string[] | undefined {
  if (isAsLatest(meterValue)) return latestList;
  const names: string[] = [];
  eachName(meterValue, (name) => names.push(name) <= MOST_MEASURANDS);
  if (names.length > MOST_MEASURANDS) return undefined;
  const key = JSON.stringify(names);
  if (lists.size >= MOST_LISTS) lists.clear();
  latestList = lists.get(key) ?? names;
  lists.set(key, latestList);
  return latestList;
}

/** Whether it tells of the same measurands as the one before, which most do: no list is made for those. */
function isAsLatest(meterValue: unknown): boolean {
  let count = 0;
  return eachName(meterValue, (name) => name === latestList[count++]) && count === latestList.length;
}

/**
 * Calls `take` with each measurand's name until that returns false; in all versions the energy's register is meant where
 * none is named.
 *
 * @returns false if `take` did
 */
function eachName(meterValue: unknown, take: (name: string) => boolean): boolean {
  if (!Array.isArray(meterValue)) return true;
  for (const value of meterValue) {
    const sampled: unknown = isObject(value) ? value.sampledValue : undefined;
    if (!Array.isArray(sampled)) continue;
    for (const sample of sampled) {
      if (!isObject(sample)) continue;
      const { measurand } = sample;
      if (!take(typeof measurand === 'string' ? measurand : '')) return false;
    }
  }
  return true;
}
