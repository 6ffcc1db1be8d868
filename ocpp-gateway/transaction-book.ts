import type { ChargerFact, TransactionId } from '../core/charger-fact.ts';
import { deviceIdOf } from '../core/identity.ts';
import type { OcppVersion } from '../core/ocpp-version.ts';
import { cardSessionId } from '../core/session-answers.ts';
import type { ShownFact } from '../core/session-opening.ts';
import { type ShownTag, shownTag } from '../core/started-tag.ts';
import {
  type CardMarks,
  type CardMarksOptions,
  MARK_EVERY_MS,
  type MarkedTransaction,
  makeCardMarks,
} from './card-marks.ts';
import { KnownTransactions } from './known-transactions.ts';
import { type Believed, isDoubtedBy, isDoubting, suspectEnd } from './lost-ends.ts';
import type { RecordedMessage } from './recorded-message.ts';
import type { KnownTransaction, TransactionStore } from './transaction-store.ts';

/** The transactions that go on at the chargers that are connected here, and by whose idTag. */
export interface TransactionBook extends Pick<CardMarks, 'isConcurrent'> {
  /** To be called with each CALL of a charger that is on record, also as suspect. */
  recorded: (charger: string, action: string, place: { epoch: number; seq: number }, message: RecordedMessage) => void;
  /** Whether another idTag was accepted in a transaction before. Rejects with what Redis says. */
  isOthers: (charger: string, transactionId: TransactionId, idTag: string) => Promise<boolean>;
  /** Whether a transaction's end is known. Rejects with what Redis says. */
  isOver: (charger: string, transactionId: TransactionId) => Promise<boolean>;
  /**
   * Whether a transaction has its idTag already; without one to ask about, whether a card's goes on at the charger. Rejects
   * with what Redis says.
   */
  isBegun: (charger: string, card: string, transactionId: TransactionId | undefined) => Promise<boolean>;
  /** The transactions at a charger that a card has begun and that go on. Rejects with what Redis says. */
  openByCard: (charger: string) => Promise<KnownTransaction[]>;
  /** The transaction by which a card has opened a session; undefined if none goes on. Rejects with what Redis says. */
  transactionOf: (charger: string, sessionId: string) => Promise<TransactionId | undefined>;
  /** To be called when a charger's connection begins, and when it is gone. */
  connected: (charger: string, epoch: number) => void;
  gone: (charger: string, epoch: number) => void;
  close: () => void;
}

/** A transaction that a card has begun; it is certain if it was told of as it happened. */
export type CardTransaction = MarkedTransaction;

export interface TransactionBookOptions extends Omit<CardMarksOptions, 'store'> {
  store: TransactionStore;
  /** A transaction has its card, and its connector; by the message that told of the later of the two. */
  onCard?: (charger: string, transaction: CardTransaction, fact: ShownFact) => void;
  /** A transaction is over. */
  onOver?: (charger: string, transactionId: TransactionId) => void;
  /** A message of a transaction is missing, by the numbers of OCPP 2.x. */
  onGap: (version: string) => void;
}

/** A charger's transactions are kept so long after it told of the last one, ms. */
export const TRANSACTIONS_KEPT_MS = 30 * 86_400_000;
/** Of each charger; of more, the oldest that are over are forgotten. */
const MOST_KNOWN = 100;

interface Entry extends Believed, MarkedTransaction {
  /** Of its last message in this connection. */
  seqNo?: number;
}

interface Connected {
  epoch: number;
  known: KnownTransactions<Entry>;
  loaded: Promise<KnownTransactions<Entry>> | undefined;
  /** Whether a transaction may be certain, for all that has come in: without one a status need not be read. */
  mayBeCertain: boolean;
}

export function makeTransactionBook(options: TransactionBookOptions): TransactionBook {
  const { store, commitmentOf, dialectOf, onGap, log, now } = options;
  const { mark, unmark, isConcurrent } = makeCardMarks(options);
  const chargers = new Map<string, Connected>();

  const put = (work: Promise<void>) => {
    work.catch((error) => log.debug({ err: error }, 'open transaction not kept'));
  };

  const knownAt = (charger: string): Promise<KnownTransactions<Entry>> => {
    const connected = chargers.get(charger);
    if (connected === undefined) return Promise.resolve(new KnownTransactions());
    connected.loaded ??= store.load(charger).then(
      (kept) => {
        const { known } = connected;
        for (const one of kept) {
          if (known.get(one.transactionId) === undefined) {
            known.put({ ...(one.isOver ? ended(one) : one), isCertain: false });
          }
        }
        return known;
      },
      (error) => {
        connected.loaded = undefined;
        throw error;
      },
    );
    return connected.loaded;
  };

  /** Asked for at each connection: what is over is not read for a charger that tells of no transaction. */
  const openAt = async (charger: string): Promise<KnownTransaction[]> => {
    const connected = chargers.get(charger);
    if (connected === undefined || connected.loaded !== undefined) return (await knownAt(charger)).open();
    const open = await store.loadOpen(charger);
    const { known } = connected;
    // What was told meanwhile is newer.
    return [...open.filter(({ transactionId }) => known.get(transactionId) === undefined), ...known.open()];
  };

  const keep = (charger: string, { known }: Connected, entry: Entry) => {
    known.put(entry);
    const { isCertain: _, certainAtSec: __, seqNo: ___, ...kept } = entry;
    put(store.save(charger, kept));
    const oldest = known.size > MOST_KNOWN ? known.oldest() : undefined;
    if (oldest === undefined) return;
    known.delete(oldest.transactionId);
    unmark(charger, oldest);
    put(store.remove(charger, oldest.transactionId));
  };

  const doubt = (charger: string, { known }: Connected, isDoubtful: (entry: Entry) => boolean) => {
    for (const entry of known.open()) {
      if (!entry.isCertain || !isDoubtful(entry)) continue;
      unmark(charger, entry);
      entry.isCertain = false;
    }
  };

  /** Two cars do not charge at one connector: the end of the earlier one was lost. */
  const doubtOthers = (charger: string, connected: Connected, { transactionId, connector }: Entry) => {
    if (connector === undefined) return;
    doubt(charger, connected, (other) => other.transactionId !== transactionId && other.connector === connector);
  };

  const takeIn = (
    charger: string,
    connected: Connected,
    fact: ShownFact,
    told: { version: OcppVersion; shown: ShownTag | undefined; epoch: number; seq: number },
  ) => {
    const { transactionId, connector, detail } = fact;
    const known = connected.known.get(transactionId);
    const entry: Entry = known ?? { transactionId, isCertain: false };
    if (detail !== undefined) {
      if (entry.seqNo !== undefined && detail.seqNo > entry.seqNo + 1) onGap(told.version);
      entry.seqNo = Math.max(detail.seqNo, entry.seqNo ?? 0);
    }
    if (entry.isOver) return;
    if (fact.kind === 'transaction-stopped') {
      unmark(charger, entry);
      keep(charger, connected, { ...ended(entry), isCertain: false, isOver: true });
      options.onOver?.(charger, transactionId);
      return;
    }
    const toldAt = fact.kind === 'transaction-started' ? fact.startedAt : fact.updatedAt;
    if (toldAt.clock === 'sound' && detail?.isOffline !== true) {
      entry.isCertain = true;
      entry.certainAtSec = toldAt.atSec ?? 0;
    }
    const isPlaceNew = connector !== undefined && entry.connector === undefined;
    if (isPlaceNew) entry.connector = connector;
    const tag = !isOpened(entry) && fact.outcome === 'Accepted' ? told.shown : undefined;
    const isTagNew = tag !== undefined;
    if (isTagNew) {
      if (!tag.isFree) entry.card = commitmentOf(tag.tag);
      entry.opening = { epoch: told.epoch, seq: told.seq, atMs: now(), ...startIn(fact) };
    }
    if (known !== undefined && !isPlaceNew && !isTagNew) return;
    keep(charger, connected, entry);
    const isWhole = entry.card !== undefined && entry.connector !== undefined;
    if (isWhole && (isPlaceNew || isTagNew)) options.onCard?.(charger, entry, fact);
    mark(charger, told.epoch, entry);
    if (fact.kind === 'transaction-started' && entry.isCertain) doubtOthers(charger, connected, entry);
  };

  const timer = setInterval(() => {
    for (const [charger, { epoch, known }] of chargers) {
      for (const entry of known.open()) mark(charger, epoch, entry);
    }
  }, MARK_EVERY_MS);
  timer.unref();

  return {
    recorded: (charger, action, { epoch, seq }, message) => {
      const dialect = dialectOf(charger);
      const subject = dialect?.subjects.get(action);
      const isDoubtful = isDoubting(subject);
      if (dialect === undefined || (subject !== 'transaction' && !isDoubtful)) return;
      const connected = chargers.get(charger);
      if (connected === undefined || connected.epoch !== epoch) return;
      // Statuses come often, and where no transaction goes on they say nothing.
      if (isDoubtful && !connected.mayBeCertain) return;
      connected.mayBeCertain = true;
      const shown = isDoubtful ? undefined : shownTag(message);
      const { version } = dialect;
      const { facts } = message;
      // What was open before is known first, so that its card stays its card.
      const take = () => {
        for (const fact of facts) {
          doubt(charger, connected, isDoubtedBy(fact, connected.known));
          if (isOfTransaction(fact)) takeIn(charger, connected, fact, { version, shown, epoch, seq });
        }
        if (message.kind === 'suspect') doubt(charger, connected, suspectEnd(dialect, message.frame, connected.known));
        connected.mayBeCertain = connected.known.open().some(({ isCertain }) => isCertain);
      };
      knownAt(charger)
        .then(take, take)
        .catch((error) =>
          log.error({ err: error, chargerId: charger, action }, 'message of a transaction not taken in'),
        );
    },
    isConcurrent,
    isOthers: async (charger, transactionId, idTag) => {
      const entry = (await knownAt(charger)).get(transactionId);
      return isOpened(entry) && entry?.card !== commitmentOf(idTag);
    },
    isOver: async (charger, transactionId) => (await knownAt(charger)).get(transactionId)?.isOver === true,
    isBegun: async (charger, card, transactionId) => {
      const known = await knownAt(charger);
      if (transactionId !== undefined) return isOpened(known.get(transactionId));
      return known.open().some((entry) => entry.card === card);
    },
    openByCard: async (charger) => (await openAt(charger)).filter(({ card }) => card !== undefined),
    transactionOf: async (charger, sessionId) => {
      const deviceId = deviceIdOf(charger);
      const isOpenedBy = ({ opening }: Entry) =>
        opening !== undefined && cardSessionId(deviceId, BigInt(opening.epoch), BigInt(opening.seq)) === sessionId;
      return (await knownAt(charger)).open().find(isOpenedBy)?.transactionId;
    },
    connected: (charger, epoch) => {
      chargers.set(charger, { epoch, known: new KnownTransactions(), loaded: undefined, mayBeCertain: false });
    },
    gone: (charger, epoch) => {
      const connected = chargers.get(charger);
      if (connected?.epoch !== epoch) return;
      chargers.delete(charger);
      for (const entry of connected.known.open()) unmark(charger, entry);
    },
    close: () => clearInterval(timer),
  };
}

/** Whether an idTag was accepted in a transaction, also one that stands for nobody. */
function isOpened(entry: Entry | undefined): boolean {
  return entry?.card !== undefined || entry?.opening !== undefined;
}

/** What counts of a transaction that is over: where it began no more, but whose it was. */
function ended<Ended extends KnownTransaction>(transaction: Ended): Ended {
  if (transaction.card === undefined) return transaction;
  const { opening: _, ...rest } = transaction;
  return rest as Ended;
}

function startIn(fact: ShownFact): { startWh?: number } {
  if (fact.kind !== 'transaction-started' || fact.meterStartWh === undefined || fact.meterStartWh < 0) return {};
  return { startWh: fact.meterStartWh };
}

function isOfTransaction(fact: ChargerFact): fact is ShownFact {
  return (
    fact.kind === 'transaction-started' || fact.kind === 'transaction-updated' || fact.kind === 'transaction-stopped'
  );
}
