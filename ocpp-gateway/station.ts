import { DevsenError } from '../core/errors.ts';
import type { Logger } from '../runtime/log.ts';
import {
  answer16,
  type Facts,
  type IdTagVerdict,
  isAnswered16,
  isTransactionAction16,
  type Need,
  needOf16,
} from './answers16.ts';
import type { ConnectionChain } from './custody.ts';
import { type Call, type CallError, callError, callResult, parseFrame } from './frame.ts';
import type { GatewayMetrics } from './metrics.ts';
import type { ChargerLink, PayloadCheck } from './ocpp-rpc.ts';
import type { Outbox } from './outbox.ts';
import { makeTokenBucket } from './token-bucket.ts';

/** What every station of a gateway shares. */
export interface StationHouse {
  outbox: Outbox;
  checks: ReadonlyMap<string, PayloadCheck>;
  verdict: (idTag: string) => Promise<IdTagVerdict>;
  transactionId: (charger: string, transaction: NonNullable<Need['transaction']>) => Promise<number>;
  /** Whether what a charger reports can be kept and passed on now. */
  isReady: () => boolean;
  metrics: GatewayMetrics;
  log: Logger;
  now: () => number;
  limits: StationLimits;
}

export interface StationLimits {
  heartbeatIntervalSec: number;
  maxCallsInFlight: number;
  maxMessagesPerSec: number;
  maxBadMessages: number;
}

/** One charger's connection, from its `open` event to its `close` event. */
export interface Station {
  readonly identity: string;
  readonly epoch: number;
  /** Ends the connection: nothing it still sends is taken in. */
  end: (code: number, reason: string) => void;
  /** Takes no more calls and settles when those in flight are answered or given up. */
  drain: () => Promise<void>;
  /** Settles when the socket is gone and its `close` event is recorded or given up. */
  closed: Promise<void>;
}

/** Seconds of full message rate that may come in one burst: what a charger kept while it was offline. */
const BURST_SEC = 10;

/**
 * Takes in what one charger sends: each CALL is checked, decided, recorded, and answered once it is durable.
 *
 * Calls are recorded in the order in which they came: while one waits for a look-up, those after it wait too.
 */
export function makeStation(link: ChargerLink, chain: ConnectionChain, house: StationHouse): Station {
  const { outbox, metrics, limits, now } = house;
  const { charger: identity, epoch } = chain;
  const log = house.log.child({ chargerId: identity, epoch });
  const bucket = makeTokenBucket(limits.maxMessagesPerSec, limits.maxMessagesPerSec * BURST_SEC, now());
  /** Message ids of the calls that are not answered yet. */
  const inFlight = new Set<string>();
  const waiting: { call: Call; text: string; arrivedAtMs: number }[] = [];
  const { promise: closed, resolve: setClosed } = Promise.withResolvers<void>();
  let isLookingUp = false;
  let isEnded = false;
  let isDraining = false;
  let isPaused = false;
  let isOutboxFull = false;
  let badInRow = 0;
  let onIdle = () => {};

  const setFlow = () => {
    const shouldPause = isOutboxFull || inFlight.size >= limits.maxCallsInFlight;
    if (shouldPause === isPaused || isEnded) return;
    isPaused = shouldPause;
    if (isPaused) link.pause();
    else link.resume();
  };

  const settle = (messageId: string) => {
    inFlight.delete(messageId);
    if (isPaused) setFlow();
    if (inFlight.size === 0) onIdle();
  };

  const unrecorded = (call: Call, error: unknown) => {
    settle(call.messageId);
    metrics.message(call.action, 'unrecorded');
    log.warn({ err: error, messageId: call.messageId, action: call.action }, 'not recorded, so not answered');
    if (error instanceof DevsenError && error.code === 'OVERLOADED' && !isOutboxFull) {
      isOutboxFull = true;
      setFlow();
      outbox.whenRoom().then(
        () => {
          isOutboxFull = false;
          setFlow();
        },
        () => undefined,
      );
    }
  };

  const record = (kind: 'call' | 'suspect', call: Call, text: string, reply: string, arrivedAtMs: number) => {
    outbox.append(chain, kind, reply, text).then(
      () => {
        link.send(reply);
        settle(call.messageId);
        metrics.message(call.action, kind === 'suspect' ? 'suspect' : 'answered');
        metrics.latency((performance.now() - arrivedAtMs) / 1000);
      },
      (error) => unrecorded(call, error),
    );
  };

  const answer = (call: Call, text: string, arrivedAtMs: number, facts: Partial<Facts>) => {
    const payload = answer16(call.action, {
      nowMs: now(),
      heartbeatIntervalSec: limits.heartbeatIntervalSec,
      isReady: house.isReady(),
      ...facts,
    });
    record('call', call, text, callResult(call.messageId, payload), arrivedAtMs);
  };

  const refuse = (call: Call, error: CallError) => {
    link.send(callError(call.messageId, error));
    settle(call.messageId);
    metrics.message(isAnswered16(call.action) === 'NotImplemented' ? 'unknown' : call.action, 'refused');
    log.debug({ messageId: call.messageId, code: error.code, finding: error.description }, 'message refused');
  };

  const lookUp = async (need: Need, call: Call, text: string, arrivedAtMs: number) => {
    try {
      const idTag = need.idTag === undefined ? undefined : await house.verdict(need.idTag);
      const transactionId =
        need.transaction === undefined ? undefined : await house.transactionId(identity, need.transaction);
      if (isEnded) {
        settle(call.messageId);
        return;
      }
      if (transactionId !== undefined) log.info({ messageId: call.messageId, transactionId }, 'transaction started');
      answer(call, text, arrivedAtMs, {
        ...(idTag === undefined ? {} : { idTag }),
        ...(transactionId === undefined ? {} : { transactionId }),
      });
    } catch (error) {
      unrecorded(call, error);
    }
  };

  /** Handles one call; returns a promise only if calls after it must wait. */
  const handle = (call: Call, text: string, arrivedAtMs: number): Promise<void> | undefined => {
    const isAnswered = isAnswered16(call.action);
    if (isAnswered !== 'yes') {
      refuse(call, {
        code: isAnswered,
        description: isAnswered === 'NotSupported' ? 'only a CSMS sends this action' : 'no such action',
      });
      return undefined;
    }
    const finding = house.checks.get(`${call.action}.req`)?.(call.payload);
    if (finding !== undefined) {
      if (!isTransactionAction16(call.action)) {
        refuse(call, finding);
        return undefined;
      }
      log.warn({ messageId: call.messageId, action: call.action, finding: finding.description }, 'recorded as suspect');
      record('suspect', call, text, callError(call.messageId, finding), arrivedAtMs);
      return undefined;
    }
    const need = needOf16(call.action, call.payload as Record<string, unknown>);
    if (need !== undefined) return lookUp(need, call, text, arrivedAtMs);
    answer(call, text, arrivedAtMs, {});
    return undefined;
  };

  /** A message that breaks our own code is answered as such and stops nobody else. */
  const handleSafely = (call: Call, text: string, arrivedAtMs: number): Promise<void> | undefined => {
    try {
      return handle(call, text, arrivedAtMs);
    } catch (error) {
      log.error({ err: error, messageId: call.messageId, action: call.action }, 'message broke its handling');
      refuse(call, { code: 'InternalError', description: 'the message could not be processed' });
      return undefined;
    }
  };

  const handleInTurn = async (first: Promise<void>) => {
    isLookingUp = true;
    await first;
    for (let next = waiting.shift(); next !== undefined && !isEnded; next = waiting.shift()) {
      await handleSafely(next.call, next.text, next.arrivedAtMs);
    }
    isLookingUp = false;
  };

  const bad = (what: 'malformed' | 'binary' | 'stray-response') => {
    metrics.badFrame(what);
    badInRow += 1;
    if (badInRow > limits.maxBadMessages) end(1002, 'too many malformed frames');
  };

  const takeCall = (call: Call, text: string) => {
    badInRow = 0;
    if (isDraining) return;
    if (inFlight.has(call.messageId)) {
      // The answer to the first of the two answers both.
      metrics.message(call.action, 'duplicate');
      return;
    }
    inFlight.add(call.messageId);
    if (inFlight.size >= limits.maxCallsInFlight) setFlow();
    const arrivedAtMs = performance.now();
    if (isLookingUp) {
      waiting.push({ call, text, arrivedAtMs });
      return;
    }
    const wait = handleSafely(call, text, arrivedAtMs);
    if (wait !== undefined) void handleInTurn(wait);
  };

  const takeText = (text: string): boolean => {
    if (isEnded) return false;
    if (!bucket.take(now())) {
      metrics.badFrame('flood');
      end(1008, 'too many messages');
      return false;
    }
    const frame = parseFrame(text);
    if (frame.kind === 'call') {
      takeCall(frame, text);
      return false;
    }
    if (frame.kind === 'response') return true;
    if (frame.kind === 'ignored') {
      metrics.badFrame('ignored');
      return false;
    }
    bad('malformed');
    link.send(callError(frame.messageId, { code: 'FormationViolation', description: frame.why }));
    return false;
  };

  const recordClose = async (code: number, reason: string) => {
    try {
      await outbox.append(chain, 'close', '', JSON.stringify({ code, reason }));
    } catch (error) {
      log.warn({ err: error }, 'close not recorded');
    }
  };

  const finish = (code: number, reason: string): boolean => {
    if (isEnded) return false;
    isEnded = true;
    for (const { call } of waiting.splice(0)) inFlight.delete(call.messageId);
    log.info({ code, reason }, 'charger disconnected');
    void recordClose(code, reason);
    return true;
  };

  const end = (code: number, reason: string) => {
    if (finish(code, reason)) link.close(code, reason);
  };

  link.onText(takeText);
  link.onBinary(() => {
    if (isEnded) return;
    bad('binary');
    link.send(callError('-1', { code: 'FormationViolation', description: 'a frame must be text' }));
  });
  link.onStrayResponse(() => bad('stray-response'));
  link.onTransportError((code) => {
    metrics.badFrame('transport');
    log.info({ code }, 'transport error');
  });
  link.onClose((code, reason) => {
    finish(code, reason);
    setClosed();
  });
  log.info('charger connected');
  outbox.append(chain, 'open', '', JSON.stringify({ subprotocol: 'ocpp1.6' })).catch((error) => {
    log.warn({ err: error }, 'connection not recorded');
    end(1013, 'try again later');
  });

  return {
    identity,
    epoch,
    end,
    closed,
    drain: () => {
      isDraining = true;
      const { promise, resolve } = Promise.withResolvers<void>();
      onIdle = resolve;
      if (inFlight.size === 0) resolve();
      return promise;
    },
  };
}
