import type { Logger } from '../../runtime/log.ts';
import type { Block, Chain, ChainLog } from './chain.ts';
import { makeNewsReader, type Refusal } from './news.ts';
import { type Repeated, repeat } from './repeat.ts';
import { CANCEL_TOPIC, REQUEST_TOPIC, RESPONSE_TOPIC } from './requests.ts';
import { RpcError } from './rpc.ts';
import type { RunStore } from './run-store.ts';
import type { DirectRequestJob } from './spec.ts';

export interface ListenerRules {
  pollMs: number;
  /** Blocks, its own included, before a request is taken in; a job's own number counts if it is larger. */
  minConfirmations: number;
  /** How far to go back where no block seen before is in the chain any more. */
  backfillBlocks: number;
  rangeBlocks: number;
  minPaymentJuels: bigint;
  /** Newest blocks that are read a second time. */
  rereadBlocks: number;
}

export interface ListenerEvents {
  /** The newest block seen. */
  head: (block: Block) => void;
  /** There may be new runs; the runs named must stop. */
  changed: (stop: readonly number[]) => void;
  /** A request was not taken, and why. */
  refused: (why: Refusal) => void;
  reorg: (depth: number) => void;
}

export interface Listener extends Repeated {
  /** Has the chain read again from a block on; what was taken in before is not taken in twice. */
  replay: (fromBlock: number) => void;
}

/** How long after blocks were read they are read a second time: an endpoint that lagged has then caught up. */
const REREAD_AFTER_MS = 4_000;
const REREAD_AFTER_POLLS = 20;

/** A chain that is shorter than it was may just be a node that lags; after this long it is believed. */
const LAG_MS = 5_000;

/** Lets jobs that never ran begin some blocks back; once, at the first start, so that no outage moves the place. */
export function beginJobs(
  jobs: readonly DirectRequestJob[],
  store: RunStore,
  head: Block,
  backfillBlocks: number,
): void {
  for (const job of jobs) {
    if (store.cursor(job.id) === undefined) store.begin(job.id, Math.max(-1, head.number - backfillBlocks - 1));
  }
}

/**
 * Reads the chain for every job, each of which has begun: requests, cancellations and answers at the job's Operator, each stretch of blocks
 * taken in together with the place reached, so that nothing is missed or taken twice over a restart. A block whose hash
 * is no longer the one seen makes the job go back to the last block that still is.
 */
export function startListener(
  chain: Chain,
  jobs: readonly DirectRequestJob[],
  store: RunStore,
  rules: ListenerRules,
  events: ListenerEvents,
  log: Logger,
  nowMs: () => number,
  /** Another endpoint of the chain, if one is well. */
  second: () => Pick<Chain, 'block' | 'logs'> | undefined = () => undefined,
): Listener {
  let replayFrom: number | undefined;
  let seenHead = '';
  const shorterSinceMs = new Map<string, number>();
  let rangeBlocks = rules.rangeBlocks;
  let rereadAtMs = 0;
  const newsOf = makeNewsReader(store, rules.minPaymentJuels, events.refused, log);

  const reading = repeat(rules.pollMs, log, 'the chain cannot be read', async () => {
    const head = await chain.head();
    events.head(head);
    if (replayFrom !== undefined) goBackTo(replayFrom);
    if (head.hash !== seenHead || shorterSinceMs.size > 0) {
      let isAllRead = true;
      for (const job of jobs) isAllRead = (await readJob(job, head)) && isAllRead;
      if (isAllRead && head.hash !== seenHead)
        rereadAtMs ||= nowMs() + Math.min(REREAD_AFTER_MS, REREAD_AFTER_POLLS * rules.pollMs);
      seenHead = isAllRead ? head.hash : '';
    }
    if (rereadAtMs > 0 && nowMs() >= rereadAtMs) {
      rereadAtMs = 0;
      for (const job of jobs) await rereadJob(job);
    }
  });
  return {
    ...reading,
    replay: (fromBlock) => {
      replayFrom = Math.min(fromBlock, replayFrom ?? fromBlock);
    },
  };

  function goBackTo(fromBlock: number): void {
    replayFrom = undefined;
    seenHead = '';
    for (const job of jobs) {
      if ((store.cursor(job.id) as number) >= fromBlock) store.begin(job.id, fromBlock - 1);
    }
    log.warn({ fromBlock }, 'the chain is read again');
  }

  /** @returns whether the job has read all there is up to the head */
  async function readJob(job: DirectRequestJob, head: Block): Promise<boolean> {
    const safe = head.number - Math.max(0, Math.max(job.minConfirmations, rules.minConfirmations) - 1);
    if (!(await hasSamePast(job, head))) return false;
    for (;;) {
      const from = (store.cursor(job.id) as number) + 1;
      if (from > safe) return true;
      const to = Math.min(safe, from + rangeBlocks - 1);
      const last = await chain.block(to);
      if (!last) return false;
      const topics = [[REQUEST_TOPIC, CANCEL_TOPIC, RESPONSE_TOPIC]];
      const logs = await chain.logs({ address: job.contract, topics, from, to }).catch((error) => {
        // Endpoints bound the blocks or the logs of one call, each in its own way: ask for less until it is taken.
        if (error instanceof RpcError) rangeBlocks = Math.max(1, Math.floor((to - from + 1) / 2));
        throw error;
      });
      rangeBlocks = Math.min(rules.rangeBlocks, rangeBlocks * 2);
      const still = await chain.block(to);
      const isOfOneChain =
        still?.hash === last.hash && logs.every((entry) => isOf(entry, job.contract, from, to, last));
      if (!isOfOneChain) return false;
      const stop = store.advance(job.id, last, newsOf(job, logs));
      events.changed(stop);
    }
  }

  /**
   * Reads the newest blocks once more. Behind one address there may be several nodes of the chain, and one that lacks a
   * block gives no error but no logs.
   */
  async function rereadJob(job: DirectRequestJob): Promise<void> {
    const [newest] = store.checkpoints(job.id);
    if (!newest || rules.rereadBlocks === 0) return;
    const other = second() ?? chain;
    const from = Math.max(0, newest.number - rules.rereadBlocks + 1);
    const topics = [[REQUEST_TOPIC, CANCEL_TOPIC, RESPONSE_TOPIC]];
    if ((await other.block(newest.number))?.hash !== newest.hash) return;
    const logs = await other.logs({ address: job.contract, topics, from, to: newest.number });
    const isTrue = await Promise.all(logs.map((entry) => isInChain(entry, job, from, newest)));
    const news = newsOf(
      job,
      logs.filter((_, i) => isTrue[i]),
    );
    const stop = store.takeIn(job.id, news);
    events.changed(stop);
  }

  async function isInChain(
    entry: ChainLog,
    job: DirectRequestJob,
    from: number,
    last: { number: number; hash: string },
  ) {
    if (!isOf(entry, job.contract, from, last.number, last)) return false;
    return (
      store.knows(job.id, entry.topics[1] ?? '') || (await chain.block(entry.blockNumber))?.hash === entry.blockHash
    );
  }

  /** @returns whether the chain still holds what was read of it; if not, the job has gone back or waits */
  async function hasSamePast(job: DirectRequestJob, head: Block): Promise<boolean> {
    const checkpoints = store.checkpoints(job.id);
    const newest = checkpoints[0];
    if (!newest) return true;
    const isShorter = head.number < newest.number;
    for (const checkpoint of checkpoints) {
      if (checkpoint.number > head.number) continue;
      const block = await chain.block(checkpoint.number);
      if (block?.hash !== checkpoint.hash) continue;
      if (checkpoint === newest) {
        shorterSinceMs.delete(job.id);
        return true;
      }
      // What follows the newest common block was replaced, or, where the chain only is shorter, perhaps not yet seen.
      const isOnlyShorter = isShorter && checkpoint === checkpoints.find(({ number }) => number <= head.number);
      if (isOnlyShorter && !hasWaited(job.id)) return false;
      goBack(job, checkpoint.number, newest.number);
      return true;
    }
    const oldest = checkpoints.at(-1) as { number: number };
    if (isShorter && oldest.number > head.number && !hasWaited(job.id)) return false;
    goBack(job, Math.min(oldest.number, head.number) - rules.backfillBlocks - 1, newest.number);
    return true;
  }

  function hasWaited(jobId: string): boolean {
    const since = shorterSinceMs.get(jobId) ?? nowMs();
    shorterSinceMs.set(jobId, since);
    return nowMs() - since >= LAG_MS;
  }

  function goBack(job: DirectRequestJob, toBlock: number, fromBlock: number): void {
    const to = Math.max(-1, toBlock);
    shorterSinceMs.delete(job.id);
    const stop = store.rewind(job.id, to);
    log.warn({ job: job.name, fromBlock, toBlock: to, runs: stop.length }, 'the chain was reorganised');
    events.reorg(fromBlock - to);
    events.changed(stop);
  }
}

/** Whether a log is what was asked for: of the contract, of the blocks, and of the chain the last block belongs to. */
function isOf(
  entry: ChainLog,
  contract: string,
  from: number,
  to: number,
  last: Pick<Block, 'number' | 'hash'>,
): boolean {
  if (entry.address !== contract || entry.blockNumber < from || entry.blockNumber > to) return false;
  return entry.blockNumber !== last.number || entry.blockHash === last.hash;
}
