import { settlingSlotAt, settlingTurn } from '../core/settling-turn.ts';
import type { Endpoint } from './endpoints.ts';
import type { OpenRequest, OverdueRequests } from './overdue-requests.ts';
import type { SettlingChain } from './settling-chain.ts';

/** Most requests in one answer. */
const MOST_ANSWERED = 20;
/** Most requests that the chain is asked about at one look, and how many at once. */
const MOST_LOOKED_AT = 60;
const AT_ONCE = 10;

export interface ExpiredRequestsMeans {
  /** @throws DevsenError `CHAIN_UNAVAILABLE` as long as the chain has not told the network */
  chain: () => Pick<SettlingChain, 'place'>;
  /** @throws DevsenError `CHAIN_UNAVAILABLE` as long as the chain has not told the network */
  requests: () => OverdueRequests;
  /** The operator's account in UserDEVSEN. */
  account: string;
  /** How long one operator's turn lasts, ms. */
  slotMs: number;
  now: () => number;
}

/**
 * The endpoint `expired-requests`: requests that too few operators answered before the deadline, that nobody has ended, and
 * whose turn it is with this operator. What chargers' contracts asked comes first, so that no flood of other questions keeps
 * a driver's tokens back. What was named first is left out for half a turn, since its tx may be on its way, and comes last
 * after that, so that one that fails holds back no other.
 */
export function makeExpiredRequests(means: ExpiredRequestsMeans): ReadonlyMap<string, Endpoint> {
  const { account, slotMs, now } = means;
  const pauseMs = slotMs / 2;
  /** When a request was named first in an answer, Unix ms. */
  const givenAtMs = new Map<string, number>();
  const chainTime = makeChainTime(now);

  const look = async (): Promise<{ ledger: string; requestId: string }[]> => {
    const turn = await means.chain().place(account);
    if (turn === undefined) return [];
    const { place, operators } = turn;
    const requests = means.requests();
    const { head, overdue } = await requests.look();
    const timeMs = chainTime(head);
    const nowMs = now();
    for (const [id, atMs] of givenAtMs) if (Math.abs(nowMs - atMs) >= 2 * slotMs) givenAtMs.delete(id);
    const given = ({ requestId }: OpenRequest) => givenAtMs.get(requestId);
    const isUnderWay = (request: OpenRequest) => {
      const atMs = given(request);
      return atMs !== undefined && Math.abs(nowMs - atMs) < pauseMs;
    };
    const isTurn = ({ requestId, deadlineSec }: OpenRequest) => {
      const slot = settlingSlotAt(deadlineSec * 1000, timeMs, slotMs, operators);
      return slot !== undefined && settlingTurn(requestId, slot.attempt, operators) === place;
    };
    const waiting = overdue
      .filter((request) => !isUnderWay(request) && isTurn(request))
      .sort(
        (one, other) =>
          (given(one) ?? -1) - (given(other) ?? -1) ||
          Number(other.isCommand) - Number(one.isCommand) ||
          one.deadlineSec - other.deadlineSec,
      )
      .slice(0, MOST_LOOKED_AT);
    const open: OpenRequest[] = [];
    while (waiting.length > 0 && open.length < MOST_ANSWERED) {
      const some = waiting.splice(0, AT_ONCE);
      const are = await Promise.all(some.map((request) => requests.isOpen(request, head.number)));
      open.push(...some.filter((_, n) => are[n]));
    }
    return open.slice(0, MOST_ANSWERED).map(({ requestId }) => ({ ledger: requests.ledger, requestId }));
  };

  const expiredRequests: Endpoint = async () => {
    const result = await look();
    const [first] = result;
    if (first !== undefined) givenAtMs.set(first.requestId, now());
    return { result, fields: { count: result.length }, aboutMs: now() };
  };
  return new Map([['expired-requests', expiredRequests]]);
}

/**
 * The chain's time, Unix ms: the newest block's, and what has passed since that was first seen. So turns go round also on a
 * chain that makes no block where there is no tx, and an operator's wrong clock does not matter.
 */
function makeChainTime(now: () => number) {
  let seen = { number: -1, timestampSec: -1, atMs: 0 };
  return (head: { number: number; timestampSec: number }): number => {
    const isSame = head.number === seen.number && head.timestampSec === seen.timestampSec;
    if (!isSame) seen = { ...head, atMs: now() };
    return head.timestampSec * 1000 + Math.max(0, now() - seen.atMs);
  };
}
