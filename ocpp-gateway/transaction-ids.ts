import { readChargerTime } from '../core/charger-time.ts';
import { sha256Hex } from '../core/identity.ts';
import type { Need } from './dialect.ts';
import type { GatewayRedis } from './redis.ts';
import type { TransactionBook } from './transaction-book.ts';

export interface TransactionIdsOptions {
  idFor: GatewayRedis['transactionIdFor'];
  isOver: TransactionBook['isOver'];
  /** The network's commitment of an idTag. */
  commitmentOf: (idTag: string) => string;
  now: () => number;
}

/** How long a StartTransaction that is sent again gets the id of the first: 90 days; where its time is none, a day. */
const MEMORY_SEC = 90 * 86_400;
const MEMORY_WITHOUT_CLOCK_SEC = 86_400;

/**
 * The ids of StartTransactions: what a charger sends again for want of an answer is the same transaction, also after its
 * end, as long as its time tells it from all others.
 *
 * A charger without a clock may begin each day, or each transaction, at the same second of 1970, and its meter at 0. There
 * the same card makes the same message twice: it begins another transaction once the one before it has ended, or a day later.
 *
 * @returns the id of a charger's transaction; rejects with DevsenError `REDIS_UNAVAILABLE` or with what Redis says
 */
export function makeTransactionIds({ idFor, isOver, commitmentOf, now }: TransactionIdsOptions) {
  return async (charger: string, transaction: NonNullable<Need['transaction']>): Promise<number> => {
    const { connectorId, idTag, timestamp, meterStart } = transaction;
    const message = JSON.stringify([connectorId, commitmentOf(idTag), timestamp, meterStart]);
    const { clock } = readChargerTime(timestamp, now());
    if (clock === 'sound' || clock === 'late') return idFor(charger, sha256Hex(message), now(), MEMORY_SEC);
    let fingerprint = sha256Hex(message);
    for (;;) {
      const id = await idFor(charger, fingerprint, now(), MEMORY_WITHOUT_CLOCK_SEC);
      if (!(await isOver(charger, id))) return id;
      fingerprint = sha256Hex(JSON.stringify([fingerprint, id]));
    }
  };
}
