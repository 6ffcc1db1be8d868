import { setTimeout as sleep } from 'node:timers/promises';
import { deliverUntilMs } from '../core/as-of.ts';
import { type BatchHeader, GENERATION_START } from '../core/batch.ts';
import { DevsenError, type DevsenErrorCode } from '../core/errors.ts';
import type { Logger } from '../runtime/log.ts';
import { type BatchSigner, sealBatch } from './custody.ts';
import { type ChainHead, headKey, headOf, isSame, judgeHead } from './outbox-head.ts';
import { type OutboxStore, openOutboxStore } from './outbox-store.ts';

/** Carries on the gateway's chain of batches in Redis; one call at a time. */
export interface OutboxWriter {
  /**
   * Reads where the chain stands; tries until Redis is there.
   *
   * @returns the boot time, Unix ms, later than everything the process before has confirmed; no event may be earlier
   */
  start: () => Promise<number>;
  /**
   * Signs a batch and tries until Redis has it. One that could not be handed over in time is signed anew with a watermark
   * from `renewWatermarkMs`: operators may have answered by then that this gateway was away.
   *
   * @throws DevsenError `CONFLICT` if another process writes the same chain, `CUSTODY_BROKEN` or `INTERNAL` if Redis
   *   holds nonsense, `REDIS_UNAVAILABLE` if it was told to give up
   * @param onSent - called each time that the batch was sent and is waited for
   */
  write: (lines: string[], hashes: readonly string[], watermarkMs: number, onSent: () => void) => Promise<void>;
  /** Whether Redis was there at the last attempt. */
  isUp: () => boolean;
  close: () => void;
}

export interface OutboxWriterSettings {
  redisUrl: string;
  network: string;
  gateway: string;
  prefix: string;
  signer: BatchSigner;
  redisTimeoutMs: number;
  retryMs: number;
  operators: () => readonly string[];
  nowMs: () => number;
  gaveUp: AbortSignal;
  /** Called when a chain that was going on begins anew, since Redis lost a part of it. */
  onLost: () => void;
  /** The present, Unix ms; no event that waits, and none from now on, is earlier than the next ms. */
  renewWatermarkMs: () => number;
  log: Logger;
}

/** A batch that was sent to Redis, and to which process of it. */
interface Sent {
  head: ChainHead;
  runId: string;
}

/** Errors that waiting does not mend. */
const LASTING: ReadonlySet<DevsenErrorCode> = new Set(['CONFLICT', 'CUSTODY_BROKEN', 'INTERNAL']);

/** A head whose watermark is further ahead of the clock than this is worth a warning. */
const CLOCK_BEHIND_MS = 5_000;

export function makeOutboxWriter(settings: OutboxWriterSettings): OutboxWriter {
  const { redisUrl, network, gateway, prefix, signer, operators, nowMs, gaveUp, log } = settings;
  const key = headKey(prefix, network, gateway);
  let store: OutboxStore | undefined;
  let isUp = false;
  /** The last batch in Redis; undefined before the first. */
  let last: ChainHead | undefined;
  let bootedAtMs = 0;
  /** A generation to begin is this one, a generation older than this one has ended. */
  let leastGeneration = 0;

  async function openStore(): Promise<OutboxStore> {
    store ??= await openOutboxStore(redisUrl, prefix, key, settings.redisTimeoutMs);
    return store;
  }

  function closeStore(): void {
    store?.close();
    store = undefined;
    isUp = false;
  }

  /** Repeats an attempt until it has a result; what cannot be mended by waiting is thrown. */
  async function untilDone<T>(attempt: () => Promise<T | undefined>): Promise<T> {
    for (let failures = 0; ; ) {
      if (gaveUp.aborted) throw new DevsenError('REDIS_UNAVAILABLE', 'closed while Redis was away');
      try {
        const result = await attempt();
        isUp = true;
        if (result !== undefined) return result;
      } catch (error) {
        closeStore();
        if (error instanceof DevsenError && LASTING.has(error.code)) throw error;
        if (failures === 0) log.error({ reason: (error as Error).message }, 'Redis does not take events; trying on');
        await sleep(Math.min(20 * 2 ** failures++, settings.retryMs), undefined, { signal: gaveUp }).catch(() => {});
      }
    }
  }

  async function start(): Promise<number> {
    last = (await untilDone(async () => ({ head: await (await openStore()).readHead() }))).head;
    bootedAtMs = Math.max(nowMs(), (last?.watermarkMs ?? 0) + 1, (last?.bootedAtMs ?? 0) + 1);
    leastGeneration = last?.generation ?? bootedAtMs;
    if (bootedAtMs - nowMs() > CLOCK_BEHIND_MS) {
      log.warn(
        { aheadMs: bootedAtMs - nowMs() },
        'the clock is behind the last batch; times are counted on from there',
      );
    }
    log.info({ generation: last?.generation, number: last?.number }, last ? 'chain of batches goes on' : 'new chain');
    return bootedAtMs;
  }

  async function write(
    lines: string[],
    hashes: readonly string[],
    watermarkMs: number,
    onSent: () => void,
  ): Promise<void> {
    const seal = (atMs: number) =>
      sealBatch({ network, gateway, ...placeAfter(last), bootedAtMs, watermarkMs: atMs }, lines, hashes, signer);
    let batch = seal(watermarkMs);
    /** What was sent and not answered: it may be in. */
    let unanswered: Sent[] = [];
    last = await untilDone(async () => {
      const next = headOf(batch);
      const open = await openStore();
      const leftMs =
        deliverUntilMs(batch.batch.number === 0 ? undefined : last?.watermarkMs, next.watermarkMs) - nowMs();
      const isLeased = open.leaseMs() > 0 && open.leaseMs() <= leftMs;
      let found: ChainHead | undefined;
      if (isLeased && operators().length > 0) {
        const sent = { head: next, runId: open.runId };
        unanswered.push(sent);
        found = await open.write(batch, operators(), last, onSent);
        unanswered = unanswered.filter((one) => one !== sent);
      } else {
        // The answer of Redis takes as long again as is left of what is left.
        found = leftMs > 0 ? await open.hold(Math.ceil(leftMs / 2)) : await open.readHead();
      }
      const isIn = unanswered.find(({ head }) => isSame(found, head));
      if (isIn !== undefined) return isIn.head;
      switch (judgeHead(found, last, next)) {
        case 'present':
          return next;
        case 'absent':
          if (operators().length === 0) throw new DevsenError('NOT_YET', 'no operator is registered');
          if (leftMs <= 0) {
            if (unanswered.some(({ runId }) => runId !== open.runId)) beginAnew(unanswered);
            batch = seal(settings.renewWatermarkMs());
          }
          return undefined;
        case 'lost':
          log.error({ generation: last?.generation, number: last?.number }, 'Redis lost batches that it had confirmed');
          leastGeneration = Math.max(leastGeneration, (last?.generation ?? 0) + 1);
          last = found;
          settings.onLost();
          batch = seal(batch.batch.watermarkMs);
          return undefined;
        case 'foreign':
          throw new DevsenError('CONFLICT', `another process writes batches as gateway ${gateway}; this one stops`);
      }
    });
  }

  /**
   * Begins a new generation where a batch is to be signed anew whose first form another Redis may have taken and handed on:
   * two forms under one number would convict this gateway.
   */
  function beginAnew(unanswered: readonly Sent[]): void {
    log.error(
      { generation: last?.generation, number: last?.number },
      'Redis may have lost a batch; a new chain begins',
    );
    leastGeneration = Math.max(leastGeneration, ...unanswered.map(({ head }) => head.generation + 1));
    settings.onLost();
  }

  /** Where the batch after `head` stands; a chain that Redis does not know, or lost a part of, begins anew. */
  function placeAfter(head: ChainHead | undefined): Pick<BatchHeader, 'generation' | 'number' | 'previous'> {
    if (head === undefined || head.generation < leastGeneration) {
      return { generation: leastGeneration, number: 0, previous: GENERATION_START };
    }
    return { generation: head.generation, number: head.number + 1, previous: head.digest };
  }

  return { start, write, isUp: () => isUp, close: closeStore };
}
