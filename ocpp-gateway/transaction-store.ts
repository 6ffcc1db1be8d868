import type { Redis } from 'ioredis';
import type { TransactionId } from '../core/charger-fact.ts';

/** A transaction of a charger. */
export interface KnownTransaction {
  transactionId: TransactionId;
  /** Undefined where OCPP 2.x has not told it yet. */
  connector?: number;
  /** Commitment of the first idTag that was accepted in it; undefined while none was. */
  card?: string;
  /** The charger event that told of that idTag: it has opened a session, if the idTag is a card's. */
  opening?: { epoch: number; seq: number };
  /** It has ended: a start of it that is told again does not open it. */
  isOver?: true;
}

/** That a transaction goes on, as a gateway sees it that holds its charger's socket. */
export interface Mark {
  charger: string;
  transactionId: TransactionId;
  connector?: number;
  /** The charger's connection in which it was told. */
  epoch: number;
  /** Unix ms. */
  seenAtMs: number;
}

/** Transactions of chargers, in Redis for all gateways. Rejects with what Redis says. */
export interface TransactionStore {
  load: (charger: string) => Promise<KnownTransaction[]>;
  save: (charger: string, transaction: KnownTransaction) => Promise<void>;
  remove: (charger: string, transactionId: TransactionId) => Promise<void>;
  /** Marks of the transactions that a card has begun, by its commitment. */
  marks: (card: string) => Promise<Mark[]>;
  mark: (card: string, mark: Mark) => Promise<void>;
  unmark: (card: string, mark: Pick<Mark, 'charger' | 'transactionId'>) => Promise<void>;
}

/**
 * @param prefix - key prefix, the same as the outbox's
 * @param keepMs - a charger's transactions are kept so long after the last one was told of
 * @param markMs - a card's marks are kept so long after the last one
 */
export function makeTransactionStore(
  redis: Redis,
  network: string,
  prefix: string,
  keepMs: number,
  markMs: number,
): TransactionStore {
  const keyOf = (charger: string) => `${prefix}:transactions:${network}:${charger}`;
  const markKeyOf = (card: string) => `${prefix}:card:${network}:${card}`;
  const fieldOf = ({ charger, transactionId }: Pick<Mark, 'charger' | 'transactionId'>) =>
    JSON.stringify([charger, transactionId]);
  return {
    load: async (charger) =>
      Object.values(await redis.hgetall(keyOf(charger))).map((text) => JSON.parse(text) as KnownTransaction),
    save: async (charger, transaction) => {
      const key = keyOf(charger);
      await redis.hset(key, JSON.stringify(transaction.transactionId), JSON.stringify(transaction));
      await redis.pexpire(key, keepMs);
    },
    remove: async (charger, transactionId) => {
      await redis.hdel(keyOf(charger), JSON.stringify(transactionId));
    },
    marks: async (card) => Object.values(await redis.hgetall(markKeyOf(card))).map((text) => JSON.parse(text) as Mark),
    mark: async (card, mark) => {
      const key = markKeyOf(card);
      await redis.hset(key, fieldOf(mark), JSON.stringify(mark));
      await redis.pexpire(key, markMs);
    },
    unmark: async (card, mark) => {
      await redis.hdel(markKeyOf(card), fieldOf(mark));
    },
  };
}
