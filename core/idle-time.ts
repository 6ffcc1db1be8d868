import type { ChargerFact } from './charger-fact.ts';
import { momentOf } from './meter-reading.ts';

interface Told {
  receivedAtMs: number;
  fact: ChargerFact;
}

type Start = Extract<ChargerFact, { kind: 'transaction-started' }>;

/** States in which the driver holds the connector and takes no energy. One in which the charger itself pauses is none. */
const IDLE: ReadonlySet<string> = new Set(['SuspendedEV', 'Finishing']);

/**
 * Seconds in which a connector was held without taking energy, between two times, by the states it told; Unix seconds.
 *
 * OCPP 2.x tells them as `chargingState` in the messages of the transaction, and of those alone counts what its statuses
 * say: Occupied is none of what the car does.
 *
 * @param between - what was told of transaction and connector after the start, in order
 */
export function idleSecOf(
  start: Told & { fact: Start },
  between: readonly Told[],
  connector: number,
  fromSec: number,
  toSec: number,
): number {
  const all = [start, ...between];
  const is20 = all.some(({ fact }) => 'detail' in fact && fact.detail?.chargingState !== undefined);
  const states = is20 ? statesOf20(all, start.fact) : statesOf16(between, connector);
  let idleSec = 0;
  let idleSinceSec: number | undefined;
  const close = (atSec: number) => {
    if (idleSinceSec !== undefined) idleSec += Math.max(atSec - idleSinceSec, 0);
    idleSinceSec = undefined;
  };
  for (const { atSec: toldAtSec, isIdle } of states) {
    const atSec = Math.min(Math.max(toldAtSec, fromSec), toSec);
    close(atSec);
    if (isIdle) idleSinceSec = atSec;
  }
  close(toSec);
  return Math.min(idleSec, Math.max(toSec - fromSec, 0));
}

/** Whether a status of OCPP 1.6 is one in which the driver holds the connector and takes no energy. */
export function isIdleStatus(reported: string): boolean {
  return IDLE.has(reported);
}

/** Whether a `chargingState` of OCPP 2.x is one in which the driver holds the connector and takes no energy. */
export function isIdleState(chargingState: string, hasCharged: boolean): boolean {
  if (chargingState === 'SuspendedEV') return true;
  // Before the car charges these are what Preparing is in OCPP 1.6, after it what Finishing is.
  return hasCharged && (chargingState === 'EVConnected' || chargingState === 'Idle');
}

interface State {
  atSec: number;
  isIdle: boolean;
}

function statesOf16(between: readonly Told[], connector: number): State[] {
  return between.flatMap(({ fact, receivedAtMs }) => {
    if (fact.kind !== 'status' || fact.connector !== connector) return [];
    return [{ atSec: momentOf(fact.reportedAt, Math.floor(receivedAtMs / 1000)), isIdle: isIdleStatus(fact.reported) }];
  });
}

function statesOf20(all: readonly Told[], { transactionId }: Start): State[] {
  let hasCharged = false;
  return all.flatMap(({ fact, receivedAtMs }) => {
    if (fact.kind !== 'transaction-started' && fact.kind !== 'transaction-updated') return [];
    const chargingState = fact.detail?.chargingState;
    if (fact.transactionId !== transactionId || chargingState === undefined) return [];
    hasCharged ||= chargingState === 'Charging';
    const toldAt = fact.kind === 'transaction-started' ? fact.startedAt : fact.updatedAt;
    const atSec = momentOf(toldAt, Math.floor(receivedAtMs / 1000));
    return [{ atSec, isIdle: isIdleState(chargingState, hasCharged) }];
  });
}
