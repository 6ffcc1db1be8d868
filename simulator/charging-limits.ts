/** A charging profile in no version's words (OCPP 1.6 §7.8, OCPP 2.x `ChargingProfileType`). */
export interface ChargingProfile {
  id: number;
  /** 0 is the whole station. */
  connector: number;
  stackLevel: number;
  purpose: 'StationMax' | 'External' | 'TxDefault' | 'Tx';
  kind: 'Absolute' | 'Recurring' | 'Relative';
  recurrency?: 'Daily' | 'Weekly';
  validFromMs?: number;
  validToMs?: number;
  /** The charger's own key of the transaction a `Tx` profile is for. */
  transaction?: string;
  startMs?: number;
  durationSec?: number;
  unit: 'W' | 'A';
  /** By `startSec`, the first at 0. */
  periods: readonly LimitPeriod[];
  /** As the CSMS put it, where it may ask for that. */
  source?: object;
}

export interface LimitPeriod {
  startSec: number;
  /** In the profile's unit. */
  limit: number;
  phases?: number;
}

/** What the limit is worked out for. */
export interface LimitPlace {
  connector: number;
  transaction?: { key: string; startedAtMs: number };
}

/** A limit and until when it holds; without one it is infinite. */
export interface Limit {
  limitW: number;
  untilMs: number;
}

const PHASE_VOLTAGE_V = 230;
const PHASES = 3;
const DAY_MS = 86_400_000;
const NONE: Limit = { limitW: Number.POSITIVE_INFINITY, untilMs: Number.POSITIVE_INFINITY };

/** Watts of one ampere on so many phases of a European grid. */
export function wattsPerAmpere(phases = PHASES): number {
  return PHASE_VOLTAGE_V * phases;
}

/**
 * Most power that the profiles leave a connector at a time: of each purpose the profile with the highest stack level that
 * says something, a transaction's own before the default; of the purposes the least.
 *
 * @see OCPP 1.6 §3.13 Smart Charging, OCPP 2.0.1 K01
 */
export function limitAt(profiles: readonly ChargingProfile[], place: LimitPlace, atMs: number): Limit {
  const of = (purpose: ChargingProfile['purpose'], isHere: (profile: ChargingProfile) => boolean) =>
    highest(
      profiles.filter((profile) => profile.purpose === purpose && isHere(profile)),
      place,
      atMs,
    );
  const isHere = ({ connector }: ChargingProfile) => connector === 0 || connector === place.connector;
  const own = of('Tx', (profile) => {
    const isSame = profile.transaction === undefined || profile.transaction === place.transaction?.key;
    return place.transaction !== undefined && profile.connector === place.connector && isSame;
  });
  const usual = of('TxDefault', isHere);
  const forTransaction =
    own.limitW === Number.POSITIVE_INFINITY ? { ...usual, untilMs: Math.min(own.untilMs, usual.untilMs) } : own;
  return [forTransaction, of('StationMax', isHere), of('External', isHere)].reduce((least, other) => ({
    limitW: Math.min(least.limitW, other.limitW),
    untilMs: Math.min(least.untilMs, other.untilMs),
  }));
}

/** The limits over a span, as periods that follow one another; an infinite one is left to the reader. */
export function compositeLimits(
  profiles: readonly ChargingProfile[],
  place: LimitPlace,
  fromMs: number,
  durationSec: number,
): { startSec: number; limitW: number }[] {
  const periods: { startSec: number; limitW: number }[] = [];
  const endMs = fromMs + durationSec * 1000;
  for (let atMs = fromMs; atMs < endMs && periods.length < 1024; ) {
    const { limitW, untilMs } = limitAt(profiles, place, atMs);
    if (periods.at(-1)?.limitW !== limitW) periods.push({ startSec: Math.ceil((atMs - fromMs) / 1000), limitW });
    atMs = Math.max(untilMs, atMs + 1);
  }
  return periods;
}

/** The profiles with one more; it takes the place of one with its id, or of its purpose and level at its connector. */
export function withProfile(profiles: readonly ChargingProfile[], added: ChargingProfile): ChargingProfile[] {
  const isReplaced = (other: ChargingProfile) =>
    other.id === added.id ||
    (other.connector === added.connector &&
      other.purpose === added.purpose &&
      other.stackLevel === added.stackLevel &&
      other.transaction === added.transaction);
  return [...profiles.filter((other) => !isReplaced(other)), added];
}

function highest(candidates: readonly ChargingProfile[], place: LimitPlace, atMs: number): Limit {
  let untilMs = Number.POSITIVE_INFINITY;
  // at one level the connector's own comes before the station's
  const inOrder = [...candidates].sort((a, b) => b.stackLevel - a.stackLevel || b.connector - a.connector);
  for (const profile of inOrder) {
    const found = limitOf(profile, place, atMs);
    untilMs = Math.min(untilMs, found.untilMs);
    if (found.limitW !== Number.POSITIVE_INFINITY) return { limitW: found.limitW, untilMs };
  }
  return { ...NONE, untilMs };
}

function limitOf(profile: ChargingProfile, place: LimitPlace, atMs: number): Limit {
  const { validFromMs = Number.NEGATIVE_INFINITY, validToMs = Number.POSITIVE_INFINITY } = profile;
  if (atMs >= validToMs) return NONE;
  if (atMs < validFromMs) return { ...NONE, untilMs: validFromMs };
  const schedule = scheduleAt(profile, place, atMs);
  if (schedule === undefined) return NONE;
  if (atMs < schedule.startMs) return { ...NONE, untilMs: schedule.startMs };
  if (atMs >= schedule.endMs) return { ...NONE, untilMs: Math.min(validToMs, schedule.againMs) };
  const elapsedSec = (atMs - schedule.startMs) / 1000;
  const period = profile.periods.findLast(({ startSec }) => startSec <= elapsedSec);
  const next = profile.periods.find(({ startSec }) => startSec > elapsedSec);
  const untilMs = Math.min(validToMs, schedule.endMs, next ? schedule.startMs + next.startSec * 1000 : schedule.endMs);
  return { limitW: period ? wattsOf(profile, period) : Number.POSITIVE_INFINITY, untilMs };
}

/** The turn of a schedule that matters now, and when the next one begins. */
function scheduleAt(
  { kind, recurrency, startMs, durationSec = Number.POSITIVE_INFINITY }: ChargingProfile,
  place: LimitPlace,
  atMs: number,
) {
  const againMs = Number.POSITIVE_INFINITY;
  if (kind === 'Recurring') {
    const turnMs = recurrency === 'Weekly' ? 7 * DAY_MS : DAY_MS;
    const firstMs = startMs ?? 0;
    const turn = firstMs + Math.floor((atMs - firstMs) / turnMs) * turnMs;
    return { startMs: turn, endMs: turn + Math.min(turnMs, durationSec * 1000), againMs: turn + turnMs };
  }
  const from = kind === 'Absolute' ? (startMs ?? place.transaction?.startedAtMs) : place.transaction?.startedAtMs;
  return from === undefined ? undefined : { startMs: from, endMs: from + durationSec * 1000, againMs };
}

function wattsOf({ unit }: ChargingProfile, { limit, phases }: LimitPeriod): number {
  return unit === 'W' ? limit : limit * wattsPerAmpere(phases);
}
