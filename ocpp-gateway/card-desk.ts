import type { TransactionId } from '../core/charger-fact.ts';
import type { JsonObject } from '../core/json.ts';
import type { CardBudgets } from './card-budgets.ts';
import type { Dialect, IdTagFinding } from './dialect.ts';

/** What cards may do by what their users can pay for. */
export interface CardDesk {
  /**
   * What a card that is accepted counts for in a charger's CALL. Never rejects.
   *
   * @param transactionId - that the gateway gives a StartTransaction
   * @returns `NoCredit` only where cards must pay; the energy that can be paid for only where a transaction begins
   */
  consider: (
    charger: string,
    idTag: string,
    call: { action: string; payload: unknown },
    finding: IdTagFinding,
    transactionId?: number,
  ) => Promise<IdTagFinding>;
}

export interface CardDeskOptions {
  budgets: CardBudgets;
  /** Undefined if the charger is not connected here. */
  dialectOf: (charger: string) => Pick<Dialect, 'subjects' | 'startIn'> | undefined;
  /** Whether cards are refused whose user can pay for nothing. */
  mustPay: boolean;
  /** The network's commitment of an idTag. */
  commitmentOf: (idTag: string) => string;
  /** See `TransactionBook.isBegun`. */
  isBegun: (charger: string, card: string, transactionId: TransactionId | undefined) => Promise<boolean>;
}

export function makeCardDesk(options: CardDeskOptions): CardDesk {
  const { budgets, dialectOf, mustPay, commitmentOf, isBegun } = options;
  return {
    consider: async (charger, idTag, { action, payload }, finding, transactionId) => {
      const dialect = dialectOf(charger);
      const start = dialect?.startIn(action, payload as JsonObject, transactionId);
      const isStart = start !== undefined && start.stage !== 'ends';
      if (!isStart && dialect?.subjects.get(action) !== 'card') return finding;
      const card = commitmentOf(idTag);
      const asked = budgets.limitOf(charger, card, start?.connector);
      // It is read by the time at which the transaction begins.
      if (!isStart && !mustPay) return finding;
      const limit = await asked;
      if (typeof limit === 'string' && (limit !== 'nothing' || !mustPay)) return finding;
      // A transaction goes on by what it has begun with; and whoever can pay for no other one is to be able to end it.
      const isGoingOn = await isBegun(charger, card, start?.transactionId).catch(() => true);
      if (isGoingOn) return finding;
      if (limit === 'nothing') return { status: 'NoCredit' };
      return isStart ? { ...finding, energyLimitWh: limit.limitWh } : finding;
    },
  };
}
