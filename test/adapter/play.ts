import fc from 'fast-check';
import { SILENCE_BOUND_MS } from '../../core/as-of.ts';
import { sessionTag } from '../../core/request-approval.ts';
import { stopMessageId } from '../../core/session-stop.ts';
import { makeTestGateway, makeTestKey, type TestGateway } from '../support/batches.ts';
import { makePost, type Sent } from './post.ts';

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
    | 'answer'
    | 'flush'
    | 'restart'
    | 'generation'
    | 'silence'
    | 'cut';
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
        'answer' as const,
      ),
    },
    { weight: 1, arbitrary: fc.constantFrom('restart' as const, 'generation' as const, 'silence' as const) },
  ),
  connector: fc.integer({ min: 0, max: 2 }),
  status: fc.integer({ min: 0, max: STATUSES.length - 1 }),
});

/** Plays the steps: what the gateways sent, in order, and when the last thing happened. */
export function play(steps: readonly Step[]): { sent: Sent[]; endMs: number } {
  const sent: Sent[] = [];
  const gateways = KEYS.map((key) => makeTestGateway({ bootedAtMs: BEGIN_MS, key }));
  const posts = gateways.map((gateway) => makePost(gateway, sent));
  /** Which chargers each gateway has a socket of. */
  const sockets = gateways.map(() => new Set<string>());
  let nowMs = BEGIN_MS;
  let epoch = BEGIN_MS;
  for (const post of posts) post.flush(nowMs);
  for (const step of steps) {
    nowMs += step.afterMs;
    const gateway = gateways[step.gateway] as TestGateway;
    const post = posts[step.gateway] as (typeof posts)[number];
    const charger = CHARGERS[step.charger] as string;
    const held = sockets[step.gateway] as Set<string>;
    const isHeld = held.has(charger);
    // A process that ends, or a Redis that is another one, leaves no batch under way.
    if (step.what === 'restart' || step.what === 'generation') nowMs = Math.max(nowMs, post.cutUntilMs());
    if (step.what === 'open') {
      const opened = ++epoch;
      post.act(nowMs, (atMs) => gateway.open(charger, atMs, opened));
      held.add(charger);
    } else if (step.what === 'flush') post.flush(nowMs);
    else if (step.what === 'silence') nowMs += SILENCE_BOUND_MS;
    else if (step.what === 'cut') post.cut(nowMs + step.afterMs * 12);
    else if (step.what === 'restart') {
      post.settle(nowMs);
      gateway.restart(nowMs + 1);
      held.clear();
    } else if (step.what === 'generation') {
      post.settle(nowMs);
      post.flush(nowMs + 1);
      nowMs += 2;
      post.beginGeneration(nowMs);
      post.flush(nowMs);
    } else if (isHeld && step.what === 'close') {
      post.act(nowMs, (atMs) => gateway.close(charger, atMs));
      held.delete(charger);
    } else if (isHeld && step.what === 'status') {
      post.act(nowMs, (atMs) => gateway.status(charger, atMs, step.connector, STATUSES[step.status] as string));
    } else if (isHeld && step.what === 'heartbeat') {
      post.act(nowMs, (atMs) => gateway.call(charger, atMs, 'Heartbeat', {}));
    } else if (isHeld && step.what === 'answer') {
      const messageId = stopMessageId(step.status % 2 === 0 ? 'limit' : 'idle', PLAYED_SESSION, step.status);
      const result = { status: step.connector === 0 ? 'Rejected' : 'Accepted' };
      post.act(nowMs, (atMs) => gateway.answer(charger, atMs, messageId, result));
    } else if (isHeld) post.act(nowMs, (atMs) => tellMeter(gateway, charger, atMs, step));
    nowMs++;
  }
  nowMs = Math.max(nowMs, ...posts.map((post) => post.cutUntilMs() + 2));
  for (const post of posts) post.flush(nowMs);
  return { sent: sent.sort((one, other) => one.atMs - other.atMs), endMs: nowMs };
}

export const REGISTERED = KEYS.map((key) => ({ account: key.address, signingKey: key.address, active: true }));

const SOME_STEPS = fc.array(STEP, { maxLength: 8 });

/** Steps among which the session begins and is ended by its gateway. */
const STEPS_OF_SESSION = fc
  .record({
    session: STEP,
    transaction: fc.integer({ min: 0, max: 2 }),
    connector: fc.integer({ min: 1, max: 2 }),
    others: fc.array(fc.array(STEP, { maxLength: 3 }), { minLength: 5, maxLength: 5 }),
  })
  .map(({ session, transaction, connector, others }): Step[] => {
    const course = (['open', 'start', 'answer', 'stop', 'flush'] as const).map(
      (what): Step => ({ ...session, connector, status: transaction, what }),
    );
    return course.flatMap((step, n) => [...(others[n] ?? []), step]);
  });

export const STEPS = fc.oneof(
  { weight: 2, arbitrary: fc.array(STEP, { minLength: 1, maxLength: 40 }) },
  { weight: 1, arbitrary: STEPS_OF_SESSION },
);

/** Steps during which Redis is out of a gateway's reach for 8 to 18 s, while it has something to tell. */
export const STEPS_WITH_CUTS = fc
  .record({
    before: SOME_STEPS,
    cut: STEP,
    cutMs: fc.integer({ min: 700, max: 1_500 }),
    during: SOME_STEPS,
    after: SOME_STEPS,
  })
  .map(({ before, cut, cutMs, during, after }): Step[] => {
    const next = (what: Step['what']): Step => ({ ...cut, afterMs: 200, what });
    return [
      ...before,
      ...[next('open'), next('status'), next('flush'), { ...next('cut'), afterMs: cutMs }, next('status')],
      ...[...during, next('flush'), next('status'), ...after],
    ];
  });

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
    const reason = connector === 0 ? 'Local' : 'Remote';
    gateway.call(charger, nowMs, 'StopTransaction', { transactionId: status, meterStop: registerWh, reason });
  } else {
    const sampledValue = [
      { value: `${registerWh}` },
      { measurand: 'Power.Active.Import', unit: 'W', value: `${status}` },
    ];
    gateway.call(charger, nowMs, 'MeterValues', { connectorId: connector, meterValue: [{ sampledValue }] });
  }
}
