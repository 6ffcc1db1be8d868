import { DELIVERY_GRACE_MS, SILENCE_BOUND_MS } from '../core/as-of.ts';
import type { Coverage } from './record-reader.ts';

/** What an operator can say of a time now. */
export type Readiness =
  | { kind: 'ready' }
  /** As ready, once the queue is known to hold nothing that was put in before now: some gateway counts as away. */
  | { kind: 'ready-if-drained' }
  /** Not before a gateway's watermark comes, or until this time shows that it stays silent, Unix ms. */
  | { kind: 'wait'; untilMs: number; reason: string }
  /** Never, from this record. */
  | { kind: 'never'; reason: string };

/** A gateway in the network, as this operator's record of it stands. */
export interface GatewayView {
  account: string;
  /** Whether the chain lists it now. */
  isActive: boolean;
  coverage: Coverage;
  /** Whether this operator lacks batches of it that others may have. */
  isBehind: boolean;
}

/**
 * Whether an operator can answer as of a time.
 *
 * A gateway has said all of that time once a watermark of it has passed the time. One whose watermarks ended before is
 * taken to be away when it has been silent beyond `SILENCE_BOUND_MS`, and anything it can still send would count only
 * from after the time asked about: when both moments are past by `DELIVERY_GRACE_MS`, and this operator was listening.
 *
 * @param listeningSinceMs - since when this operator has read its queue without a break, Unix ms; undefined if it does not
 */
export function readinessAt(
  gateways: readonly GatewayView[],
  atMs: number,
  nowMs: number,
  listeningSinceMs: number | undefined,
): Readiness {
  const broken = gateways.find(({ coverage }) => coverage.kind === 'broken');
  if (broken !== undefined) {
    return { kind: 'never', reason: `that time lies in a break of the record of gateway ${broken.account}` };
  }
  let judgeAtMs = 0;
  for (const { account, isActive, coverage, isBehind } of gateways) {
    if (!isActive || coverage.kind !== 'open') continue;
    if (isBehind) {
      return { kind: 'wait', untilMs: Number.POSITIVE_INFINITY, reason: `batches of gateway ${account} are missing` };
    }
    const listening = listeningSinceMs ?? Number.POSITIVE_INFINITY;
    const silentAtMs = Math.max(coverage.lastWatermarkMs, listening) + SILENCE_BOUND_MS;
    judgeAtMs = Math.max(judgeAtMs, Math.max(silentAtMs, atMs) + DELIVERY_GRACE_MS);
  }
  if (judgeAtMs === 0) return { kind: 'ready' };
  if (nowMs >= judgeAtMs) return { kind: 'ready-if-drained' };
  return { kind: 'wait', untilMs: judgeAtMs, reason: 'a gateway has not passed that time yet' };
}
