import type { KeyObject } from 'node:crypto';
import { keccak256, toUtf8Bytes, ZeroHash } from 'ethers';
import { asOfMs } from './as-of.ts';
import { type CarWait, carWaitAfter } from './car-wait.ts';
import { type Asked, type ChargerReply, NO_ANSWER, NOT_SUPPORTED } from './charger-call.ts';
import { callOf, replyOf } from './charger-commands.ts';
import type { ChargerFact } from './charger-fact.ts';
import type { GatewayAt } from './charger-status.ts';
import { cannotKnow, type Known } from './known.ts';
import { momentOf } from './meter-reading.ts';
import type { OcppVersion } from './ocpp-version.ts';
import { isAfter, isSamePlace, type PlaceAt } from './place.ts';
import { ANSWER_WITHIN_SEC, COMMAND_VALID_SEC, decodeStartParams, START_WITHIN_SEC } from './request-approval.ts';
import type { Reason, SessionAnswer, StartAnswer } from './session-answers.ts';
import { beginningOf, openingOf } from './session-opening.ts';
import { type SessionRecordAt, type StartEvent, sessionResultAt } from './session-result.ts';

/** A charger's answer to the call of a request. */
export interface AnswerEvent extends PlaceAt {
  /** What its connection speaks; undefined if the beginning of the connection is not on record. */
  version: OcppVersion | undefined;
  /** The exact text. */
  frame: string;
  /** What the charger told after it over the same connection, in order, up to where it last told a connector to be free. */
  toldUntilFree: (connector: number) => Iterable<{ seq: number; fact: ChargerFact }>;
}

/** What the rules read; all of it must have been told by the second that is looked at. */
export interface CommandRecordAt {
  /** Answers to the call of this request, in any order. */
  answers: () => Iterable<AnswerEvent>;
  /** What the charger's connections speak that were open at some time within a period, Unix ms. */
  open: (fromMs: number, toMs: number) => Iterable<{ version: OcppVersion | undefined }>;
  /** The session that a request starts or stops. */
  session: SessionRecordAt;
  /** The key of the charger's meter on chain, if it has one there. */
  meterKey?: KeyObject | undefined;
  gateway: (account: string) => GatewayAt;
  missedUntilMs: number;
}

/** An answer, or nothing as long as it is open. */
export type Followed<Answer> = Known<Answer | undefined>;

/** A session ends by a `stop-charge` if its end came so long after `asOf`, seconds. */
export const STOP_WITHIN_SEC = START_WITHIN_SEC;

const OFFLINE: ChargerReply = { ...NO_ANSWER, verdict: 'Refused', reason: 'Offline' };
const OPEN = { isKnown: true, answer: undefined } as const;

/**
 * What became of a request to a charger, looked at second by second: operators begin at `asOf` and take the first second
 * as of which there is an answer, so they all take the same.
 *
 * - The charger's answer decides, if it came within `ANSWER_WITHIN_SEC`.
 * - Refused, Offline: the charger had no connection from `asOf` until `COMMAND_VALID_SEC` after it, so no call was sent.
 * - Refused, NotSupported: what was asked cannot be said in the charger's version of OCPP.
 * - CannotKnow, NoReply: a call may have been sent, and no answer came.
 *
 * @param asOfSec - when it was asked, Unix seconds
 * @param atSec - the second looked at
 */
export function controlAnswerAt(
  record: CommandRecordAt,
  asked: Asked,
  asOfSec: number,
  atSec: number,
): Followed<ChargerReply> {
  const reply = replyIn(record, asked, asOfSec);
  if (!reply.isKnown || reply.answer !== undefined) return reply;
  const unsent = unsentAt(record, asked, asOfSec, atSec);
  if (!unsent.isKnown || unsent.answer !== undefined) return unsent;
  return atSec < asOfSec + ANSWER_WITHIN_SEC ? OPEN : { isKnown: true, answer: NO_ANSWER };
}

/**
 * As `controlAnswerAt`, of `start-charge`: Done as soon as a transaction with the session's tag began and was accepted, within
 * `START_WITHIN_SEC`; Refused as soon as the charger refuses. A charger that took the call and began nothing in time had no EV
 * plugged in, and one that says so before, by letting go of the connector (`carWaitAfter`), has none from then on; one that did
 * not even answer is Refused, NoReply.
 */
export function startAnswerAt(
  record: CommandRecordAt,
  asked: Asked,
  asOfSec: number,
  atSec: number,
): Followed<StartAnswer> {
  const lastMs = asOfMs(asOfSec + START_WITHIN_SEC);
  const counts = countsIn(record);
  const shown = [...record.session.shown()].filter(counts);
  const start = shown
    .filter(({ atMs, fact }) => atMs <= lastMs && fact.outcome === 'Accepted')
    .sort(byTime)
    .map(
      (opening) =>
        beginningOf(record.session, opening, (event) => shown.some((own) => isSamePlace(own, event)), counts)?.start,
    )
    .find((event) => event !== undefined);
  const doubt = doubtOf(record, asOfSec);
  if (doubt !== undefined) return doubt;
  if (start !== undefined) return { isKnown: true, answer: startedBy(start) };
  const reply = replyIn(record, asked, asOfSec);
  if (!reply.isKnown) return reply;
  if (reply.answer?.verdict === 'Refused') return notStarted(reply.answer.reason);
  if (reply.answer?.verdict === 'Done' && hasGivenUp(record, asked, asOfSec)) return notStarted('NotPluggedIn');
  if (reply.answer === undefined) {
    const unsent = unsentAt(record, asked, asOfSec, atSec);
    if (!unsent.isKnown) return unsent;
    if (unsent.answer !== undefined) return notStarted(unsent.answer.reason);
  }
  if (atSec < asOfSec + START_WITHIN_SEC) return OPEN;
  return notStarted(reply.answer === undefined ? 'NoReply' : 'NotPluggedIn');
}

/**
 * As `controlAnswerAt`, of `stop-charge`: the session's result as soon as its end is on record. If the charger refuses, cannot be
 * reached or does not stop within `STOP_WITHIN_SEC`: the figures so far, with that as the reason.
 *
 * @param asked - its request's id is not the session's
 */
export function stopAnswerAt(
  record: CommandRecordAt,
  asked: Asked,
  asOfSec: number,
  atSec: number,
): Followed<SessionAnswer> {
  const doubt = doubtOf(record, asOfSec);
  if (doubt !== undefined) return doubt;
  const result = (): Known<SessionAnswer> => sessionResultAt(record.session, asOfMs(atSec), record.meterKey);
  const open = (verdict: 'Running' | 'Refused', reason: Reason): Followed<SessionAnswer> => {
    const known = result();
    if (!known.isKnown || known.answer.verdict !== 'Running') return known;
    return { isKnown: true, answer: { ...known.answer, verdict, reason } };
  };
  const counts = countsIn(record);
  const transactionId = openingOf([...record.session.shown()].filter(counts).sort(byTime))?.fact.transactionId;
  const hasEnd = transactionId !== undefined && [...record.session.stopsOf(transactionId)].some(counts);
  if (atSec <= asOfSec || hasEnd) {
    const known = result();
    return known.isKnown && known.answer.verdict === 'Running' ? OPEN : known;
  }
  const reply = replyIn(record, asked, asOfSec);
  if (!reply.isKnown) return reply;
  if (reply.answer === undefined) {
    const unsent = unsentAt(record, asked, asOfSec, atSec, transactionId);
    if (!unsent.isKnown) return unsent;
    if (unsent.answer !== undefined) return open('Refused', unsent.answer.reason);
  } else if (reply.answer.verdict === 'Refused' && atSec >= asOfSec + ANSWER_WITHIN_SEC) {
    // Until then the end may come that made the charger say no.
    return open('Refused', reply.answer.reason);
  }
  if (atSec < asOfSec + STOP_WITHIN_SEC) return OPEN;
  return open('Running', reply.answer === undefined ? 'NoReply' : 'None');
}

/** The charger's first answer in time; undefined if none is on record. */
function replyIn(record: CommandRecordAt, asked: Asked, asOfSec: number): Followed<ChargerReply> {
  const doubt = doubtOf(record, asOfSec);
  if (doubt !== undefined) return doubt;
  const first = firstAnswer(record, asOfSec);
  if (first === undefined) return OPEN;
  if (first.version === undefined) return NO_BEGINNING;
  return { isKnown: true, answer: replyOf(first.version, asked, first.frame) };
}

function firstAnswer(record: CommandRecordAt, asOfSec: number): AnswerEvent | undefined {
  const lastMs = asOfMs(asOfSec + ANSWER_WITHIN_SEC);
  const [first] = [...record.answers()]
    .filter(countsIn(record))
    .filter(({ atMs }) => atMs <= lastMs)
    .sort(byTime);
  return first;
}

/** Whether a charger that took the call says that it waits for an EV no more. */
function hasGivenUp(record: CommandRecordAt, { params }: Asked, asOfSec: number): boolean {
  const { connector } = decodeStartParams(params);
  let wait: CarWait;
  const told = firstAnswer(record, asOfSec)?.toldUntilFree(connector) ?? [];
  for (const { fact } of told) wait = carWaitAfter(wait, fact, connector);
  return wait === 'given-up';
}

/** Why no call can have been sent; undefined if one may have been, or may still be. */
function unsentAt(
  record: CommandRecordAt,
  asked: Asked,
  asOfSec: number,
  atSec: number,
  transactionId?: number | string | undefined,
): Followed<ChargerReply> {
  if (atSec < asOfSec + COMMAND_VALID_SEC) return OPEN;
  const open = [...record.open(asOfSec * 1_000, asOfMs(asOfSec + COMMAND_VALID_SEC))];
  if (open.length === 0) return { isKnown: true, answer: OFFLINE };
  const versions = open.map(({ version }) => version);
  if (!versions.every((version) => version !== undefined)) return NO_BEGINNING;
  const canBeSaid = versions.some((version) => callOf(version, asked, transactionId) !== undefined);
  return canBeSaid ? OPEN : { isKnown: true, answer: NOT_SUPPORTED };
}

/** Whether this operator may have missed what came after the request was made. */
function doubtOf({ missedUntilMs }: CommandRecordAt, asOfSec: number): Known<never> | undefined {
  if (missedUntilMs <= asOfSec * 1_000) return undefined;
  return cannotKnow('the request was made before this record is whole');
}

const NO_BEGINNING = cannotKnow("the beginning of the charger's connection is not on record");

function startedBy({ fact, receivedAtMs }: StartEvent): StartAnswer {
  const { transactionId, meterStartWh = 0, startedAt } = fact;
  return {
    verdict: 'Done',
    reason: 'None',
    transaction: transactionOf(transactionId),
    meterStartWh: BigInt(Math.max(meterStartWh, 0)),
    startedAtSec: momentOf(startedAt, Math.floor(receivedAtMs / 1_000)),
  };
}

/** A transaction as the chain names it: the number of OCPP 1.6, or keccak256 of the id that OCPP 2.x has. */
export function transactionOf(transactionId: number | string): string {
  if (typeof transactionId === 'string') return keccak256(toUtf8Bytes(transactionId));
  // An int32 may be negative.
  return `0x${BigInt.asUintN(256, BigInt(transactionId)).toString(16).padStart(64, '0')}`;
}

function notStarted(reason: Reason): Followed<StartAnswer> {
  const answer: StartAnswer = { verdict: 'Refused', reason, transaction: ZeroHash, meterStartWh: 0n, startedAtSec: 0 };
  return { isKnown: true, answer };
}

function countsIn({ gateway }: CommandRecordAt) {
  return (event: PlaceAt): boolean => gateway(event.gateway).chapter === event.chapter;
}

/** First what counted first, at whichever gateway. */
function byTime(one: PlaceAt, other: PlaceAt): number {
  return one.atMs - other.atMs || (isAfter(one, other) ? 1 : -1);
}
