import { type ConnectionChain, redateEvent } from './custody.ts';

/** Who waits until an event is on record. Nothing here may throw. */
export interface Waiter {
  /** Called at least once before it is told that Redis has the event, at a time when nobody waits for what is done here. */
  prepare?: () => void;
  /** Called once: Redis has the event for every operator, or why it never will. */
  told: (refusal?: Error) => void;
  /** Called when Redis has it, and all who waited for the same batch were told: for what is less urgent. */
  follow?: () => void;
}

/** Events that will go into one batch. */
export interface Gathering {
  lines: string[];
  /** `chainHash` of each line. */
  hashes: string[];
  /** The chain each line is in, and that chain's hash before it: what it takes to date the line anew. */
  chains: ConnectionChain[];
  hashesBefore: string[];
  bytes: number;
  /** receivedAtMs of the first event. */
  firstAtMs: number;
  /** `performance.now()` at the first event. */
  sinceMs: number;
  /** Who waits for each line. */
  waiters: Waiter[];
}

export interface PendingBounds {
  maxPendingEvents: number;
  maxPendingBytes: number;
  maxBatchEvents: number;
  maxBatchBytes: number;
}

/** What waits for Redis, in order, in bounded memory. */
export interface Pending {
  events: number;
  bytes: number;
  /** Gatherings in order; all but the last are full. */
  gatherings: Gathering[];
}

/** An event's share of memory beside its text: its hash, who waits for it, what hangs on it. Roughly. */
const EVENT_OVERHEAD_BYTES = 512;

export function makePending(): Pending {
  return { events: 0, bytes: 0, gatherings: [] };
}

/** Whether another event of that many characters has room. */
export function hasRoom(pending: Pending, length: number, bounds: PendingBounds): boolean {
  return (
    pending.events < bounds.maxPendingEvents && pending.bytes + length + EVENT_OVERHEAD_BYTES <= bounds.maxPendingBytes
  );
}

/** Whether less than half of each bound is used. */
export function isHalfEmpty(pending: Pending, bounds: PendingBounds): boolean {
  return pending.events * 2 < bounds.maxPendingEvents && pending.bytes * 2 < bounds.maxPendingBytes;
}

/** Whether the next event begins a gathering while another one still waits. */
export function isLastFull(pending: Pending, bounds: PendingBounds): boolean {
  const last = pending.gatherings.at(-1);
  return last !== undefined && (last.lines.length >= bounds.maxBatchEvents || last.bytes >= bounds.maxBatchBytes);
}

/**
 * Puts an event behind all others; returns the gathering it is in.
 *
 * @param chain - as it stands with the event
 * @param hashBefore - the chain's hash before it
 * @param waiter - told by `settle`
 */
export function gather(
  pending: Pending,
  line: string,
  chain: ConnectionChain,
  hashBefore: string,
  receivedAtMs: number,
  waiter: Waiter,
  bounds: PendingBounds,
): Gathering {
  const before = pending.gatherings.at(-1);
  const isNew = before === undefined || isLastFull(pending, bounds);
  const last = isNew ? makeGathering(receivedAtMs) : before;
  if (isNew) pending.gatherings.push(last);
  const bytes = line.length + EVENT_OVERHEAD_BYTES;
  last.lines.push(line);
  last.hashes.push(chain.hash);
  last.chains.push(chain);
  last.hashesBefore.push(hashBefore);
  last.waiters.push(waiter);
  last.bytes += bytes;
  pending.events++;
  pending.bytes += bytes;
  if (isNew && before !== undefined) prepare(before);
  return last;
}

function makeGathering(firstAtMs: number): Gathering {
  return {
    lines: [],
    hashes: [],
    chains: [],
    hashesBefore: [],
    bytes: 0,
    firstAtMs,
    sinceMs: performance.now(),
    waiters: [],
  };
}

/**
 * Dates all that waits anew: each gathering gets a millisecond of its own, in order.
 *
 * @param fromMs - that of the first gathering, Unix ms
 * @returns that of the last one; `fromMs` if nothing waits
 */
export function redate(pending: Pending, fromMs: number): number {
  const heads = new Map<ConnectionChain, string>();
  let atMs = fromMs - 1;
  for (const gathering of pending.gatherings) {
    gathering.firstAtMs = ++atMs;
    for (const [index, chain] of gathering.chains.entries()) {
      const before = heads.get(chain) ?? gathering.hashesBefore[index] ?? '';
      gathering.lines[index] = redateEvent(chain, gathering.lines[index] ?? '', before, atMs);
      gathering.hashesBefore[index] = before;
      gathering.hashes[index] = chain.hash;
      heads.set(chain, chain.hash);
    }
  }
  return Math.max(atMs, fromMs);
}

/** Takes the first gathering out; it still counts against the bounds until `settle`. */
export function takeFirst(pending: Pending): Gathering | undefined {
  return pending.gatherings.shift();
}

/** Has who waits for a gathering's events prepare for them: while Redis is at work, or where it is behind. */
export function prepare({ waiters }: Gathering): void {
  for (const waiter of waiters) waiter.prepare?.();
}

/** Frees the share of a gathering and tells who waits for its events: written, or given up for a reason. */
export function settle(pending: Pending, gathering: Gathering, reason?: Error): void {
  pending.events -= gathering.lines.length;
  pending.bytes -= gathering.bytes;
  for (const waiter of gathering.waiters) waiter.told(reason);
  if (reason !== undefined) return;
  for (const waiter of gathering.waiters) waiter.follow?.();
}
