import type { SealedBatch } from '../core/sealed-batch.ts';
import type { Logger } from '../runtime/log.ts';
import type { PeerBeginning } from './batch-export.ts';
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
  /** As `apply`, for the batches after one with which a record begins. @returns false if nothing was taken in */
  beginAfter: (anchor: SealedBatch, texts: readonly string[]) => boolean;
  log: Logger;
  now: () => number;
  closing: AbortSignal;
}

export function makeCatchUp(options: CatchUpOptions): CatchUp {
  const { peers, reader, book, gapOf, apply, beginAfter, log, now, closing } = options;
  let progressMs = 0;
  let isRunning = false;
  /** Until when a gateway is left alone, Unix ms. */
  const pausedUntilMs = new Map<string, number>();

  const isWanting = (gateway: string) => {
    const { state } = book.row(gateway);
    return state === 'unheard' || (state === 'following' && gapOf(gateway) > 0);
  };
  const placeOf = (gateway: string) => {
    const { generation, number } = book.row(gateway);
    return [generation, number] as const;
  };
  /** @returns whether the peer's batches moved the record on, and none of them was refused */
  const take = (gateway: string, texts: readonly string[], anchor: SealedBatch | null = null): boolean => {
    const before = placeOf(gateway).join();
    const isAnchored = anchor !== null && book.row(gateway).state === 'unheard';
    const isWhole = isAnchored ? beginAfter(anchor, texts) : apply(texts) === 0;
    if (placeOf(gateway).join() === before) return false;
    progressMs = now();
    return isWhole;
  };

  /** @param begin - where a record begins that has nothing of the gateway yet */
  const fetchFrom = async (peer: Peer, gateway: string, begin: PeerBeginning | undefined): Promise<void> => {
    let taken = 0;
    while (!closing.aborted && isWanting(gateway)) {
      const isNew = book.row(gateway).state === 'unheard';
      if (isNew && begin === undefined) break;
      const place = isNew && begin !== undefined ? ([begin.generation, begin.number] as const) : placeOf(gateway);
      const texts = await reader.batches(peer, gateway, ...place);
      if (closing.aborted || texts.length === 0 || !take(gateway, texts, begin?.anchor)) break;
      taken += texts.length;
    }
    if (isWanting(gateway) && !book.convicted().includes(gateway)) {
      // What the peer took back on proof is not among its batches; the proof makes this record take it back too.
      const proofs = await reader.convictions(peer, gateway);
      if (!closing.aborted && proofs.length > 0) take(gateway, proofs);
    }
    if (taken > 0) log.info({ gateway, batches: taken }, 'record made whole from another operator');
  };

  const asking = async <Told>(peer: Peer, ask: () => Promise<Told>): Promise<Told | undefined> => {
    try {
      return await ask();
    } catch (error) {
      const reason = (error as Error).message;
      if (!closing.aborted) log.warn({ peer: peers.indexOf(peer), reason }, 'peer not read');
      return undefined;
    }
  };

  /** Peers with where they begin, who goes back furthest first; a record that is begun needs no beginning. */
  const inOrder = async (gateway: string): Promise<{ peer: Peer; begin: PeerBeginning | undefined }[]> => {
    if (book.row(gateway).state !== 'unheard') return peers.map((peer) => ({ peer, begin: undefined }));
    const found: { peer: Peer; begin: PeerBeginning | undefined }[] = [];
    for (const peer of peers) {
      if (closing.aborted) break;
      found.push({ peer, begin: await asking(peer, () => reader.beginning(peer, gateway)) });
    }
    const place = ({ begin }: { begin: PeerBeginning | undefined }) => begin ?? { generation: Infinity, number: 0 };
    return found.sort((one, other) => {
      const [a, b] = [place(one), place(other)];
      return a.generation === b.generation ? a.number - b.number : a.generation < b.generation ? -1 : 1;
    });
  };

  const runOnce = async () => {
    for (const gateway of book.active()) {
      if (!isWanting(gateway) || (pausedUntilMs.get(gateway) ?? 0) > now()) continue;
      for (const { peer, begin } of await inOrder(gateway)) {
        if (closing.aborted || !isWanting(gateway)) break;
        await asking(peer, () => fetchFrom(peer, gateway, begin));
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
