import type { TransactionId } from '../core/charger-fact.ts';
import type { KnownTransaction } from './transaction-store.ts';

/** The transactions of one charger that are known: those that go on, and those that are over, which are many more. */
export class KnownTransactions<Known extends KnownTransaction> {
  private readonly goingOn = new Map<TransactionId, Known>();
  private readonly over = new Map<TransactionId, Known>();

  get size(): number {
    return this.goingOn.size + this.over.size;
  }

  get(id: TransactionId): Known | undefined {
    return this.goingOn.get(id) ?? this.over.get(id);
  }

  /** Those that go on, in the order in which they became known. */
  open(): Known[] {
    return [...this.goingOn.values()];
  }

  put(transaction: Known): void {
    const { transactionId, isOver = false } = transaction;
    (isOver ? this.goingOn : this.over).delete(transactionId);
    (isOver ? this.over : this.goingOn).set(transactionId, transaction);
  }

  delete(id: TransactionId): void {
    this.goingOn.delete(id);
    this.over.delete(id);
  }

  /** The first that was over; the first that goes on if there is none. */
  oldest(): Known | undefined {
    return this.over.values().next().value ?? this.goingOn.values().next().value;
  }
}
