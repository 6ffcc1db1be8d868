import { deviceIdOf } from '../core/identity.ts';
import { cardSessionId } from '../core/session-answers.ts';
import type { CardBudgets } from './card-budgets.ts';
import type { Began, Session, SessionRecord } from './session-rules.ts';
import type { KnownTransaction, TransactionStore } from './transaction-store.ts';

/** Sessions that cards opened. Rejects with what Redis says. */
export interface CardSessions {
  /** The session of a card's transaction as it begins; undefined while its connector is not known. */
  of: (charger: string, transaction: KnownTransaction) => SessionRecord | undefined;
  /** What Redis has of those of a charger, which may be over. */
  kept: (charger: string) => Promise<SessionRecord[]>;
  /**
   * Those that go on at a charger, but for those opened before `sinceMs`; as they were kept, else as they begin. What is kept
   * beside them is forgotten.
   */
  goingOn: (charger: string, kept: readonly SessionRecord[], sinceMs: number) => Promise<SessionRecord[]>;
  save: (charger: string, record: SessionRecord) => Promise<void>;
  forget: (charger: string, tag: string) => Promise<void>;
  /** The energy that a session is to end at, Wh; undefined if there is none. Never rejects. */
  limitWhOf: (charger: string, session: Session) => Promise<number | undefined | 'unknown'>;
}

export interface CardSessionsOptions {
  store: Pick<TransactionStore, 'loadSessions' | 'saveSession' | 'removeSession'>;
  /** The transactions at a charger that a card has begun and that go on. Rejects with what Redis says. */
  openByCard: (charger: string) => Promise<KnownTransaction[]>;
  /** Undefined where it is not known what cards can pay for: their sessions have no limit. */
  budgets: CardBudgets | undefined;
  /** Whether a session ends at once that can be paid for with nothing; else it has no limit. */
  mustPay: boolean;
}

export function makeCardSessions({ store, openByCard, budgets, mustPay }: CardSessionsOptions): CardSessions {
  const of: CardSessions['of'] = (charger, { transactionId, connector, card, opening }) => {
    if (connector === undefined || card === undefined || opening?.atMs === undefined) return undefined;
    const { epoch, seq, atMs, startWh } = opening;
    let sessionId: string | undefined;
    const session: Session = {
      // Worked out when it is asked for: two hashes in JavaScript for each transaction would show.
      get sessionId() {
        sessionId ??= cardSessionId(deviceIdOf(charger), BigInt(epoch), BigInt(seq));
        return sessionId;
      },
      tag: cardSessionTag(epoch, seq),
      card,
      connector,
      startUntilMs: 0,
      openedAtMs: atMs,
      ...(budgets === undefined ? {} : { isLimitOpen: true }),
    };
    const began: Began = { transactionId, atMs, ...(startWh === undefined ? {} : { startWh }) };
    return { session, began, progress: { attempts: 0 } };
  };

  const forget: CardSessions['forget'] = (charger, tag) => store.removeSession(charger, tag);

  return {
    of,
    kept: (charger) => store.loadSessions(charger),
    goingOn: async (charger, kept, sinceMs) => {
      const open = (await openByCard(charger)).flatMap((transaction) => of(charger, transaction) ?? []);
      // Two cars do not charge at one connector: the end of the earlier one was lost.
      open.sort((a, b) => a.session.openedAtMs - b.session.openedAtMs);
      const last = new Map(open.map((record) => [record.session.connector, record]));
      const keptOf = new Map(kept.map((record) => [record.session.tag, record]));
      const goingOn = [...last.values()].filter(({ session }) => session.openedAtMs >= sinceMs);
      const tags = new Set(goingOn.map(({ session }) => session.tag));
      await Promise.all([...keptOf.keys()].filter((tag) => !tags.has(tag)).map((tag) => forget(charger, tag)));
      return goingOn.map((record) => keptOf.get(record.session.tag) ?? record);
    },
    save: (charger, { session, began, progress }) => store.saveSession(charger, { session, began, progress }),
    forget,
    limitWhOf: async (charger, { card, connector }) => {
      if (budgets === undefined || card === undefined) return undefined;
      const limit = await budgets.limitOf(charger, card, connector);
      if (typeof limit === 'object') return limit.limitWh;
      if (limit === 'unknown') return limit;
      return limit === 'nothing' && mustPay ? 0 : undefined;
    },
  };
}

/** What stands for a card's session among those at a charger. It is no idTag: those are compared in upper case. */
function cardSessionTag(epoch: number, seq: number): string {
  return `card-${epoch}-${seq}`;
}

/** Whether a contract's session, and not a card's, has begun by the same transaction. */
export function isOneWith({ session, began }: SessionRecord, other: SessionRecord): boolean {
  return session.card === undefined && began !== undefined && began.transactionId === other.began?.transactionId;
}

/** Whether a card's session is at the same connector. */
export function isCardAt({ session }: SessionRecord, other: SessionRecord): boolean {
  return session.card !== undefined && session.connector === other.session.connector;
}
