import type { Receipt } from './chain.ts';
import type { Tx, TxAttempt } from './tx-store.ts';
import { Fault, makeMap, type Value } from './values.ts';

/**
 * Those who wait for what comes of a tx.
 *
 * @param read - the outcome as it is written down; undefined while it is not known
 */
export function makeOutcomes(read: (key: string) => Value | undefined) {
  const waiting = new Map<string, Set<() => void>>();
  return {
    /** Tells all who wait for a key, if its outcome is known now. */
    look: (key: string): void => {
      for (const look of waiting.get(key) ?? []) look();
    },
    /** @throws Error with the fault's message if the tx failed, or if the signal comes first */
    wait: (key: string, signal: AbortSignal): Promise<Value> =>
      new Promise((resolve, reject) => {
        const lookers = waiting.get(key) ?? new Set();
        waiting.set(key, lookers);
        const leave = () => {
          signal.removeEventListener('abort', stop);
          lookers.delete(look);
          if (lookers.size === 0) waiting.delete(key);
        };
        const look = () => {
          const outcome = read(key);
          if (outcome === undefined) return;
          leave();
          if (outcome instanceof Fault) reject(new Error(outcome.message));
          else resolve(outcome);
        };
        const stop = () => {
          leave();
          reject(new Error('ended'));
        };
        lookers.add(look);
        signal.addEventListener('abort', stop);
        if (signal.aborted) stop();
        else look();
      }),
  };
}

/** What a task is told of its tx once it is mined. */
export function outcomeOf(tx: Tx, receipt: Receipt, attempt: TxAttempt): Value {
  if (attempt.isEmpty) return new Fault('given up: nobody waits for it any more');
  if (!receipt.isSuccess && tx.failOnRevert) return new Fault(`reverted in tx ${receipt.txHash}`);
  return makeMap([
    ['transactionHash', receipt.txHash],
    ['blockNumber', receipt.blockNumber],
    ['blockHash', receipt.blockHash],
    ['status', receipt.isSuccess ? 1 : 0],
    ['gasUsed', receipt.gasUsed],
  ]);
}
