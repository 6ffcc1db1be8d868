import type { Block } from './chain.ts';
import { type FeeMarket, type Fees, firstFees } from './fees.ts';
import type { SendingParts } from './sending.ts';
import type { Tx } from './tx-store.ts';
import { Fault } from './values.ts';

/** How long a tx waits that could not be judged, so that others go on. */
const HOLD_MS = 2_000;

export interface OutgoingParts extends SendingParts {
  /** Lower case. */
  account: string;
  sign: (tx: Tx, nonce: number, fees: Fees) => Promise<void>;
}

/** Why a tx is not sent now: it is given up, left to another account, or waits. */
type Judgement = { kind: 'send' } | { kind: 'drop'; reason: string } | { kind: 'leave' } | { kind: 'hold' };

/**
 * Gives nonces of one account to txs of the line: each is judged by the chain first, by a second endpoint where there is
 * one, and by what it earns. A tx that cannot be judged waits and holds back no other.
 */
export function makeOutgoing(parts: OutgoingParts) {
  const { account, chain, store, line, rules, log, nowMs, onEvent, alerts } = parts;
  const unprofitableSinceMs = new Map<number, number>();

  async function judge(tx: Tx, head: Block, market: FeeMarket): Promise<Judgement> {
    const reason = await chain.simulate({ ...tx, from: account }, head);
    const second = await parts.secondOpinion?.(tx, account);
    if (second !== undefined && second !== (reason === undefined ? 'succeeds' : 'fails')) {
      if (second !== 'unknown') onEvent('disputed');
      log.warn({ jobRunId: tx.runId, second }, 'a tx waits: a second endpoint does not say the same');
      return { kind: 'hold' };
    }
    if (reason !== undefined) {
      return line.refuse(tx, account)
        ? { kind: 'drop', reason: `not sent, it would fail: ${reason}` }
        : { kind: 'leave' };
    }
    return (await isWorthIt(tx, market)) ? { kind: 'send' } : waitForCheaperGas(tx);
  }

  async function isWorthIt(tx: Tx, { baseFeeWei = 0n, tipWei }: FeeMarket): Promise<boolean> {
    if (tx.worthWei === undefined) return true;
    const gas = await chain.estimateGas({ from: account, to: tx.to, data: tx.data, gas: tx.gasLimit });
    return gas * (baseFeeWei + tipWei) <= tx.worthWei;
  }

  function waitForCheaperGas(tx: Tx): Judgement {
    const since = unprofitableSinceMs.get(tx.id) ?? nowMs();
    unprofitableSinceMs.set(tx.id, since);
    onEvent('unprofitable');
    alerts.raise('unprofitable', 'answers wait because their gas costs more than they earn');
    if (nowMs() - since < rules.profitWaitMs) return { kind: 'hold' };
    return { kind: 'drop', reason: 'not sent, its gas would cost more than the request pays' };
  }

  function giveUp(tx: Tx, reason: string): void {
    log.info({ jobRunId: tx.runId, reason }, 'tx not sent');
    onEvent('refused');
    store.drop(tx.id, new Fault(reason));
    forget(tx);
    parts.settled(tx.key);
  }

  function forget(tx: Tx): void {
    line.forget(tx);
    if (unprofitableSinceMs.delete(tx.id) && unprofitableSinceMs.size === 0) alerts.clear('unprofitable');
  }

  /** @returns whether anything was taken from the line */
  async function sendWaiting(head: Block, minedNonce: number, readMarket: () => Promise<FeeMarket>): Promise<boolean> {
    const open = store.open(account);
    const room = rules.maxInFlight - open.filter((tx) => tx.state === 'sent').length;
    const txs = room > 0 ? line.take(account, room, head.number) : [];
    if (txs.length === 0) return false;
    try {
      const market = await readMarket();
      const judged = await Promise.allSettled(txs.map((tx) => judge(tx, head, market)));
      const usedNonces = new Set(open.map((tx) => tx.nonce));
      let nonce = minedNonce;
      for (const [i, tx] of txs.entries()) {
        const result = judged[i] as PromiseSettledResult<Judgement>;
        if (!store.byKey(tx.key)?.isWanted) continue;
        if (result.status === 'rejected') {
          onEvent('held');
          line.hold(tx, HOLD_MS);
        } else if (result.value.kind === 'hold') line.hold(tx, HOLD_MS);
        else if (result.value.kind === 'drop') giveUp(tx, result.value.reason);
        else if (result.value.kind === 'send') {
          while (usedNonces.has(nonce)) nonce++;
          usedNonces.add(nonce);
          onEvent('sent');
          forget(tx);
          await parts.sign(tx, nonce, firstFees(market, rules.capWei));
        }
      }
      const failed = judged.filter((result) => result.status === 'rejected');
      if (failed.length === txs.length) throw failed[0]?.reason;
    } finally {
      line.putBack(txs);
    }
    return true;
  }

  return { sendWaiting };
}
