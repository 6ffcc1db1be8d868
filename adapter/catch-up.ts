import type { Logger } from '../runtime/log.ts';
import type { GatewayBook } from './gateway-book.ts';
import type { Peer, PeerReader } from './peers.ts';

/** How long a gateway is left alone that no peer could help with, ms. */
const PAUSE_MS = 30_000;

/** Makes the record whole from those of other operators. */
export interface CatchUp {
  /** Looks for gateways whose record lacks its beginning or a part, and fetches that. One round at a time. */
  run: () => Promise<void>;
  /** When a peer's batch was last taken in, Unix ms; 0 if never. Until long after, no gap is given up. */
  lastProgressMs: () => number;
}

export interface CatchUpOptions {
  peers: readonly Peer[];
  reader: PeerReader;
  book: Pick<GatewayBook, 'active' | 'row' | 'standing' | 'convicted'>;
  /** Batches of a gateway that wait for ones before them. */
  gapOf: (gateway: string) => number;
  /** Takes in batches as a peer gave them, verified like any other. @returns how many of them were refused */
  apply: (texts: readonly string[]) => number;
  log: Logger;
  now: () => number;
  closing: AbortSignal;
}

export function makeCatchUp(options: CatchUpOptions): CatchUp {
  const { peers, reader, book, gapOf, apply, log, now, closing } = options;
  let progressMs = 0;
  let isRunning = false;
  /** Until when a gateway is left alone, Unix ms. */
  const pausedUntilMs = new Map<string, number>();

  const isWanting = (gateway: string) => {
    const { state } = book.row(gateway);
    return state === 'unheard' || (state === 'following' && gapOf(gateway) > 0);
  };
  const placeOf = (gateway: string) => {
    const { state, generation, number } = book.row(gateway);
    return state === 'unheard' ? ([0, -1] as const) : ([generation, number] as const);
  };
  /** @returns whether the peer's batches moved the record on, and none of them was refused */
  const take = (gateway: string, texts: readonly string[]): boolean => {
    const before = placeOf(gateway).join();
    const refused = apply(texts);
    if (placeOf(gateway).join() !== before) progressMs = now();
    else return false;
    return refused === 0;
  };

  const fetchFrom = async (peer: Peer, gateway: string): Promise<void> => {
    let taken = 0;
    while (!closing.aborted && isWanting(gateway)) {
      const texts = await reader.batches(peer, gateway, ...placeOf(gateway));
      if (closing.aborted || texts.length === 0 || !take(gateway, texts)) break;
      taken += texts.length;
    }
    if (isWanting(gateway) && !book.convicted().includes(gateway)) {
      // What the peer took back on proof is not among its batches; the proof makes this record take it back too.
      const proofs = await reader.convictions(peer, gateway);
      if (!closing.aborted && proofs.length > 0) take(gateway, proofs);
    }
    if (taken > 0) log.info({ gateway, batches: taken }, 'record made whole from another operator');
  };

  const runOnce = async () => {
    for (const gateway of book.active()) {
      if (!isWanting(gateway) || (pausedUntilMs.get(gateway) ?? 0) > now()) continue;
      for (const [index, peer] of peers.entries()) {
        if (closing.aborted || !isWanting(gateway)) break;
        try {
          await fetchFrom(peer, gateway);
        } catch (error) {
          if (!closing.aborted) log.warn({ peer: index, reason: (error as Error).message }, 'peer not read');
        }
      }
      if (isWanting(gateway)) pausedUntilMs.set(gateway, now() + PAUSE_MS);
    }
  };

  return {
    run: async () => {
      if (isRunning || peers.length === 0) return;
      isRunning = true;
      try {
        await runOnce();
      } finally {
        isRunning = false;
      }
    },
    lastProgressMs: () => progressMs,
  };
}
