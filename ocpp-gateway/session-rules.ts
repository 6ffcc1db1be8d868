import type { ChargerFact, TransactionId } from '../core/charger-fact.ts';
import { CLOCK_TOLERANCE_MS } from '../core/charger-time.ts';
import { isIdleState, isIdleStatus } from '../core/idle-time.ts';
import { kwhAsWh } from '../core/kwh-as-wh.ts';
import { type MeterReading, toldReading } from '../core/meter-reading.ts';
import { decodeStartParams, type RequestApproval, START_WITHIN_SEC, sessionTag } from '../core/request-approval.ts';
import type { StopCause } from '../core/session-stop.ts';
import type { IdTagVerdict } from './dialect.ts';
import type { ToldStart } from './told.ts';

/** A session that a contract or a card opened at a charger. */
export interface Session {
  /** 32 bytes, 0x-prefixed lower-case hex. */
  sessionId: string;
  /** The idTag that begins it, upper case; of a card's session what stands for that. */
  tag: string;
  /** Commitment of the card that opened it; undefined if a contract did. */
  card?: string;
  connector: number;
  /** Energy at which the charger is stopped, Wh; undefined where a card's session has no limit. */
  energyLimitWh?: number;
  /** A card's session: it is not known yet whether it has a limit. */
  isLimitOpen?: true;
  /** From then on no transaction begins it any more, Unix ms. */
  startUntilMs: number;
  openedAtMs: number;
}

/** The transaction by which a session has begun. */
export interface Began {
  transactionId: TransactionId;
  atMs: number;
  /** The meter's register at its start, Wh; undefined where none that can be was told. */
  startWh?: number;
}

/** How a session goes on. */
export interface Progress {
  /** The first register that was told, if the start told none, Wh. */
  firstWh?: number;
  /** The highest register so far, Wh, when it was first told, Unix ms, and when it was read then, Unix seconds. */
  registerWh?: number;
  energyAtMs?: number;
  energyAtSec?: number;
  /** When a register was told last, Unix ms. */
  readAtMs?: number;
  /** What the last register stood at, Wh, when it was read there, Unix seconds, and the power that flowed then, W. */
  last?: { registerWh: number; atSec: number; powerW: number };
  /** Whether its car has charged, and since when it takes no energy, by the states that the charger told, Unix ms. */
  hasCharged?: boolean;
  idleSinceMs?: number;
  /** Why the charger is to stop. */
  cause?: StopCause;
  /** How often it was asked to. */
  attempts: number;
  /** When its transaction ended, Unix ms. */
  endedAtMs?: number;
  /** Transactions that its idTag was refused for and that go on, and how often the charger was asked to end each. */
  refused?: { transactionId: TransactionId; attempts: number }[];
  /** How often the charger was asked to end one of them. */
  refusedAttempts?: number;
}

export interface SessionRecord {
  session: Session;
  began: Began | undefined;
  progress: Progress;
}

/** Operators count a start by when it was received, which is a moment after it was looked at here. */
const START_MARGIN_MS = 5_000;

/** The session that a `start-charge` opens; throws what ethers throws if its parameters are of another shape. */
export function sessionOf({ requestId, params, asOfSec }: RequestApproval, nowMs: number): Session {
  const { connector, energyLimitWh } = decodeStartParams(params);
  return {
    sessionId: requestId,
    tag: sessionTag(requestId),
    connector,
    energyLimitWh: Number(energyLimitWh),
    startUntilMs: (asOfSec + START_WITHIN_SEC) * 1000 - START_MARGIN_MS,
    openedAtMs: nowMs,
  };
}

/** The session as one that no transaction begins any more. */
export function withdrawn(session: Session): Session {
  return { ...session, startUntilMs: 0 };
}

/** Whether a session may begin by a transaction, or goes on in it. */
export function mayBegin({ session, began }: SessionRecord, start: ToldStart, nowMs: number): IdTagVerdict {
  if (began !== undefined) return began.transactionId === start.transactionId ? 'Accepted' : 'Invalid';
  if (start.connector !== undefined && start.connector !== session.connector) return 'Invalid';
  return nowMs < session.startUntilMs ? 'Accepted' : 'Expired';
}

/** What a session's idTag counts for where no transaction is told of: before it, and within it. */
export function tagVerdict({ session, began, progress }: SessionRecord, nowMs: number): IdTagVerdict {
  if (began !== undefined) return progress.endedAtMs === undefined ? 'Accepted' : 'Expired';
  return nowMs < session.startUntilMs ? 'Accepted' : 'Expired';
}

/** Whether a session goes on of which its connector's statuses tell something: OCPP 2.x tells it in its transaction's messages. */
export function isToldByStatus({ began, progress }: SessionRecord): boolean {
  return typeof began?.transactionId === 'number' && progress.endedAtMs === undefined;
}

/** Whether a fact is about the transaction by which a session has begun. */
export function isAbout(fact: ChargerFact, record: SessionRecord): boolean {
  const { session, began } = record;
  if (began === undefined) return false;
  if ('transactionId' in fact && fact.transactionId !== undefined) return fact.transactionId === began.transactionId;
  const isOfConnector = fact.kind === 'meter' || (fact.kind === 'status' && isToldByStatus(record));
  return isOfConnector && fact.connector === session.connector;
}

/**
 * Whether a fact tells that another transaction has begun at a session's connector since: two cars do not charge there at
 * once, so the end of the session's own was lost.
 */
export function isFollowed(fact: ChargerFact, { session, began }: SessionRecord): boolean {
  if (began === undefined || fact.kind !== 'transaction-started' || fact.outcome !== 'Accepted') return false;
  if (fact.connector !== session.connector || fact.transactionId === began.transactionId) return false;
  const { atSec = 0, clock } = fact.startedAt;
  const isNow = clock === 'sound' && fact.detail?.isOffline !== true;
  // What a charger kept while it was offline may have been before the session.
  const isSince = atSec * 1000 > began.atMs + CLOCK_TOLERANCE_MS;
  return isNow || ((clock === 'sound' || clock === 'late') && isSince);
}

/**
 * A session's progress after a fact that is about its transaction.
 *
 * A register that falls changes nothing: what is delivered by then is not known any more, and is for the operators to judge.
 * OCPP 2.1 has a charger stop at the limit by itself, a little below it or above, and leave the transaction to be ended.
 */
export function progressAfter(before: Progress, fact: ChargerFact, atMs: number): Progress {
  const after = { ...before };
  if (fact.kind === 'transaction-stopped') after.endedAtMs ??= atMs;
  const reading = toldReading(fact, atMs);
  if (reading !== undefined) {
    const { registerWh, observedAtSec: atSec } = reading;
    after.last = { registerWh, atSec, powerW: powerAt(reading, before.last) };
    after.readAtMs = atMs;
    after.firstWh ??= registerWh;
    if (after.registerWh === undefined || registerWh > after.registerWh) {
      after.registerWh = registerWh;
      after.energyAtMs = atMs;
      after.energyAtSec = atSec;
      if (after.idleSinceMs !== undefined) after.idleSinceMs = atMs;
    }
  }
  const state = stateIn(fact);
  if (fact.kind === 'transaction-updated' && fact.detail.trigger === 'EnergyLimitReached' && state !== 'Charging')
    after.cause ??= 'limit';
  if (state === undefined) return after;
  if (state === 'Charging') after.hasCharged = true;
  const isIdle = fact.kind === 'status' ? isIdleStatus(state) : isIdleState(state, after.hasCharged === true);
  const { idleSinceMs = atMs, ...rest } = after;
  return isIdle ? { ...rest, idleSinceMs } : rest;
}

/** What a charger calls the state of a transaction, or in OCPP 1.6 that of its connector. */
function stateIn(fact: ChargerFact): string | undefined {
  if (fact.kind === 'status') return fact.reported;
  return 'detail' in fact ? fact.detail?.chargingState : undefined;
}

/** Two registers nearer to one another than that say little about the power between them, s. */
const LEAST_APART_SEC = 10;

/** The power with a reading: what the charger told with it, else what flowed since the one before, W. */
function powerAt({ powerW, registerWh, observedAtSec }: MeterReading, before: Progress['last']): number {
  if (powerW > 0 || before === undefined) return powerW;
  const apartSec = observedAtSec - before.atSec;
  if (apartSec < LEAST_APART_SEC) return before.powerW;
  return Math.max(0, ((registerWh - before.registerWh) * 3_600) / apartSec);
}

/**
 * When a session will have reached its limit if its power stays what it was, Unix ms; undefined if nothing says so.
 * A charger is asked for its register by then: until it told the next one by itself it would go on charging.
 */
export function limitExpectedMs({ session, began, progress }: SessionRecord): number | undefined {
  const { last, firstWh } = progress;
  const startWh = began?.startWh ?? firstWh;
  const registerWh = registerOf(progress, startWh);
  if (last === undefined || registerWh === undefined || startWh === undefined || last.powerW <= 0) return undefined;
  if (session.energyLimitWh === undefined) return undefined;
  const leftWh = Math.max(0, startWh + session.energyLimitWh - registerWh);
  return last.atSec * 1000 + Math.ceil((leftWh / last.powerW) * 3_600_000);
}

/**
 * Why a session that goes on is to be ended now; undefined if it is not.
 *
 * It is idle if registers were told over the whole of `idleMs` and none was higher than the one before: a charger that
 * tells none may well be charging. That goes for the time in which it was offline, too: a register counts on meanwhile.
 * Also if the charger said so long ago that the car takes no energy.
 *
 * @param idleMs - 0 if idle sessions go on
 * @param connectedAtMs - while the charger was offline, it could tell of no other state
 */
export function dueStop(
  record: SessionRecord,
  idleMs: number,
  connectedAtMs: number,
  nowMs: number,
): StopCause | undefined {
  const { session, began, progress } = record;
  if (began === undefined || progress.endedAtMs !== undefined) return undefined;
  if (progress.cause !== undefined) return progress.cause;
  const startWh = began.startWh ?? progress.firstWh;
  const { idleSinceMs } = progress;
  const registerWh = registerOf(progress, startWh);
  const { energyLimitWh = Number.POSITIVE_INFINITY } = session;
  if (registerWh !== undefined && startWh !== undefined && registerWh - startWh >= energyLimitWh) return 'limit';
  const isIdle = idleSinceMs !== undefined && nowMs - Math.max(idleSinceMs, connectedAtMs) >= idleMs;
  if (idleMs > 0 && isIdle) return 'idle';
  if (registerWh === undefined || startWh === undefined) return undefined;
  return idleMs > 0 && flatMs(progress) >= idleMs ? 'idle' : undefined;
}

/** The highest register told, Wh. */
function registerOf({ registerWh }: Progress, startWh: number | undefined): number | undefined {
  return registerWh === undefined || startWh === undefined ? registerWh : kwhAsWh(registerWh, startWh);
}

/**
 * For how long no register was higher than the one before, ms; by when they came and by when they were read, whichever is
 * less: one that a charger kept while it was offline says nothing of the time since.
 */
function flatMs({ readAtMs, energyAtMs, energyAtSec, last }: Progress): number {
  if (readAtMs === undefined || energyAtMs === undefined || last === undefined) return 0;
  const { atSec } = last;
  return Math.min(readAtMs - energyAtMs, (atSec - (energyAtSec ?? Math.floor(energyAtMs / 1000))) * 1000);
}
