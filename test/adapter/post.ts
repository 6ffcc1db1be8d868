import { deliverUntilMs } from '../../core/as-of.ts';
import type { Batch } from '../../core/batch.ts';
import type { TestGateway } from '../support/batches.ts';

/** A batch and when the gateway put it into the queues. */
export interface Sent {
  batch: Batch;
  atMs: number;
}

/**
 * What stands between a gateway and the queues: Redis, which may be out of its reach for a while. As the outbox does, it
 * has one batch under way at most, and one that would come too late is signed anew with a later watermark.
 */
export function makePost(gateway: TestGateway, sent: Sent[]) {
  let isFirst = true;
  let lastWatermarkMs = 0;
  let cutUntilMs = 0;
  /** What waits for the batch under way; undefined while there is none. */
  let waiting: { act: (atMs: number) => void; atMs: number }[] | undefined;
  let isTooLate = false;

  const put = (watermarkMs: number, atMs: number) => {
    sent.push({ batch: gateway.flush(watermarkMs), atMs });
    lastWatermarkMs = watermarkMs;
    isFirst = false;
  };
  /** Lets go on what a cut that has ended held up. */
  const settle = (nowMs: number) => {
    if (waiting === undefined || nowMs < cutUntilMs) return;
    const acts = waiting;
    waiting = undefined;
    if (isTooLate) put(cutUntilMs, cutUntilMs);
    for (const { act, atMs } of acts) act(isTooLate ? cutUntilMs + 1 : atMs);
  };
  return {
    settle,
    /** Something happens at the gateway. */
    act: (nowMs: number, act: (atMs: number) => void) => {
      settle(nowMs);
      if (waiting === undefined) act(nowMs);
      else waiting.push({ act, atMs: nowMs });
    },
    flush: (nowMs: number) => {
      settle(nowMs);
      if (waiting !== undefined) return;
      if (nowMs >= cutUntilMs) return put(nowMs, nowMs);
      isTooLate = cutUntilMs > deliverUntilMs(isFirst ? undefined : lastWatermarkMs, nowMs);
      waiting = [];
      if (!isTooLate) put(nowMs, cutUntilMs);
    },
    cut: (untilMs: number) => {
      cutUntilMs = Math.max(cutUntilMs, untilMs);
    },
    /** The gateway begins a new generation, whose first batch has none before it. */
    beginGeneration: (generation: number) => {
      gateway.beginGeneration(generation);
      isFirst = true;
    },
    cutUntilMs: () => cutUntilMs,
  };
}
