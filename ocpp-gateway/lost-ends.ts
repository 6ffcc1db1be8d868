import type { ChargerFact, TransactionId } from '../core/charger-fact.ts';
import type { ChargerTime } from '../core/charger-time.ts';
import { parseText } from '../core/json.ts';
import { OVER } from '../core/session-result.ts';
import type { KnownTransactions } from './known-transactions.ts';
import type { Subject, Told } from './told.ts';
import type { KnownTransaction } from './transaction-store.ts';

/** Whether a message may say that a transaction is over whose end never came, beside the messages of transactions. */
export function isDoubting(subject: Subject | undefined): boolean {
  return subject === 'boot' || subject === 'status';
}

/** What chargers call the state of a connector at which no transaction goes on, however the last one came to its end. */
const IDLE_STATES: ReadonlySet<string> = new Set([...OVER, 'Unavailable']);

/** A transaction that a charger told of. */
export interface Believed extends KnownTransaction {
  /** When it was certain last that it goes on, by the charger's clock, Unix seconds. */
  certainAtSec?: number;
}

/**
 * Which of a charger's transactions are not certain any more by what it tells: their end may have been lost.
 *
 * A boot puts all in doubt, a status those at its connector, and an end that names none of them all that it may be meant
 * for. What is told of a time before a transaction was certain says nothing of it.
 *
 * @param known - all of the charger's, before the fact is taken in
 */
export function isDoubtedBy(
  fact: ChargerFact,
  known: Pick<KnownTransactions<Believed>, 'get'>,
): (transaction: Believed) => boolean {
  if (fact.kind === 'boot') return () => true;
  if (fact.kind === 'status' && IDLE_STATES.has(fact.reported)) {
    const { connector, reportedAt } = fact;
    return (transaction) => transaction.connector === connector && !isBefore(reportedAt, transaction);
  }
  if (fact.kind === 'transaction-stopped' && isStray(fact.transactionId, known.get(fact.transactionId))) {
    const { connector, stoppedAt } = fact;
    return (transaction) => {
      const isThere = connector === undefined || (transaction.connector ?? connector) === connector;
      return isThere && !isBefore(stoppedAt, transaction);
    };
  }
  return () => false;
}

/** What an end that breaks its schema puts in doubt: its own transaction if it names one that is known, else all. */
export function suspectEnd(
  { endIn }: Pick<Told, 'endIn'>,
  frame: string,
  known: Pick<KnownTransactions<Believed>, 'get'>,
): (transaction: Believed) => boolean {
  const [, , action, payload] = parseText(frame) as [unknown, unknown, string, unknown];
  const end = endIn(action, payload);
  if (end === undefined) return () => false;
  const { transactionId } = end;
  const isKnown = known.get(transactionId as TransactionId) !== undefined;
  return (transaction) => !isKnown || transaction.transactionId === transactionId;
}

/** By clocks that can be believed. */
function isBefore({ atSec, clock }: ChargerTime, { certainAtSec = 0 }: Believed): boolean {
  return atSec !== undefined && (clock === 'sound' || clock === 'late') && atSec < certainAtSec;
}

/**
 * Whether an end names no transaction that the charger told the beginning of. One that never got the answer to its start
 * has no id to name: it says -1, or whatever it likes.
 */
function isStray(transactionId: TransactionId, known: Believed | undefined): boolean {
  return known === undefined || (typeof transactionId === 'number' && known.connector === undefined);
}
