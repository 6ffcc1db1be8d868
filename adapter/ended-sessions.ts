import { z } from 'zod';
import { settlingPeriods, settlingSlotAt, settlingTurn } from '../core/settling-turn.ts';
import { type EndedReader, type EndedSession, isTagOf } from './ended-reader.ts';
import { check, type Endpoint } from './endpoints.ts';
import type { SessionState, SettlingChain } from './settling-chain.ts';

/** Most sessions in one answer. */
const MOST_ANSWERED = 20;
/** Most sessions that the chain is asked about at one look, and how many at once. */
const MOST_LOOKED_AT = 60;
const AT_ONCE = 10;
/** The record is taken to be whole up to so long ago, ms: one that lags by more only sees an end later. */
const RECORD_LAG_MS = 5_000;
/** Less energy costs nothing, and locks nothing of a card's owner: `DeviceDEVSEN.PHANTOM_WH`. */
const PHANTOM_WH = 100n;
/** Most sessions that are remembered to be over for good. */
const MOST_CLOSED = 100_000;

/** What is to be done: have the operators say how it ended, or have what they said about a card's session paid. */
const STEPS = ['ask', 'pay'] as const;
type Step = (typeof STEPS)[number];
const OF_STEP = z.object({
  step: z.enum(STEPS, { errorMap: () => ({ message: `must be one of ${STEPS.join(', ')}` }) }).default('ask'),
});

const UNASKED: ReadonlySet<SessionState> = new Set(['None', 'Requested', 'Active']);

export interface EndedSessionsMeans {
  reader: EndedReader;
  /** @throws DevsenError `CHAIN_UNAVAILABLE` as long as the chain has not told the network */
  chain: () => SettlingChain;
  /** The operator's account in UserDEVSEN. */
  account: string;
  /** How long one operator's turn lasts, ms. */
  slotMs: number;
  now: () => number;
}

/** A session that is to be brought a step further on chain. */
interface Due {
  device: string;
  sessionId: string;
}

/**
 * The endpoint `ended-sessions`: sessions that are over, that nobody brought to an end on chain, and whose turn it is with this
 * operator. What it was not told to do a moment ago comes first, so that one that fails holds back no other.
 */
export function makeEndedSessions(means: EndedSessionsMeans): ReadonlyMap<string, Endpoint> {
  const { reader, account, slotMs, now } = means;
  /** When a session was given out last, Unix ms. */
  const givenAtMs = new Map<string, number>();
  const closed = new Set<string>();

  const due = (nowMs: number, place: number, operators: number) => {
    const ended = [
      ...settlingPeriods(nowMs, slotMs, operators).flatMap(({ afterMs, toMs }) => reader.ended(afterMs, toMs)),
      ...reader.lost(nowMs - RECORD_LAG_MS),
    ];
    const seen = new Set<string>();
    return ended.flatMap((session) => {
      if (closed.has(session.sessionId) || seen.has(session.sessionId)) return [];
      seen.add(session.sessionId);
      const slot = settlingSlotAt(session.endedAtMs, nowMs, slotMs, operators);
      const isTurn = slot !== undefined && settlingTurn(session.sessionId, slot.attempt, operators) === place;
      return isTurn ? [{ ...session, slotBeganAtMs: slot.beganAtMs }] : [];
    });
  };

  const close = (sessionId: string) => {
    if (closed.size >= MOST_CLOSED) closed.clear();
    closed.add(sessionId);
  };

  /** What is to be done about a session, if it is this. */
  const judge = async (
    chain: SettlingChain,
    step: Step,
    found: EndedSession & { slotBeganAtMs: number },
    nowMs: number,
  ): Promise<Due | undefined> => {
    const session = await named(chain, reader, found, nowMs);
    if (session === undefined) return undefined;
    const { deviceId, sessionId, answer } = session;
    const onChain = await chain.session(deviceId, sessionId);
    if (onChain === undefined) return undefined;
    const { device, confirmed, newest } = onChain;
    const isUnasked = UNASKED.has(confirmed) && UNASKED.has(newest);
    const isUnpaid = confirmed === 'Ended' && newest === 'Ended';
    if (!isUnasked && !isUnpaid) {
      if (confirmed !== 'Ended' && !UNASKED.has(confirmed)) close(found.sessionId);
      return undefined;
    }
    if (step === 'pay') return isUnpaid ? { device, sessionId } : undefined;
    if (!isUnasked) return undefined;
    if (newest === 'None') {
      const isWorthIt = answer.verdict === 'Done' && answer.energyWh >= PHANTOM_WH;
      if (!isWorthIt || !(await chain.canPayByCard(device, answer.idTag))) return undefined;
    }
    const isAsked = await chain.isAsked(device, sessionId, Math.floor(found.slotBeganAtMs / 1000));
    return isAsked ? undefined : { device, sessionId };
  };

  const look = async (step: Step): Promise<Due[]> => {
    const chain = means.chain();
    const turn = await chain.place(account);
    if (turn === undefined) return [];
    const nowMs = now();
    for (const [sessionId, atMs] of givenAtMs) if (atMs < nowMs - 2 * slotMs) givenAtMs.delete(sessionId);
    const given = ({ sessionId }: EndedSession) => givenAtMs.get(`${step} ${sessionId}`) ?? 0;
    const waiting = due(nowMs, turn.place, turn.operators)
      .sort((one, other) => given(one) - given(other) || one.endedAtMs - other.endedAtMs)
      .slice(0, MOST_LOOKED_AT);
    const found: Due[] = [];
    while (waiting.length > 0 && found.length < MOST_ANSWERED) {
      const judged = await Promise.all(waiting.splice(0, AT_ONCE).map((session) => judge(chain, step, session, nowMs)));
      found.push(...judged.filter((one) => one !== undefined));
    }
    return found.slice(0, MOST_ANSWERED);
  };

  const endedSessions: Endpoint = async (data) => {
    const { step } = check(OF_STEP, data);
    const result = await look(step);
    const [first] = result;
    if (first !== undefined) givenAtMs.set(`${step} ${first.sessionId}`, now());
    return { result, fields: { count: result.length }, aboutMs: now() };
  };
  return new Map([['ended-sessions', endedSessions]]);
}

/** The session under the name that the chain has for it, with what this record says of it; undefined if it is not over. */
async function named(chain: SettlingChain, reader: EndedReader, found: EndedSession, nowMs: number) {
  const atMs = nowMs - RECORD_LAG_MS;
  const over = (sessionId: string) => {
    const answer = reader.result(found.deviceId, sessionId, atMs);
    const isOver = answer?.verdict === 'Done' || answer?.verdict === 'Unusable';
    return isOver ? { deviceId: found.deviceId, sessionId, answer } : undefined;
  };
  const session = over(found.sessionId);
  if (session === undefined || found.isContracts) return session;
  // An operator that was not there when it was asked for knows it by its card's name.
  const last = await chain.lastSession(found.deviceId, session.answer.connector);
  return last !== undefined && isTagOf(last, found.tagHash) ? over(last) : session;
}
