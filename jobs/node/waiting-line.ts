import type { Tx, TxStore } from './tx-store.ts';

/** Txs without a nonce, oldest first, from which every account takes what it has room for. */
export type WaitingLine = ReturnType<typeof makeWaitingLine>;

/** @param senders - the accounts that send new txs */
export function makeWaitingLine(store: Pick<TxStore, 'queued'>, senders: readonly string[], nowMs: () => number) {
  const taken = new Set<number>();
  const heldUntilMs = new Map<number, number>();
  const refusals = new Map<number, Set<string>>();
  const isHeld = (id: number) => (heldUntilMs.get(id) ?? 0) > nowMs();

  return {
    /** Takes txs out of the line for an account; each must be put back or get a nonce. */
    take: (account: string, room: number, headNumber: number): Tx[] => {
      const most = room + taken.size + heldUntilMs.size + refusals.size;
      const free = store
        .queued(account, headNumber, most)
        .filter(({ id }) => !taken.has(id) && !isHeld(id) && !refusals.get(id)?.has(account))
        .slice(0, room);
      for (const { id } of free) taken.add(id);
      return free;
    },
    putBack: (txs: readonly Tx[]) => {
      for (const { id } of txs) taken.delete(id);
    },
    /** Lets a tx wait, so that it holds back none behind it. */
    hold: (tx: Pick<Tx, 'id'>, ms: number) => {
      heldUntilMs.set(tx.id, nowMs() + ms);
    },
    /** Notes that a tx would fail from an account. @returns whether it would from every account it may be sent from */
    refuse: (tx: Pick<Tx, 'id' | 'from'>, account: string): boolean => {
      const by = refusals.get(tx.id) ?? new Set();
      refusals.set(tx.id, by.add(account));
      return senders.every((sender) => by.has(sender) || tx.from?.includes(sender) === false);
    },
    /** The tx has a nonce, or is given up. */
    forget: (tx: Pick<Tx, 'id'>) => {
      heldUntilMs.delete(tx.id);
      refusals.delete(tx.id);
    },
  };
}
