import { Transaction } from 'ethers';
import { DevsenError } from '../../core/errors.ts';
import type { Block, Receipt } from './chain.ts';
import { bumpedFees, type FeeMarket, type Fees } from './fees.ts';
import { outcomeOf } from './outcomes.ts';
import { makeOutgoing } from './outgoing.ts';
import { readRefusal } from './refusals.ts';
import { type Repeated, repeat } from './repeat.ts';
import { RpcError } from './rpc.ts';
import type { Account, SendingParts } from './sending.ts';
import type { Tx, TxAttempt } from './tx-store.ts';
import type { Value } from './values.ts';

/** Enough for a transfer of nothing on any EVM chain, those that count data or storage proofs as gas included. */
const EMPTY_TX_GAS = 100_000;
/** A nonce counts as taken by a stranger when that many looks in a row found it used and none of ours mined. */
const LOOKS_BEFORE_TAKEN = 3;
/** A chain's node may lose an unmined tx, so it is offered again now and then, and once after a restart. */
const OFFER_AGAIN_MS = 10_000;

export interface LaneParts extends SendingParts {
  chainId: bigint;
}

/**
 * Sends txs from one account. It alone hands out the account's nonces: a nonce belongs to one tx from its signature,
 * written down before it is broadcast, until a tx with it is mined; so after a crash the same tx goes out again, never
 * a second one. A tx is simulated first and not sent if it would fail.
 */
export function startLane({ wallet, isRetiring }: Account, parts: LaneParts): Repeated {
  const { chain, chainId, store, rules, log, nowMs, onEvent, alerts } = parts;
  const account = wallet.address.toLowerCase();
  const looksAtTaken = new Map<number, number>();
  const underpriced = new Set<number>();
  const offeredAtMs = new Map<number, number>();
  let seenHead = '';

  const loop = repeat(rules.pollMs, log, 'sending is held up', async () => {
    const open = store.open(account);
    if (open.length === 0 && (isRetiring || store.counts().queued === 0)) return;
    const head = await chain.head();
    const minedNonce = await chain.minedNonce(account);
    if (store.reopen(account, minedNonce) > 0) log.warn({ minedNonce }, 'txs thought final are unmined again');
    if (head.hash !== seenHead || open.some((tx) => tx.state === 'sent')) await follow(head, minedNonce);
    seenHead = head.hash;
    if (!isRetiring && (await outgoing.sendWaiting(head, minedNonce, () => readMarket(head)))) loop.soon();
  });
  const outgoing = makeOutgoing({
    ...parts,
    account,
    sign: (tx, nonce, fees) => sign(tx, nonce, fees, false),
  });

  /** Looks after every tx that has a nonce: mined, orphaned, taken, too cheap, no longer wanted. */
  async function follow(head: Block, minedNonce: number): Promise<void> {
    let market: Promise<FeeMarket> | undefined;
    const readMarketOnce = () => {
      market ??= readMarket(head);
      return market;
    };
    for (const tx of store.open(account)) {
      try {
        await followOne(tx, head, minedNonce, readMarketOnce);
      } catch (error) {
        if (!(error instanceof DevsenError)) throw error;
        log.debug({ err: error, nonce: tx.nonce }, 'a tx cannot be followed for now');
      }
    }
  }

  async function followOne(tx: Tx, head: Block, minedNonce: number, readMarketOnce: () => Promise<FeeMarket>) {
    const hasNonceUsed = (tx.nonce as number) < minedNonce;
    // A tx that was seen mined, with its task told, is one until its nonce is unused again; it is looked at once more
    // when it is deep.
    const isDeep = head.number - (tx.minedBlock ?? 0) + 1 >= rules.finalityBlocks;
    if (tx.state === 'mined' && tx.outcome !== undefined && hasNonceUsed && !isDeep) return;
    const attempts = store.attempts(tx.id);
    const { receipt, attempt } = hasNonceUsed ? await findMined(tx, attempts) : {};
    if (receipt && attempt) return noteMined(tx, receipt, attempt, head);
    if (tx.state === 'mined') {
      log.warn({ txHash: attempts.at(-1)?.hash, nonce: tx.nonce }, 'a mined tx was orphaned');
      store.unmined(tx.id);
    }
    if (hasNonceUsed) return noteTaken(tx);
    looksAtTaken.delete(tx.id);
    await push(tx, attempts, head, readMarketOnce);
  }

  async function findMined(tx: Tx, attempts: readonly TxAttempt[]) {
    for (const attempt of attempts.toReversed()) {
      if (attempt.nonce !== tx.nonce || attempt.account !== account) continue;
      const receipt = await chain.receipt(attempt.hash);
      if (receipt) return { receipt, attempt };
    }
    return {};
  }

  function noteMined(tx: Tx, receipt: Receipt, attempt: TxAttempt, head: Block): void {
    const depth = head.number - receipt.blockNumber + 1;
    if (attempt.isEmpty && tx.isWanted && tx.outcome === undefined) {
      // It would have failed when its nonce was given away; whether it still would, and why, is judged anew.
      onEvent('replaced');
      return void store.requeue(tx.id);
    }
    if (tx.state !== 'mined' || tx.minedBlock !== receipt.blockNumber) {
      store.mined(tx.id, receipt.blockNumber);
      log.info({ txHash: receipt.txHash, blockNumber: receipt.blockNumber, nonce: tx.nonce }, 'tx mined');
      onEvent(attempt.isEmpty ? 'replaced' : receipt.isSuccess ? 'mined' : 'reverted');
      looksAtTaken.delete(tx.id);
      underpriced.delete(tx.id);
      offeredAtMs.delete(tx.id);
      alerts.clear(`cap:${account}`);
      alerts.clear(`funds:${account}`);
    }
    if (tx.outcome === undefined && depth >= tx.minConfirmations) settle(tx, outcomeOf(tx, receipt, attempt));
    // Never before its task is told: nobody looks after a final one.
    if (depth >= Math.max(rules.finalityBlocks, tx.minConfirmations)) store.final(tx.id);
  }

  /** Somebody else used the account's key: the tx, if still wanted, goes back in line for another nonce. */
  function noteTaken(tx: Tx): void {
    const looks = (looksAtTaken.get(tx.id) ?? 0) + 1;
    looksAtTaken.set(tx.id, looks);
    if (looks < LOOKS_BEFORE_TAKEN) return;
    looksAtTaken.delete(tx.id);
    log.error({ nonce: tx.nonce, account }, 'a nonce was used by somebody else with the same key');
    onEvent('nonce-taken');
    store.requeue(tx.id);
  }

  /**
   * Brings an unmined tx nearer to being mined: raises its fee when it waits too long, else offers it again. One that
   * nobody wants, or that would fail for longer than that, gives its nonce to an empty one.
   */
  async function push(tx: Tx, attempts: readonly TxAttempt[], head: Block, readMarketOnce: () => Promise<FeeMarket>) {
    const last = attempts.at(-1);
    if (!last) return;
    const isDue = nowMs() - last.sentAtMs >= rules.bumpAfterMs || underpriced.has(tx.id);
    const isOther = tx.isWanted === last.isEmpty;
    const isOffered = nowMs() - (offeredAtMs.get(tx.id) ?? 0) < OFFER_AGAIN_MS;
    if (head.number < tx.afterBlock || (!isDue && !isOther && isOffered)) return;
    const wouldFail = tx.isWanted && (await chain.simulate({ ...tx, from: account }, head)) !== undefined;
    if (wouldFail && (!isDue || last.isEmpty)) return;
    const isEmpty = !tx.isWanted || wouldFail;
    underpriced.delete(tx.id);
    if (!isDue && isEmpty === last.isEmpty) return broadcast(tx, last);
    const fees = bumpedFees(last, await readMarketOnce(), rules.bumpPercent, rules.capWei);
    if (!fees) {
      onEvent('cap-reached');
      alerts.raise(`cap:${account}`, `the fee of a tx from ${account} has reached MAX_FEE_GWEI, and it is not mined`);
      log.warn({ nonce: tx.nonce, maxFeeWei: `${last.maxFeeWei}` }, 'the fee has reached its cap');
      return broadcast(tx, last);
    }
    onEvent('bumped');
    await sign(tx, last.nonce, fees, isEmpty);
  }

  async function readMarket(head: Block): Promise<FeeMarket> {
    if (head.baseFeeWei === undefined) return { baseFeeWei: undefined, tipWei: await chain.gasPriceWei() };
    const tipWei = await chain.tipWei().catch((error) => {
      if (error instanceof RpcError) return 1_000_000_000n;
      throw error;
    });
    return { baseFeeWei: head.baseFeeWei, tipWei };
  }

  async function sign(tx: Tx, nonce: number, fees: Fees, isEmpty: boolean): Promise<void> {
    const raw = await wallet.signTransaction({
      chainId,
      nonce,
      to: isEmpty ? account : tx.to,
      data: isEmpty ? '0x' : tx.data,
      gasLimit: isEmpty ? EMPTY_TX_GAS : tx.gasLimit,
      value: 0n,
      ...(fees.maxFeeWei === fees.tipWei
        ? { type: 0, gasPrice: fees.maxFeeWei }
        : { type: 2, maxFeePerGas: fees.maxFeeWei, maxPriorityFeePerGas: fees.tipWei }),
    });
    const hash = Transaction.from(raw).hash as string;
    const attempt: TxAttempt = { ...fees, hash, raw, nonce, account, isEmpty, sentAtMs: nowMs() };
    store.addAttempt(tx.id, attempt);
    log.info({ jobRunId: tx.runId, txHash: hash, nonce, isEmpty, maxFeeWei: `${fees.maxFeeWei}` }, 'tx signed');
    await broadcast({ ...tx, nonce }, attempt);
  }

  /** Offers a signed tx to the chain. What comes of it is seen from its receipt alone, whatever is said here. */
  async function broadcast(tx: Tx, attempt: TxAttempt): Promise<void> {
    try {
      await chain.broadcast(attempt.raw);
      offeredAtMs.set(tx.id, nowMs());
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      offeredAtMs.set(tx.id, nowMs());
      const refusal = readRefusal(error.message);
      if (refusal === 'known') return;
      if (refusal === 'underpriced') underpriced.add(tx.id);
      if (refusal === 'no-funds') {
        onEvent('no-funds');
        alerts.raise(`funds:${account}`, `${account} cannot pay for its txs`);
      }
      log.warn(
        { txHash: attempt.hash, nonce: tx.nonce, reason: error.message.slice(0, 200) },
        'the chain refused a tx',
      );
    }
  }

  function settle(tx: Tx, outcome: Value): void {
    store.settle(tx.id, outcome);
    parts.settled(tx.key);
  }

  return loop;
}
