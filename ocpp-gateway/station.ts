import { DevsenError } from '../core/errors.ts';
import type { OcppVersion } from '../core/ocpp-version.ts';
import type { Logger } from '../runtime/log.ts';
import { type Arrival, type CallTools, makeCallDesk } from './call-desk.ts';
import { type Command, type CommandEnd, makeChargerCalls } from './charger-calls.ts';
import type { ChargerLink } from './charger-link.ts';
import type { ConnectionChain } from './custody.ts';
import { labelOf } from './dialect.ts';
import { makeFewMessages } from './few-messages.ts';
import { type Call, callError, type MessageId, parseFrame } from './frame.ts';
import type { BadFrame } from './metrics.ts';
import { makeMessageBudget, type StationLimits } from './station-limits.ts';
import { type ConnectorMemory, makeStatusCatchUp } from './status-catch-up.ts';
import type { TokenBucket } from './token-bucket.ts';

/** What every station of a gateway shares. */
export interface StationHouse {
  tools: CallTools;
  log: Logger;
  limits: StationLimits;
  connectors: ConnectorMemory;
  /** Uniform in [0, 1). */
  random: () => number;
  /** Called when a connection has begun, and when its socket is gone. */
  onConnected: (identity: string, epoch: number) => void;
  onGone: (identity: string, epoch: number) => void;
}

/** A connection, for whoever runs the gateway. */
export interface StationFacts {
  identity: string;
  version: OcppVersion;
  epoch: number;
  /** Unix ms. */
  connectedAtMs: number;
  /** When its last frame came, Unix ms; undefined if none has. */
  lastFrameAtMs: number | undefined;
  /** Its calls that are not answered yet. */
  callsInFlight: number;
}

/** One charger's connection, from its `open` event to its `close` event. */
export interface Station {
  readonly identity: string;
  readonly epoch: number;
  readonly version: OcppVersion;
  /** What is to be told of it now. */
  facts: () => StationFacts;
  /** Ends the connection: nothing it still sends is taken in. */
  end: (code: number, reason: string) => void;
  /** Has the charger carry out a command, after those sent before it. Never rejects. */
  command: (command: Command) => Promise<CommandEnd>;
  /** Takes no more calls, in either direction, and settles when those in flight are answered or given up. */
  drain: () => Promise<void>;
  /** Settles when the socket is gone. */
  closed: Promise<void>;
}

/**
 * Takes in what one charger sends, in order, within its limits.
 *
 * @param budget - of bytes; the charger's own, whichever connection it is on
 */
export function makeStation(
  link: ChargerLink,
  chain: ConnectionChain,
  version: OcppVersion,
  budget: TokenBucket,
  house: StationHouse,
): Station {
  const { tools, limits } = house;
  const spoken = tools.spoken[version];
  const { dialect } = spoken;
  const { outbox, metrics, now } = tools;
  const { charger: identity, epoch } = chain;
  const log = house.log.child({ chargerId: identity, epoch });
  const bucket = makeMessageBudget(limits, now());
  /** The calls that are not answered yet. */
  const inFlight = makeFewMessages<Arrival>();
  /** Calls behind one that waits for a look-up. */
  const waiting: Arrival[] = [];
  const { promise: closed, resolve: setClosed } = Promise.withResolvers<void>();
  let isLookingUp = false;
  let isEnded = false;
  let isDraining = false;
  let isPaused = false;
  let isOutboxFull = false;
  let badInRow = 0;
  const connectedAtMs = now();
  const lastFrame = { atMs: 0 };
  let onIdle = () => {};

  const setFlow = () => {
    const shouldPause = isOutboxFull || inFlight.size >= limits.maxCallsInFlight;
    if (shouldPause === isPaused || isEnded) return;
    isPaused = shouldPause;
    if (isPaused) link.pause();
    else link.resume();
    followSettled();
  };

  /** Has each call that is settled looked at while more follows from it, which is rare. */
  const followSettled = () => {
    inFlight.onDeleted = isPaused || isDraining ? onDeleted : undefined;
  };
  const onDeleted = () => {
    if (isPaused) setFlow();
    if (isDraining) tellIdle();
  };

  const waitForRoom = async () => {
    isOutboxFull = true;
    setFlow();
    await outbox.whenRoom();
    isOutboxFull = false;
    setFlow();
  };

  const tellIdle = () => {
    if (inFlight.size === 0 && calls.isIdle()) onIdle();
  };

  const onSettled = (arrival: Arrival, error?: unknown) => {
    inFlight.delete(arrival);
    if (error instanceof DevsenError && error.code === 'OVERLOADED' && !isOutboxFull) void waitForRoom();
  };

  const calls = makeChargerCalls({
    link,
    timeoutMs: limits.callTimeoutMs,
    maxWaiting: limits.maxCallsWaiting,
    record: (call, answer) => outbox.append(chain, 'answer', call, answer),
    onIdle: () => tellIdle(),
    log,
    now,
  });
  const handle = makeCallDesk({
    chain,
    spoken,
    tools,
    log,
    link,
    command: calls.send,
    onRecorded: ({ action, payload }) => statuses.reported(action, payload),
    onSettled,
    isEnded: () => isEnded,
    inFlight,
  });

  const statuses = makeStatusCatchUp({
    charger: identity,
    dialect,
    // Many that come back at once are not asked at once.
    settleMs: Math.round(limits.statusSettleMs * (1 + house.random())),
    memory: house.connectors,
    command: calls.send,
    log,
    now,
  });

  const handleInTurn = async (first: Promise<void>) => {
    isLookingUp = true;
    await first;
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await handle(next);
    isLookingUp = false;
  };

  const takeCall = (call: Call, text: string) => {
    badInRow = 0;
    if (isDraining) return;
    // Some chargers begin their ids anew, or have but one: another text is another message. A SEND's id is for nothing.
    if (call.kind === 'call' && inFlight.has(call.messageId, text)) {
      // The answer to the first of the two answers both.
      metrics.message(labelOf(dialect, call.action), 'duplicate');
      return;
    }
    const subject = dialect.subjects.get(call.action);
    const arrival = { call, text, arrivedAtMs: performance.now(), subject, isForgiven: false };
    inFlight.add(arrival);
    if (inFlight.size >= limits.maxCallsInFlight) setFlow();
    if (isLookingUp) {
      waiting.push(arrival);
      return;
    }
    const wait = handle(arrival);
    if (wait !== undefined) void handleInTurn(wait);
  };

  const takeBad = (what: BadFrame) => {
    metrics.badFrame(what);
    badInRow += 1;
    if (badInRow > limits.maxBadMessages) end(1002, 'too many malformed frames');
  };

  const takeMalformed = (what: BadFrame, messageId: MessageId, description: string) => {
    takeBad(what);
    link.send(callError(messageId, { code: dialect.malformed, description }));
  };

  /** Counts a frame against the limits; beyond them the connection ends. */
  const isFlood = (bytes: number): boolean => {
    const atMs = now();
    lastFrame.atMs = atMs;
    const isOften = !bucket.take(atMs);
    if (!isOften && budget.take(atMs, bytes)) return false;
    metrics.badFrame('flood');
    end(1008, isOften ? 'too many messages' : 'too many bytes');
    return true;
  };

  /** Returns whether the frame is for whoever waits for the answer to a call of ours. */
  const takeText = (text: string, bytes: number): boolean => {
    if (isEnded || isFlood(bytes)) return false;
    const frame = parseFrame(text);
    const isCall = frame.kind === 'call' || (frame.kind === 'send' && dialect.sends.size > 0);
    if (isCall) takeCall(frame, text);
    else if (frame.kind === 'malformed') takeMalformed('malformed', frame.messageId, frame.why);
    else if (frame.kind === 'ignored' || frame.kind === 'send') metrics.badFrame('ignored');
    return frame.kind === 'response' && calls.takeAnswer(frame.messageId, frame.answer, text);
  };

  const takeBinary = (bytes: number) => {
    if (!isEnded && !isFlood(bytes)) takeMalformed('binary', '-1', 'a frame must be text');
  };

  const finish = (code: number, reason: string): boolean => {
    if (isEnded) return false;
    isEnded = true;
    calls.close();
    statuses.close();
    for (const arrival of waiting.splice(0)) inFlight.delete(arrival);
    log.info({ code, reason }, 'charger disconnected');
    // A connection whose opening was refused is on no record, and a close alone would break the gateway's.
    if (chain.seq === 0) return true;
    outbox.append(chain, 'close', '', JSON.stringify({ code, reason })).catch((error) => {
      log.warn({ err: error }, 'disconnection not recorded');
    });
    return true;
  };

  const end = (code: number, reason: string) => {
    if (finish(code, reason)) link.close(code, reason);
  };

  /** What throws in here would end the process, and with it every other charger's connection. */
  const guarded = <Args extends unknown[], Result>(take: (...args: Args) => Result, otherwise: Result) => {
    return (...args: Args): Result => {
      try {
        return take(...args);
      } catch (error) {
        log.error({ err: error }, 'frame broke its handling');
        end(1011, 'internal error');
        return otherwise;
      }
    };
  };

  link.onText(guarded(takeText, false));
  link.onBinary(guarded(takeBinary, undefined));
  link.onStrayResponse(guarded(() => takeBad('stray-response'), undefined));
  link.onTransportError((code) => {
    const isTooLarge = code === 'too-large';
    metrics.badFrame(isTooLarge ? code : 'transport');
    // A charger sends it again each time it comes back: whoever runs the gateway has to raise the limit.
    if (isTooLarge) log.warn({ maxMessageBytes: limits.maxMessageBytes }, 'message too large');
    else log.info({ code }, 'transport error');
  });
  link.onClose((code, reason) => {
    finish(code, reason);
    setClosed();
  });
  log.info({ version }, 'charger connected');
  outbox.append(chain, 'open', '', JSON.stringify({ subprotocol: version })).catch((error) => {
    log.warn({ err: error }, 'connection not recorded');
    end(1013, 'try again later');
  });

  return {
    identity,
    epoch,
    version,
    facts: () => ({
      identity,
      version,
      epoch,
      connectedAtMs,
      lastFrameAtMs: lastFrame.atMs === 0 ? undefined : lastFrame.atMs,
      callsInFlight: inFlight.size,
    }),
    end,
    closed,
    command: calls.send,
    drain: () => {
      isDraining = true;
      followSettled();
      calls.stop();
      const { promise, resolve } = Promise.withResolvers<void>();
      onIdle = resolve;
      tellIdle();
      return promise;
    },
  };
}
