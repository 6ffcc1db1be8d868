import type { Logger } from '../../runtime/log.ts';
import type { Block, Chain, ChainLog } from './chain.ts';
import { type Repeated, repeat } from './repeat.ts';
import { CANCEL_TOPIC, decodeRequest, REQUEST_TOPIC, RESPONSE_TOPIC, refusalOf, specIdsOf } from './requests.ts';
import { RpcError } from './rpc.ts';
import type { ChainNews, RunStore } from './run-store.ts';
import type { DirectRequestJob } from './spec.ts';

export interface ListenerRules {
  pollMs: number;
  /** Blocks, its own included, before a request is taken in; a job's own number counts if it is larger. */
  minConfirmations: number;
  /** How far to go back where no block seen before is in the chain any more. */
  backfillBlocks: number;
  rangeBlocks: number;
  minPaymentJuels: bigint;
}

export interface ListenerEvents {
  /** The newest block seen. */
  head: (block: Block) => void;
  /** There may be new runs; the runs named must stop. */
  changed: (stop: readonly number[]) => void;
  /** A request was not taken, and why. */
  refused: (why: 'requester' | 'payment' | 'malformed') => void;
  reorg: (depth: number) => void;
}

export interface Listener extends Repeated {
  /** Has the chain read again from a block on; what was taken in before is not taken in twice. */
  replay: (fromBlock: number) => void;
}

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
): Listener {
  let replayFrom: number | undefined;
  let seenHead = '';
  const shorterSinceMs = new Map<string, number>();
  let rangeBlocks = rules.rangeBlocks;

  const reading = repeat(rules.pollMs, log, 'the chain cannot be read', async () => {
    const head = await chain.head();
    events.head(head);
    if (replayFrom !== undefined) goBackTo(replayFrom);
    if (head.hash === seenHead && shorterSinceMs.size === 0) return;
    let isAllRead = true;
    for (const job of jobs) isAllRead = (await readJob(job, head)) && isAllRead;
    seenHead = isAllRead ? head.hash : '';
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

  function newsOf(job: DirectRequestJob, logs: readonly ChainLog[]): ChainNews[] {
    const specIds = specIdsOf(job.externalJobId);
    const inOrder = logs.toSorted((a, b) => a.blockNumber - b.blockNumber || a.logIndex - b.logIndex);
    return inOrder.flatMap((entry): ChainNews[] => {
      const [topic, subject] = entry.topics;
      if (subject === undefined) return [];
      const about = { requestId: subject, blockNumber: entry.blockNumber };
      if (topic === CANCEL_TOPIC) return [{ kind: 'cancelled', ...about }];
      if (topic === RESPONSE_TOPIC) return [{ kind: 'answered', ...about }];
      if (!specIds.includes(subject)) return [];
      const request = decodeRequest(entry);
      const refusal = request ? refusalOf(job, request, rules.minPaymentJuels) : 'malformed';
      if (!request || refusal) {
        events.refused(refusal ?? 'malformed');
        log.info({ job: job.name, requestId: request?.requestId, txHash: entry.txHash, refusal }, 'request refused');
        return [];
      }
      log.info({ job: job.name, requestId: request.requestId, blockNumber: entry.blockNumber }, 'request taken');
      return [{ kind: 'request', request }];
    });
  }
}

/** Whether a log is what was asked for: of the contract, of the blocks, and of the chain the last block belongs to. */
function isOf(entry: ChainLog, contract: string, from: number, to: number, last: Block): boolean {
  if (entry.address !== contract || entry.blockNumber < from || entry.blockNumber > to) return false;
  return entry.blockNumber !== last.number || entry.blockHash === last.hash;
}
