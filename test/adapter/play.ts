import fc from 'fast-check';
import { SILENCE_BOUND_MS } from '../../core/as-of.ts';
import type { Batch } from '../../core/batch.ts';
import { sessionTag } from '../../core/request-approval.ts';
import { makeTestGateway, makeTestKey, type TestGateway } from '../support/batches.ts';

/**
 * Two operators and two gateways between which three chargers move. Anything may happen to the way of the batches as long
 * as each arrives: other order, twice, late. Whatever one operator answers, no other may answer otherwise.
 */

const KEYS = [makeTestKey('gateway one'), makeTestKey('gateway two')];
export const CHARGERS = ['CH-1', 'CH-2', 'CH-3'];
const STATUSES = ['Available', 'Charging', 'Faulted', 'Unavailable', 'Finishing'];
export const BEGIN_MS = 1_000_000;

/** The session with whose tag most transactions of the play begin. */
export const PLAYED_SESSION = `0x${'a5'.repeat(32)}`;

/** One thing that happens, `afterMs` after the one before. */
export interface Step {
  afterMs: number;
  gateway: number;
  charger: number;
  what:
    | 'open'
    | 'close'
    | 'status'
    | 'heartbeat'
    | 'meter'
    | 'start'
    | 'stop'
    | 'flush'
    | 'restart'
    | 'generation'
    | 'silence';
  connector: number;
  status: number;
}

export const STEP: fc.Arbitrary<Step> = fc.record({
  afterMs: fc.integer({ min: 1, max: 1_500 }),
  gateway: fc.integer({ min: 0, max: 1 }),
  charger: fc.integer({ min: 0, max: CHARGERS.length - 1 }),
  what: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom('open' as const, 'flush' as const, 'status' as const) },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        'close' as const,
        'heartbeat' as const,
        'meter' as const,
        'start' as const,
        'stop' as const,
      ),
    },
    { weight: 1, arbitrary: fc.constantFrom('restart' as const, 'generation' as const, 'silence' as const) },
  ),
  connector: fc.integer({ min: 0, max: 2 }),
  status: fc.integer({ min: 0, max: STATUSES.length - 1 }),
});

/** A batch and when the gateway put it into the queues. */
export interface Sent {
  batch: Batch;
  atMs: number;
}

/** Plays the steps: what the gateways sent, and when the last thing happened. */
export function play(steps: readonly Step[]): { sent: Sent[]; endMs: number } {
  const gateways = KEYS.map((key) => makeTestGateway({ bootedAtMs: BEGIN_MS, key }));
  const sent: Sent[] = [];
  /** Which chargers each gateway has a socket of. */
  const sockets = gateways.map(() => new Set<string>());
  let nowMs = BEGIN_MS;
  let epoch = BEGIN_MS;
  const flush = (gateway: TestGateway) => sent.push({ batch: gateway.flush(nowMs), atMs: nowMs });
  for (const gateway of gateways) flush(gateway);
  for (const step of steps) {
    nowMs += step.afterMs;
    const gateway = gateways[step.gateway] as TestGateway;
    const charger = CHARGERS[step.charger] as string;
    const held = sockets[step.gateway] as Set<string>;
    const isHeld = held.has(charger);
    if (step.what === 'open') {
      gateway.open(charger, nowMs, ++epoch);
      held.add(charger);
    } else if (step.what === 'flush') flush(gateway);
    else if (step.what === 'silence') nowMs += SILENCE_BOUND_MS;
    else if (step.what === 'restart') {
      gateway.restart(nowMs);
      held.clear();
    } else if (step.what === 'generation') {
      flush(gateway);
      nowMs++;
      gateway.beginGeneration(nowMs);
      flush(gateway);
    } else if (isHeld && step.what === 'close') {
      gateway.close(charger, nowMs);
      held.delete(charger);
    } else if (isHeld && step.what === 'status') {
      gateway.status(charger, nowMs, step.connector, STATUSES[step.status] as string);
    } else if (isHeld && step.what !== 'heartbeat') tellMeter(gateway, charger, nowMs, step);
    else if (isHeld) gateway.call(charger, nowMs, 'Heartbeat', {});
    nowMs++;
  }
  for (const gateway of gateways) flush(gateway);
  return { sent, endMs: nowMs };
}

export const REGISTERED = KEYS.map((key) => ({ account: key.address, signingKey: key.address, active: true }));

export const STEPS = fc.array(STEP, { minLength: 1, maxLength: 40 });

/** A reading, a start or an end of one of four transactions that the three chargers share the ids of. */
function tellMeter(gateway: TestGateway, charger: string, nowMs: number, step: Step): void {
  const { what, connector, status } = step;
  const registerWh = Math.floor(nowMs / 100);
  if (what === 'start') {
    const idTag = status > 2 ? 'ADA' : sessionTag(PLAYED_SESSION);
    const payload = { connectorId: Math.max(connector, 1), idTag, meterStart: registerWh };
    const result = { transactionId: status, idTagInfo: { status: 'Accepted' } };
    gateway.call(charger, nowMs, 'StartTransaction', payload, result);
  } else if (what === 'stop') {
    gateway.call(charger, nowMs, 'StopTransaction', { transactionId: status, meterStop: registerWh });
  } else {
    const sampledValue = [
      { value: `${registerWh}` },
      { measurand: 'Power.Active.Import', unit: 'W', value: `${status}` },
    ];
    gateway.call(charger, nowMs, 'MeterValues', { connectorId: connector, meterValue: [{ sampledValue }] });
  }
}
