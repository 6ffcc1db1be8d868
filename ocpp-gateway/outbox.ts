import { setImmediate as turnOfLoop } from 'node:timers/promises';
import type { ChargerEventKind } from '../core/charger-event.ts';
import { DevsenError } from '../core/errors.ts';
import type { Logger } from '../runtime/log.ts';
import { makeBatchPace, makeLoopMeter } from './batch-pace.ts';
import { makeBell } from './bell.ts';
import { type ConnectionChain, extendChain, makeBatchSigner } from './custody.ts';
import { OUTBOX_DEFAULTS, type OutboxOptions } from './outbox-options.ts';
import {
  type Gathering,
  gather,
  hasRoom,
  isHalfEmpty,
  isLastFull,
  makePending,
  prepare,
  redate,
  settle,
  takeFirst,
  type Waiter,
} from './outbox-pending.ts';
import { makeOutboxWriter } from './outbox-writer.ts';

/** Where the gateway's events wait until Redis has them for every operator. */
export interface Outbox {
  /**
   * Gives an event its place in order: seq, hash and receivedAtMs are fixed before this returns.
   *
   * @param reply - exact text of the answer to the charger, empty where there is none
   * @param frame - exact text the charger sent; for `open` and `close` a small JSON object
   * @returns settles when the signed batch that holds the event is in Redis for every operator: only then may the
   *   charger be answered
   * @throws (as a rejection) DevsenError, always before the event got a place: `OVERLOADED` at the bound of memory,
   *   `NOT_YET` while there is no operator (a `close` event is taken in both cases), before Redis was first reached or
   *   after `close`; and later only `CONFLICT` if another process writes with this gateway's key, or
   *   `REDIS_UNAVAILABLE` if the outbox is closed before Redis is back. No answer may then be sent.
   */
  append: (chain: ConnectionChain, kind: ChargerEventKind, reply: string, frame: string) => Promise<void>;
  /**
   * The same without a promise, which for each of thousands of messages a second is a cost that shows.
   *
   * @param waiter - told once, after this has returned, with what `append` would reject with if there is something
   */
  take: (chain: ConnectionChain, kind: ChargerEventKind, reply: string, frame: string, waiter: Waiter) => void;
  /** Settles when less than half of the memory bound is used; at once if so already. For pausing sockets. */
  whenRoom: () => Promise<void>;
  /** The operators (accounts in UserDEVSEN) that get every batch from now on. */
  setOperators: (accounts: readonly string[]) => void;
  /** Whether events are taken and Redis was there at the last attempt. */
  isReady: () => boolean;
  /** Settles when it is ready for the first time; rejects if it never will be. */
  whenReady: () => Promise<void>;
  stats: () => OutboxStats;
  /** Takes no more events, writes those it has (no longer than `closeTimeoutMs`) and leaves Redis. */
  close: () => Promise<void>;
}

export interface OutboxStats {
  /** Events without a place in Redis yet. */
  pendingEvents: number;
  /** Their approximate size in memory. */
  pendingBytes: number;
  /** Age of the oldest of them, ms; 0 if there is none. */
  lagMs: number;
  /** Batches and events written since the start. */
  writtenBatches: number;
  writtenEvents: number;
}

export interface OutboxSettings {
  redisUrl: string;
  /** `<chain id>:<OracleDEVSEN address, lower case>`. */
  network: string;
  /** The gateway's account in UserDEVSEN. */
  gateway: string;
  /** Its secp256k1 signing key, 32 bytes. */
  privateKey: Uint8Array;
  /** Accounts of the operators at the start. */
  operators: readonly string[];
  /** Called once, at the error after which nothing is written any more; the process should end. */
  onFatal: (error: DevsenError) => void;
  /** Called when Redis lost batches: what it still has of the connections does not begin with their opening. */
  onLost?: () => void;
  /** The clock, Unix ms. */
  nowMs?: () => number;
  options?: Partial<OutboxOptions>;
}

/** Turns of the event loop that a batch waits at the least, and events that it does not wait for more with. */
const LEAST_TURNS = 2;
const ENOUGH_EVENTS = 64;

/**
 * Starts the outbox; it returns at once and connects to Redis by itself (`whenReady`).
 *
 * One batch is under way at a time. Meanwhile the next one gathers, so batches grow with the load; `BatchPace` says when.
 *
 * @throws DevsenError `INPUT_INVALID` if the private key is none
 */
export function startOutbox(settings: OutboxSettings, log: Logger): Outbox {
  const options: OutboxOptions = { ...OUTBOX_DEFAULTS, ...settings.options };
  const nowMs = settings.nowMs ?? Date.now;
  const bell = makeBell();
  const gaveUp = new AbortController();
  const ready = Promise.withResolvers<void>();
  ready.promise.catch(() => {});
  const writer = makeOutboxWriter({
    ...settings,
    ...options,
    signer: makeBatchSigner(settings.privateKey),
    operators: () => operators,
    nowMs,
    gaveUp: gaveUp.signal,
    onLost: () => settings.onLost?.(),
    renewWatermarkMs,
    log,
  });

  const pending = makePending();
  let operators = [...new Set(settings.operators)];
  let roomWaiters: (() => void)[] = [];
  /** No event may be received at an earlier time any more. */
  let leastReceivedAtMs = 0;
  let inFlight: Gathering | undefined;
  const pace = makeBatchPace(options, makeLoopMeter());
  let nextWatermarkMs = -Infinity;
  let isOpen = false;
  let isClosing = false;
  let failure: DevsenError | undefined;
  let writtenBatches = 0;
  let writtenEvents = 0;

  function take(chain: ConnectionChain, kind: ChargerEventKind, reply: string, frame: string, waiter: Waiter): void {
    const refusal = failure ?? whyRefused(kind, reply.length + frame.length);
    if (refusal) {
      queueMicrotask(() => waiter.told(refusal));
      return;
    }
    // Gatherings must not share a millisecond: the watermark of one lies before the next one's first event.
    if (isLastFull(pending, options)) leastReceivedAtMs++;
    leastReceivedAtMs = Math.max(nowMs(), leastReceivedAtMs);
    const hashBefore = chain.hash;
    const line = extendChain(chain, kind, leastReceivedAtMs, reply, frame);
    const gathering = gather(pending, line, chain, hashBefore, leastReceivedAtMs, waiter, options);
    if (gathering.lines.length === 1) bell.ring();
  }

  function whyRefused(kind: ChargerEventKind, length: number): DevsenError | undefined {
    if (isClosing) return new DevsenError('NOT_YET', 'the outbox is closing');
    if (!isOpen) return new DevsenError('NOT_YET', 'Redis was not reached yet');
    // That a connection has ended must not be lost: it would count as open for as long as this process lives.
    if (kind === 'close') return undefined;
    if (operators.length === 0) return new DevsenError('NOT_YET', 'no operator is registered, or not this gateway');
    if (hasRoom(pending, length, options)) return undefined;
    return new DevsenError('OVERLOADED', `${pending.events} events wait for Redis, which is the bound`);
  }

  /** Waits until a batch is due: one with events, one for the watermark alone, or the last ones before closing. */
  async function whenDue(): Promise<void> {
    for (;;) {
      if (isClosing) return;
      let waitMs = Infinity;
      const [first, second] = pending.gatherings;
      if (operators.length > 0) {
        const dueMs = first ? Math.max(first.sinceMs + options.lingerMs, pace.dueMs()) : nextWatermarkMs;
        waitMs = second ? 0 : dueMs - performance.now();
      }
      if (waitMs <= 0) return;
      await bell.wait(waitMs);
    }
  }

  /**
   * Waits for what else the event loop reads: a turn, and on while each brings more. Chargers' messages come in bursts, and a
   * batch for the first few alone would keep all others waiting until Redis has it.
   */
  async function whenRead(): Promise<void> {
    let events: number;
    let turns = 0;
    do {
      events = pending.events;
      await turnOfLoop();
    } while (pending.events < ENOUGH_EVENTS && (++turns < LEAST_TURNS || pending.events > events));
  }

  /** The latest time up to which every event is in the first gathering or before it. */
  function sealWatermarkMs(): number {
    const next = pending.gatherings[0];
    if (next) return next.firstAtMs - 1;
    const watermarkMs = Math.max(nowMs(), leastReceivedAtMs);
    leastReceivedAtMs = watermarkMs + 1;
    return watermarkMs;
  }

  /**
   * A later watermark for the batch under way, whose time ran out while Redis was away: the present. What came after that
   * batch is dated past it, or its own batches would be out of time as well.
   */
  function renewWatermarkMs(): number {
    const watermarkMs = Math.max(nowMs(), leastReceivedAtMs);
    leastReceivedAtMs = redate(pending, watermarkMs + 1);
    return watermarkMs;
  }

  async function writeBatches(): Promise<void> {
    leastReceivedAtMs = await writer.start();
    isOpen = true;
    ready.resolve();
    for (;;) {
      await whenDue();
      await whenRead();
      inFlight = takeFirst(pending);
      if (!inFlight && isClosing) return;
      const startedMs = performance.now();
      pace.begun(startedMs);
      nextWatermarkMs = startedMs + options.idleMs;
      const { lines = [], hashes = [] } = inFlight ?? {};
      await writer.write(lines, hashes, sealWatermarkMs(), () => inFlight && prepare(inFlight));
      writtenBatches++;
      const written = inFlight;
      inFlight = undefined;
      if (written) {
        writtenEvents += written.lines.length;
        settle(pending, written);
      }
      tellRoom();
    }
  }

  function tellRoom(): void {
    if (roomWaiters.length === 0 || !isHalfEmpty(pending, options)) return;
    for (const resolve of roomWaiters) resolve();
    roomWaiters = [];
  }

  /** Ends the outbox: nothing is taken or written any more. */
  function fail(reason: DevsenError): void {
    failure = reason;
    ready.reject(reason);
    if (inFlight) settle(pending, inFlight, reason);
    for (const gathering of pending.gatherings) settle(pending, gathering, reason);
    inFlight = undefined;
    pending.gatherings = [];
    tellRoom();
  }

  const finished = writeBatches().catch((error: unknown) => {
    const reason =
      error instanceof DevsenError ? error : new DevsenError('INTERNAL', 'the outbox broke', { cause: error });
    fail(reason);
    if (gaveUp.signal.aborted) return;
    log.fatal({ err: reason }, 'outbox stopped');
    settings.onFatal(reason);
  });

  return {
    take,
    append: (chain, kind, reply, frame) =>
      new Promise((resolve, reject) => {
        const told = (refusal?: Error) => (refusal === undefined ? resolve() : reject(refusal));
        take(chain, kind, reply, frame, { told });
      }),
    whenRoom: () =>
      isHalfEmpty(pending, options) ? Promise.resolve() : new Promise((resolve) => roomWaiters.push(resolve)),
    setOperators: (accounts) => {
      operators = [...new Set(accounts)];
      bell.ring();
    },
    isReady: () => isOpen && writer.isUp() && operators.length > 0 && !failure && !isClosing,
    whenReady: () => ready.promise,
    stats: () => ({
      pendingEvents: pending.events,
      pendingBytes: pending.bytes,
      lagMs: Math.max(0, performance.now() - ((inFlight ?? pending.gatherings[0])?.sinceMs ?? Infinity)),
      writtenBatches,
      writtenEvents,
    }),
    close: async () => {
      isClosing = true;
      bell.ring();
      const timer = setTimeout(() => gaveUp.abort(), isOpen ? options.closeTimeoutMs : 0);
      await finished;
      clearTimeout(timer);
      writer.close();
    },
  };
}
