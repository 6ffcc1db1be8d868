import { hash } from 'node:crypto';
import { type Batch, batchText, parseBatch } from '../core/batch.ts';
import { DevsenError } from '../core/errors.ts';
import type { SealedBatch } from '../core/sealed-batch.ts';
import type { Logger } from '../runtime/log.ts';
import { type CustodyView, judgeBatch, type Verdict } from './custody.ts';
import type { Database } from './database.ts';
import { type EventLog, makeEventLog } from './event-log.ts';
import type { FormerKey } from './former-keys.ts';
import { type GatewayBook, type GatewayRow, type ListedGateway, makeGatewayBook } from './gateway-book.ts';
import { makeSideTables } from './side-tables.ts';
import { isSignedBy, makeKeyRing } from './signature.ts';

/** How long a batch that leaves a gap waits for the ones before it, while Redis is there to bring them. */
export const GAP_PATIENCE_MS = 120_000;

/** Has a transaction undone in which a record did not begin. */
const NOT_BEGUN = new Error('the record does not begin there');

/** What is counted while batches are taken in. */
export interface IngestCounts {
  batch: (outcome: Verdict['kind']) => void;
  events: (count: number) => void;
  unusable: (action: string) => void;
}

/** The writing side of the record. */
export interface Ingest {
  /**
   * Takes in batches as they came from the queue, in one transaction. What is false is refused and kept as evidence;
   * only a database that fails throws, and then nothing of it was done.
   *
   * @throws DevsenError `DATABASE_UNAVAILABLE`
   */
  apply: (texts: readonly string[], nowMs: number) => void;
  /**
   * As `apply`, for batches that another operator gave: they are verified the same way, but one that does not fit is left
   * out without a trace, since anybody may have made it.
   *
   * @returns how many were left out
   * @throws DevsenError `DATABASE_UNAVAILABLE`
   */
  applyFromPeer: (texts: readonly string[], nowMs: number) => number;
  /**
   * Begins the record of a gateway of which nothing is on record yet after a batch that is the last of a process: then nothing of
   * what went before goes on. All that the chargers have not told since remains unknown.
   *
   * @param anchor - that batch, without what was said in it
   * @param texts - batches of a peer from the next one on
   * @returns false if anchor and first batch do not fit or are not signed, and nothing was taken in
   * @throws DevsenError `DATABASE_UNAVAILABLE`
   */
  beginAfter: (anchor: SealedBatch, texts: readonly string[], nowMs: number) => boolean;
  /** Takes over which gateways the chain registers, and the keys they had before, and looks again at what waited for that. */
  listGateways: (gateways: readonly ListedGateway[], nowMs: number, formerKeys?: readonly FormerKey[]) => void;
  /** Goes on without batches that have not come for `GAP_PATIENCE_MS`, counted while the queue was watched. */
  giveUpGaps: (nowMs: number, watchedSinceMs: number) => void;
  book: GatewayBook;
  parkedOf: (gateway: string) => number;
  /** Batches of a gateway that wait for one before them. */
  gapOf: (gateway: string) => number;
  /** A batch on record as it travelled, JSON. */
  batchText: (id: number) => string;
}

interface Came {
  batch: Batch;
  nowMs: number;
}

export function makeIngest(db: Database, network: string, log: Logger, counts: IngestCounts): Ingest {
  const book = makeGatewayBook(db);
  const events = makeEventLog(db, network);
  const side = makeSideTables(db);
  const keyOf = makeKeyRing();

  /** How many batches of a peer were left out; undefined while the queue's are taken in. */
  let leftOut: number | undefined;

  const inTransaction = (work: () => void) => {
    try {
      db.transaction(work);
    } catch (error) {
      book.forget();
      events.forget();
      side.forget();
      throw error;
    }
  };

  const takeText = (text: string, nowMs: number) => {
    let batch: Batch;
    try {
      batch = parseBatch(text);
    } catch (error) {
      if (!(error instanceof DevsenError)) throw error;
      counts.batch('refuse');
      refuse('unknown', error.message, text, nowMs);
      return;
    }
    if (batch.network !== network) {
      counts.batch('refuse');
      refuse(batch.gateway, 'batch is of another network', JSON.stringify(batch), nowMs);
      return;
    }
    take({ batch, nowMs });
    const before = leftOut;
    leftOut = undefined;
    drainParked(batch.gateway, nowMs);
    leftOut = before;
  };

  /** @returns whether the batch found its place, rather than wait for another */
  const take = (came: Came): boolean => {
    const { batch, nowMs } = came;
    const row = book.row(batch.gateway);
    const view = viewOf(batch, row, book, events, keyOf);
    const verdict = judgeBatch(batch, view);
    counts.batch(verdict.kind);
    switch (verdict.kind) {
      case 'accept':
        accept(came, row, verdict);
        return true;
      case 'duplicate':
        return true;
      case 'pass':
        book.save({ ...row, number: Math.max(row.number, batch.number) });
        return true;
      case 'park': {
        if (leftOut !== undefined) {
          leftOut++;
          return true;
        }
        if (side.park(batch, JSON.stringify(batch), verdict.reason, nowMs)) return false;
        refuse(batch.gateway, 'too many batches wait already', JSON.stringify(batch), nowMs);
        return true;
      }
      case 'refuse':
        refuse(batch.gateway, verdict.reason, JSON.stringify(batch), nowMs);
        return true;
      case 'break':
        side.addEvidence(batch.gateway, verdict.reason, JSON.stringify(batch), nowMs);
        breakOff(row, batch, verdict.digest);
        return true;
      case 'convict':
        convict(came, row, verdict.number, view.key?.address ?? '');
        return true;
    }
  };

  const accept = (came: Came, row: GatewayRow, verdict: Extract<Verdict, { kind: 'accept' }>) => {
    const { batch } = came;
    const { opensChapter, digest, isLate } = verdict;
    const gateway = row.id || book.save({ ...row, state: 'seeking' });
    const chapter = opensChapter ? events.addChapter({ gateway, batch, ...opensChapter }) : row.chapter;
    if (opensChapter && opensChapter.reason !== 'first') {
      log.warn(
        { gateway: batch.gateway, ...opensChapter, number: batch.number },
        'record of the gateway goes on after a break',
      );
    }
    const batchId = events.addBatch({ gateway, chapter, batch, digest, isLate });
    const place = { gateway, account: batch.gateway, chapter, batchId, batch, isLate };
    for (const fact of events.addEvents(place, verdict.events)) {
      if (fact.kind === 'unusable') counts.unusable(fact.action ?? 'none');
    }
    counts.events(batch.events.length);
    book.save(headAfter(row, batch, { id: gateway, chapter, digest, watermarkMs: batch.watermarkMs }));
  };

  const breakOff = (row: GatewayRow, batch: Batch, digest: string) => {
    log.error({ gateway: batch.gateway, number: batch.number }, 'gateway signed a batch that breaks the rules');
    const { watermarkMs, chapter, id } = row;
    const bootedAtMs = Math.max(row.bootedAtMs, batch.bootedAtMs);
    book.save({ ...headAfter(row, batch, { id, chapter, digest, watermarkMs }), state: 'seeking', bootedAtMs });
  };

  const convict = ({ batch, nowMs }: Came, row: GatewayRow, number: number, key: string) => {
    const generation = batch.generation;
    const stored = events.stored(row.id, generation, number);
    if (stored === undefined) return;
    log.error({ gateway: batch.gateway, generation, number }, 'gateway signed two batches that contradict each other');
    side.convict({
      gateway: batch.gateway,
      key,
      nowMs,
      generation,
      number,
      kept: events.batchText(stored.id),
      text: JSON.stringify(batch),
    });
    book.convict(batch.gateway, key);
    events.voidFrom(row.id, stored.id);
    const last = events.lastBatch(row.id);
    book.save({
      ...row,
      state: 'seeking',
      isMissed: false,
      chapter: last?.chapter ?? 0,
      watermarkMs: last?.watermark_ms ?? 0,
    });
  };

  const refuse = (gateway: string, reason: string, text: string, nowMs: number) => {
    if (leftOut !== undefined) {
      leftOut++;
      log.warn({ gateway, reason }, 'batch of another operator left out');
      return;
    }
    log.warn({ gateway, reason }, 'batch refused');
    side.addEvidence(gateway, reason, text, nowMs);
  };

  const drainParked = (gateway: string, nowMs: number) => {
    for (;;) {
      const { generation, number } = book.row(gateway);
      const next = side.takeNext(gateway, generation, number + 1);
      if (next === undefined || !take({ batch: parseBatch(next), nowMs })) return;
    }
  };

  const isOfGateway = ({ network: of, gateway, publicKey, signature, watermarkMs }: SealedBatch, digest: string) => {
    const key = keyOf(publicKey);
    if (of !== network || key === undefined) return false;
    return book.standing(gateway, key.address, watermarkMs) === 'registered' && isSignedBy(key, digest, signature);
  };

  return {
    apply: (texts, nowMs) =>
      inTransaction(() => {
        for (const text of texts) takeText(text, nowMs);
      }),
    applyFromPeer: (texts, nowMs) => {
      let count = 0;
      try {
        inTransaction(() => {
          leftOut = 0;
          for (const text of texts) takeText(text, nowMs);
          count = leftOut;
        });
      } finally {
        leftOut = undefined;
      }
      return count;
    },
    beginAfter: (anchor, texts, nowMs) => {
      const row = book.row(anchor.gateway);
      const digest = hash('sha256', batchText(anchor, anchor.eventHashes));
      if (row.state !== 'unheard' || !isOfGateway(anchor, digest) || !isNamedBy(texts[0], digest)) return false;
      const { generation, number, watermarkMs, bootedAtMs } = anchor;
      try {
        inTransaction(() => {
          leftOut = 0;
          const place = { generation, number, digest, watermarkMs, bootedAtMs };
          book.save({ ...row, ...place, state: 'seeking', isMissed: true });
          for (const text of texts) takeText(text, nowMs);
          if (book.row(anchor.gateway).state !== 'following') throw NOT_BEGUN;
        });
        return true;
      } catch (error) {
        if (error !== NOT_BEGUN) throw error;
        return false;
      } finally {
        leftOut = undefined;
      }
    },
    listGateways: (gateways, nowMs, formerKeys = []) =>
      inTransaction(() => {
        book.list(gateways, nowMs);
        book.addFormer(formerKeys);
        for (const { account } of gateways) {
          for (const text of side.takeForKey(account)) take({ batch: parseBatch(text), nowMs });
          drainParked(account, nowMs);
        }
      }),
    giveUpGaps: (nowMs, watchedSinceMs) => {
      for (const gateway of side.gapsSince(nowMs - GAP_PATIENCE_MS)) {
        if (watchedSinceMs > nowMs - GAP_PATIENCE_MS) return;
        inTransaction(() => {
          const text = side.takeFirst(gateway);
          if (text === undefined) return;
          const batch = parseBatch(text);
          const row = book.row(gateway);
          log.error(
            { gateway, from: row.number + 1, to: batch.number - 1 },
            'batches are lost here; the record breaks off',
          );
          const { chapter, watermarkMs, id } = row;
          book.save({
            ...headAfter(row, batch, { id, chapter, digest: row.digest, watermarkMs }),
            state: 'seeking',
            isMissed: true,
          });
          drainParked(gateway, nowMs);
        });
      }
    },
    book,
    parkedOf: side.parkedOf,
    gapOf: side.gapOf,
    batchText: events.batchText,
  };
}

/** Whether a batch says that it comes after another. */
function isNamedBy(text: string | undefined, digest: string): boolean {
  try {
    return text !== undefined && parseBatch(text).previous === digest;
  } catch {
    return false;
  }
}

function viewOf(
  batch: Batch,
  row: GatewayRow,
  book: GatewayBook,
  events: EventLog,
  keyOf: ReturnType<typeof makeKeyRing>,
): CustodyView {
  const key = keyOf(batch.publicKey);
  return {
    state: row,
    key,
    standing: key === undefined ? 'unregistered' : book.standing(batch.gateway, key.address, batch.watermarkMs),
    stored: (generation, number) => events.stored(row.id, generation, number),
    connection: (charger, epoch) => events.connection(row.id, charger, epoch),
    hashOf: (charger, epoch, seq) => events.hashOf(row.id, charger, epoch, seq),
  };
}

function headAfter(
  row: GatewayRow,
  batch: Batch,
  head: Pick<GatewayRow, 'id' | 'chapter' | 'digest' | 'watermarkMs'>,
): GatewayRow {
  return {
    account: row.account,
    state: 'following',
    generation: batch.generation,
    number: batch.number,
    bootedAtMs: batch.bootedAtMs,
    isMissed: false,
    ...head,
  };
}
