import type { KeyObject } from 'node:crypto';
import { concat, keccak256, ZeroHash } from 'ethers';
import { EPOCH_SKEW_MS } from './as-of.ts';
import type { ChargerFact } from './charger-fact.ts';
import type { GatewayAt, Known } from './charger-status.ts';
import { CLOCK_TOLERANCE_MS } from './charger-time.ts';
import { idleSecOf } from './idle-time.ts';
import { momentOf } from './meter-reading.ts';
import { isAfter, isSamePlace, type PlaceAt } from './place.ts';
import type { Reason, SessionAnswer, Stop, Verdict } from './session-answers.ts';
import { STOPS } from './session-answers.ts';
import { judgeRegisters, signedIn } from './session-figures.ts';
import { type Beginning, beginningOf, inOrder, openingOf, type ShownEvent } from './session-opening.ts';
import type { SessionStopCause } from './session-stop.ts';
import { signedEnergy } from './signed-energy.ts';

/** An event of a charger that a session's result may rest on. */
export interface SessionEvent<Fact extends ChargerFact = ChargerFact> extends PlaceAt {
  receivedAtMs: number;
  /** Its hash in its connection's chain, 0x-hex of 32 bytes: it covers all the connection's past. */
  hash: string;
  fact: Fact;
}

export type StartEvent = SessionEvent<Extract<ChargerFact, { kind: 'transaction-started' }>>;
export type StopEvent = SessionEvent<Extract<ChargerFact, { kind: 'transaction-stopped' }>>;

/** A charger's answer, whichever, to a gateway's own call to end the session, and why that was made. */
export type GatewayStop = SessionEvent & { cause: SessionStopCause };

/** What the rule reads of one charger; all of it must have been told by the time asked about. */
export interface SessionRecordAt {
  /** Whether a contract opened the session or an RFID card; undefined if no message on record shows its tag. */
  startedBy: 'contract' | 'card' | undefined;
  /** Messages that show the session's tag, or the very one that a card's session is named by. */
  shown: () => Iterable<ShownEvent>;
  /** Of a transaction of the charger: its starts and ends, and the messages within that show an idTag. */
  messagesOf: (transactionId: StartEvent['fact']['transactionId']) => Iterable<ShownEvent>;
  stopsOf: (transactionId: StartEvent['fact']['transactionId']) => Iterable<StopEvent>;
  /**
   * What was told of a start's transaction and of its connector (statuses, meter values, starts) from there on, and up to
   * another place if one is given; in any order.
   */
  told: (start: StartEvent, to: PlaceAt | undefined) => Known<SessionEvent[]>;
  /** The charger's answers to the gateway's own calls to end the session, from a start to an end; in any order. */
  gatewayStops: (start: PlaceAt, end: PlaceAt) => Iterable<GatewayStop>;
  /** Commitment of the card that a message shows, 0x-hex of 32 bytes; undefined if this operator cannot make it. */
  commitmentOf: (shown: ShownEvent) => string | undefined;
  /** Whether the charger is there: up to when it was known to be, Unix ms; undefined if it is. */
  presence: () => Known<{ lastKnownMs: number | undefined }>;
  gateway: (account: string) => GatewayAt;
  missedUntilMs: number;
}

/** A transaction of which so long nothing more came, though the connector told that it is over, has lost its end, ms. */
export const END_GRACE_MS = 600_000;
/** A charger that has not been heard for so long in the middle of a session is not waited for any more, ms. */
export const GIVEN_UP_AFTER_MS = 86_400_000;
/** More than any charger can give, W: the Megawatt Charging System ends at 3.75 MW. Contracts hold the connector's own bound. */
export const MOST_POWER_W = 4_000_000;

/** What chargers call the state of a connector whose transaction is over. */
export const OVER: ReadonlySet<string> = new Set(['Available', 'Preparing', 'Finishing', 'Reserved']);

/** What OCPP 2.x calls stops for which 1.6 has another name. */
const OTHER_NAMES: Readonly<Record<string, Stop>> = {
  EnergyLimitReached: 'EnergyLimit',
  ImmediateReset: 'HardReset',
};

/** How a session ended that a gateway had ended. */
const STOP_OF_CAUSE: Readonly<Record<SessionStopCause, Stop>> = { limit: 'EnergyLimit', idle: 'Idle' };

/**
 * What became of a session as of a time. Everything in it follows from signed batches, so honest operators give the same.
 *
 * The session is one transaction: the first in which the session's tag was shown and accepted, or the one in which a card was
 * accepted first by the event that the card's session is named by. It counts from where the transaction began.
 *
 * - Done: its end is on record; the energy is the difference of its two registers.
 * - Unusable, Contradiction: a second end says otherwise, or it ended before it began.
 * - Unusable, MeterUnusable: the register fell, no charger can give so much, or its end was lost: the connector said that
 *   it is over, or began another, and none came within `END_GRACE_MS`.
 * - Unusable, Offline: the charger has not been heard for `GIVEN_UP_AFTER_MS`.
 * - Refused: it began with a card or tag that was not accepted.
 * - CannotKnow, NoRecord: no start is on record. Running: all else; reason Offline if the charger is not connected.
 *
 * Where it is neither Done nor without a start, the figures are those of the last that was told.
 *
 * Where the chain has a key of the charger's meter and signed records came with the session, the energy is theirs; if they
 * are not true or not whole the session is Unusable, MeterUnusable, and if the charger's own registers say another thing,
 * Unusable, Contradiction.
 *
 * @param atMs - the time asked about, Unix ms
 * @param meterKey - the meter's key on chain, if it has one there
 */
export function sessionResultAt(record: SessionRecordAt, atMs: number, meterKey?: KeyObject): Known<SessionAnswer> {
  const told = sessionToldAt(record, atMs, meterKey);
  return told.isKnown ? { isKnown: true, answer: told.answer.answer } : told;
}

/** What became of a session, and the events it rests on: those whose hashes its evidence is made of, in that order. */
export interface SessionTold {
  answer: SessionAnswer;
  events: SessionEvent[];
}

/** As `sessionResultAt`, with the events that the answer rests on. */
export function sessionToldAt(record: SessionRecordAt, atMs: number, meterKey?: KeyObject): Known<SessionTold> {
  const counts = ({ gateway, chapter, epoch }: PlaceAt) =>
    record.gateway(gateway).chapter === chapter && epoch <= atMs + EPOCH_SKEW_MS;
  const shown = inOrder([...record.shown()].filter(counts));
  const first = openingOf(shown);
  if (first === undefined) {
    if (record.missedUntilMs > 0) return cannotKnow('the session may have begun before this record is whole');
    return known('CannotKnow', 'NoRecord', NOTHING);
  }
  const isIts = (event: ShownEvent) => shown.some((own) => isSamePlace(own, event));
  // Where its tag was shown in another session's transaction first, it may still have begun in one of its own.
  const openings = new Map([[first.fact.transactionId, first]]);
  for (const event of shown) {
    const { transactionId, outcome } = event.fact;
    if (outcome === 'Accepted' && !openings.has(transactionId)) openings.set(transactionId, event);
  }
  let opening = first;
  let beginning: Beginning | undefined;
  for (opening of openings.values()) {
    beginning = beginningOf(record, opening, isIts, counts);
    if (isDoubtful(beginning ?? { start: opening, isTold: false }, record.missedUntilMs)) {
      return cannotKnow('the session began before this record is whole');
    }
    if (beginning !== undefined) break;
  }
  if (beginning === undefined) return known('CannotKnow', 'NoRecord', NOTHING);
  const { start } = beginning;
  const idTag = record.startedBy === 'card' ? record.commitmentOf(opening) : ZeroHash;
  if (idTag === undefined) return cannotKnow("it has not the network's pepper for cards");
  if (start.fact.outcome !== 'Accepted') return known('Refused', 'Rejected', { ...NOTHING, idTag });

  // A start that is made of the transaction's end stands where the end does.
  const stops = inOrder([...record.stopsOf(start.fact.transactionId)].filter(counts)).filter(
    (stop) => !isAfter(start, stop),
  );
  const told = record.told(start, stops[0]);
  if (!told.isKnown) return told;
  const between = inOrder(told.answer.filter(counts)).filter((event) => isAfter(event, start));
  const presence = record.presence();
  if (!presence.isKnown) return presence;
  const { lastKnownMs } = presence.answer;
  const gatewayStop = gatewayStopOf(record, start, stops[0], counts);
  const all = gatewayStop === undefined ? between : inOrder([...between, gatewayStop]);
  const answer = judge({ start, stops, between: all, gatewayStop, lastKnownMs, atMs, meterKey });
  return { isKnown: true, answer: { answer: { ...answer, idTag }, events: [start, ...all, ...stops] } };
}

/** Why the charger was told to stop, which it does not know itself: the last of the gateway's calls that it took before its end. */
function gatewayStopOf(
  record: SessionRecordAt,
  start: StartEvent,
  end: StopEvent | undefined,
  counts: (event: PlaceAt) => boolean,
): GatewayStop | undefined {
  if (end === undefined || stopOf(end.fact.reason) !== 'Remote') return undefined;
  const taken = [...record.gatewayStops(start, end)].filter(
    (answer) => counts(answer) && isAccepted(answer) && isAfter(answer, start) && isAfter(end, answer),
  );
  return inOrder(taken).at(-1);
}

function isAccepted({ fact }: SessionEvent): boolean {
  return fact.kind === 'answered' && fact.outcome === 'result' && fact.status === 'Accepted';
}

interface Story {
  start: StartEvent;
  stops: StopEvent[];
  between: SessionEvent[];
  /** One of those between, if the charger ended it because of that. */
  gatewayStop: GatewayStop | undefined;
  lastKnownMs: number | undefined;
  atMs: number;
  meterKey: KeyObject | undefined;
}

function judge(story: Story): SessionAnswer {
  const { start, stops, between, gatewayStop, atMs } = story;
  const connector = connectorOf(story);
  const startedAtSec = momentOf(start.fact.startedAt, secondsOf(start.receivedAtMs));
  const stop = stops[0];
  const lost = stop === undefined ? lostEnd(story) : undefined;
  const endedAtSec =
    stop !== undefined ? momentOf(stop.fact.stoppedAt, secondsOf(stop.receivedAtMs)) : (lost?.atSec ?? 0);
  const untilSec = endedAtSec === 0 ? secondsOf(atMs) : endedAtSec;
  const registers = judgeRegisters(start.fact, stop?.fact, between, startedAtSec, untilSec);
  const energyWh = Math.max(registers.lastWh - registers.firstWh, 0);
  const figures: Figures = {
    connector,
    startedAtSec,
    endedAtSec,
    energyWh: BigInt(energyWh),
    idleSec: idleSecOf(start, between, connector, startedAtSec, untilSec),
    stop: stop !== undefined ? stopOf(stop.fact.reason, gatewayStop) : lost !== undefined ? 'Other' : 'None',
    evidence: keccak256(concat([start, ...between, ...stops].map(({ hash }) => hash))),
    idTag: ZeroHash,
  };
  if (
    stops.some((other) => !isSameEnd(other, stops[0] as StopEvent)) ||
    (endedAtSec !== 0 && endedAtSec < startedAtSec)
  )
    return { ...figures, verdict: 'Unusable', reason: 'Contradiction' };
  // Both times are rounded down to a second: it may have lasted up to one more.
  const isTooMuch = energyWh * 3_600 > MOST_POWER_W * (untilSec - startedAtSec + 1);
  if (registers.isBroken || isTooMuch) return { ...figures, verdict: 'Unusable', reason: 'MeterUnusable' };
  if (stop !== undefined) return { ...figures, ...billed(story, figures, energyWh) };
  if (lost !== undefined) return { ...figures, verdict: 'Unusable', reason: lost.reason };
  return { ...figures, verdict: 'Running', reason: story.lastKnownMs === undefined ? 'None' : 'Offline' };
}

/** The charger's registers and its meter's may differ by this much without anything being wrong: of the energy, and in Wh. */
const SIGNED_TOLERANCE = 0.02;
const SIGNED_TOLERANCE_WH = 100;

/** What of an ended session is billed: what the meter signed, where it did. */
function billed(
  { start, stops, between, meterKey }: Story,
  { startedAtSec, endedAtSec }: Figures,
  energyWh: number,
): Pick<SessionAnswer, 'verdict' | 'reason'> & { energyWh?: bigint } {
  const records = meterKey === undefined ? [] : signedIn(start.fact, stops[0]?.fact, between);
  if (meterKey === undefined || records.length === 0) return { verdict: 'Done', reason: 'None' };
  const signed = signedEnergy(records, { key: meterKey, startedAtSec, endedAtSec });
  if (signed.kind !== 'signed') return { verdict: 'Unusable', reason: 'MeterUnusable' };
  const allowedWh = Math.max(SIGNED_TOLERANCE_WH, energyWh * SIGNED_TOLERANCE);
  if (Math.abs(signed.energyWh - energyWh) > allowedWh) return { verdict: 'Unusable', reason: 'Contradiction' };
  return { verdict: 'Done', reason: 'None', energyWh: BigInt(signed.energyWh) };
}

/** Where the transaction is: OCPP 2.x may tell it after the start. */
function connectorOf({ start, between, stops }: Story): number {
  for (const { fact } of [start, ...between, ...stops]) {
    const isOwn = 'transactionId' in fact && fact.transactionId === start.fact.transactionId;
    if (isOwn && fact.connector !== undefined) return fact.connector;
  }
  return 0;
}

/** When and why a transaction without an end is over all the same; undefined if it may still go on. */
function lostEnd({ start, between, lastKnownMs, atMs }: Story): { atSec: number; reason: Reason } | undefined {
  if (lastKnownMs !== undefined) {
    return atMs - lastKnownMs > GIVEN_UP_AFTER_MS ? { atSec: secondsOf(lastKnownMs), reason: 'Offline' } : undefined;
  }
  const isOwn = ({ fact }: SessionEvent) =>
    (fact.kind === 'meter' || fact.kind === 'transaction-started' || fact.kind === 'transaction-updated') &&
    fact.transactionId === start.fact.transactionId;
  const ownAt = between.findLastIndex(isOwn);
  const isNext = (event: SessionEvent, n: number) =>
    n > ownAt && event.fact.kind === 'transaction-started' && event.fact.outcome === 'Accepted';
  const next = between.find(isNext);
  const last = between.findLast((event, n) => n > ownAt && event.fact.kind === 'status');
  const isOver = last?.fact.kind === 'status' && OVER.has(last.fact.reported);
  const end = next ?? (isOver ? last : undefined);
  if (end === undefined || atMs - end.atMs <= END_GRACE_MS) return undefined;
  return { atSec: secondsOf(end.receivedAtMs), reason: 'MeterUnusable' };
}

function isSameEnd({ fact: one }: StopEvent, { fact: other }: StopEvent): boolean {
  return (
    one.meterStopWh === other.meterStopWh &&
    one.reason === other.reason &&
    one.stoppedAt.atSec === other.stoppedAt.atSec
  );
}

/**
 * Whether an operator that missed a part of the record may have missed an earlier telling of this start: a charger tells a
 * start again until it is answered, and keeps it while it is offline. Where no start is on record, it may be what was missed.
 */
function isDoubtful({ start, isTold }: { start: ShownEvent; isTold: boolean }, missedUntilMs: number): boolean {
  if (missedUntilMs === 0) return false;
  if (!isTold || start.fact.kind !== 'transaction-started') return true;
  const { atSec, clock } = start.fact.startedAt;
  const begunAtMs = clock === 'sound' || clock === 'late' ? (atSec ?? 0) * 1_000 : start.atMs;
  return Math.min(begunAtMs, start.atMs) < missedUntilMs + CLOCK_TOLERANCE_MS;
}

function stopOf(reason: string, gatewayStop?: GatewayStop): Stop {
  if (gatewayStop !== undefined) return STOP_OF_CAUSE[gatewayStop.cause];
  const named = OTHER_NAMES[reason] ?? (reason as Stop);
  return named !== 'None' && named !== 'Idle' && STOPS.includes(named) ? named : 'Other';
}

type Figures = Omit<SessionAnswer, 'verdict' | 'reason'>;

const NOTHING: Figures = {
  stop: 'None',
  connector: 0,
  energyWh: 0n,
  startedAtSec: 0,
  endedAtSec: 0,
  idleSec: 0,
  idTag: ZeroHash,
  evidence: ZeroHash,
};

function known(verdict: Verdict, reason: Reason, figures: Figures): Known<SessionTold> {
  return { isKnown: true, answer: { answer: { ...figures, verdict, reason }, events: [] } };
}

function cannotKnow(reason: string): Known<never> {
  return { isKnown: false, reason };
}

/** Unix ms as Unix seconds, rounded down. */
function secondsOf(ms: number): number {
  return Math.floor(ms / 1000);
}
