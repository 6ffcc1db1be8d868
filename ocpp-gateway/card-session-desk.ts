import type { ChargerFact, TransactionId } from '../core/charger-fact.ts';
import type { Logger } from '../runtime/log.ts';
import { type CardSessions, isCardAt, isOneWith } from './card-sessions.ts';
import type { Connected, Live, LiveSessions } from './live-sessions.ts';
import { progressAfter } from './session-rules.ts';
import { noProgress } from './session-store.ts';
import type { CardTransaction } from './transaction-book.ts';

/** Sessions that cards opened at the chargers that are connected here: from their transaction's beginning to its end. */
export interface CardSessionDesk {
  /** To be called once a card has begun a transaction, with what its charger told by that; see `TransactionBookOptions`. */
  cardBegan: (charger: string, transaction: CardTransaction, fact: ChargerFact) => void;
  /** A transaction is over. */
  over: (charger: string, transactionId: TransactionId) => void;
  /** Asks for a session's limit where it is not known yet. @returns whether it goes on: one that is too old is let go of */
  lookAfter: (charger: string, connected: Connected, live: Live) => boolean;
}

export interface CardSessionDeskOptions {
  cards: CardSessions | undefined;
  live: LiveSessions;
  /** A session is kept so long after it was opened, ms. */
  memoryMs: number;
  log: Logger;
  now: () => number;
}

export function makeCardSessionDesk(options: CardSessionDeskOptions): CardSessionDesk {
  const { cards, live: sessionsHere, memoryMs, log, now } = options;

  const letGo = (charger: string, { sessions }: Connected, { session, isKept }: Live) => {
    sessions.delete(session.tag);
    if (!isKept) return;
    cards?.forget(charger, session.tag).catch((error) => {
      log.debug({ err: error, sessionId: session.sessionId }, 'session of a card not taken from Redis yet');
    });
  };

  /** What can be paid for is asked for once: what it is later depends on what the session has cost by then. */
  const fixLimit = async (charger: string, live: Live) => {
    live.isAsking = true;
    const limitWh = await cards?.limitWhOf(charger, live.session);
    live.isAsking = false;
    const isHere = sessionsHere.chargers.get(charger)?.sessions.get(live.session.tag) === live;
    if (limitWh === 'unknown' || !isHere) return;
    const { isLimitOpen: _, ...session } = live.session;
    live.session = limitWh === undefined ? session : { ...session, energyLimitWh: limitWh };
    sessionsHere.save(charger, live);
  };

  return {
    cardBegan: (charger, transaction, fact) => {
      const connected = sessionsHere.chargers.get(charger);
      const record = cards?.of(charger, transaction);
      if (connected === undefined || record === undefined) return;
      const others = [...connected.sessions.values()];
      if (others.some((other) => isOneWith(other, record))) return;
      // Two cars do not charge at one connector: the end of the earlier one was lost.
      for (const other of others) {
        if (transaction.isCertain && isCardAt(other, record)) letGo(charger, connected, other);
      }
      const live = sessionsHere.begin({ ...record, progress: progressAfter(noProgress(), fact, now()) });
      connected.sessions.set(record.session.tag, live);
      if (live.session.isLimitOpen) void fixLimit(charger, live);
    },
    over: (charger, transactionId) => {
      const connected = sessionsHere.chargers.get(charger);
      if (connected === undefined) return;
      if (!connected.isLoaded) connected.overBefore.add(transactionId);
      for (const live of connected.sessions.values()) {
        const isCards = live.session.card !== undefined;
        if (isCards && live.began?.transactionId === transactionId) letGo(charger, connected, live);
      }
    },
    lookAfter: (charger, connected, live) => {
      const { isLimitOpen, card, openedAtMs } = live.session;
      if (isLimitOpen && !live.isAsking) void fixLimit(charger, live);
      if (card === undefined || openedAtMs >= now() - memoryMs) return true;
      letGo(charger, connected, live);
      return false;
    },
  };
}
