import { readChargerTime } from '../core/charger-time.ts';
import type { JsonObject } from '../core/json.ts';
import type { Logger } from '../runtime/log.ts';
import type { Dialect } from './dialect.ts';
import type { KnownTransaction, Mark, TransactionStore } from './transaction-store.ts';

/** By which card a transaction goes on, told to all gateways of the network: a card may be to begin one at a time. */
export interface CardMarks {
  /** Says that a transaction goes on, if that is certain; to be said again every `MARK_EVERY_MS`. */
  mark: (charger: string, epoch: number, transaction: MarkedTransaction) => void;
  unmark: (charger: string, transaction: MarkedTransaction) => void;
  /**
   * Whether a CALL begins a transaction while another one by the same idTag goes on for certain: at a charger that is
   * connected to a gateway of the network, has told of it in that connection, and at another connector. Never rejects.
   */
  isConcurrent: (
    charger: string,
    idTag: string,
    call: { action: string; payload: unknown },
    transactionId?: number,
  ) => Promise<boolean>;
}

export interface MarkedTransaction extends KnownTransaction {
  /** Whether it was told of in this connection, as it happened. */
  isCertain: boolean;
}

export interface CardMarksOptions {
  store: Pick<TransactionStore, 'mark' | 'unmark' | 'marks'>;
  /** The network's commitment of an idTag. */
  commitmentOf: (idTag: string) => string;
  /** Undefined if the charger is not connected here. */
  dialectOf: (charger: string) => Dialect | undefined;
  /** Whether a gateway of the network holds this connection of a charger, and no newer one. Rejects with what Redis says. */
  isHeld: (charger: string, epoch: number) => Promise<boolean>;
  /** Whether a card is to begin one transaction at a time; else none counts as concurrent. */
  refusesConcurrent: boolean;
  log: Logger;
  now: () => number;
}

/** Who holds a charger's socket says so often that its transactions go on; without that they are not certain any more. */
export const MARK_EVERY_MS = 60_000;
export const MARK_VALID_MS = 150_000;

export function makeCardMarks(options: CardMarksOptions): CardMarks {
  const { store, commitmentOf, dialectOf, isHeld, refusesConcurrent, log, now } = options;

  const put = (work: Promise<void>) => {
    work.catch((error) => log.debug({ err: error }, 'open transaction not kept'));
  };

  return {
    mark: (charger, epoch, { card, transactionId, connector, isCertain, isOver }) => {
      if (card === undefined || !isCertain || isOver) return;
      const where = connector === undefined ? {} : { connector };
      put(store.mark(card, { charger, transactionId, ...where, epoch, seenAtMs: now() }));
    },
    unmark: (charger, { card, transactionId, isCertain }) => {
      if (card !== undefined && isCertain) put(store.unmark(card, { charger, transactionId }));
    },
    isConcurrent: async (charger, idTag, { action, payload }, transactionId) => {
      const start = dialectOf(charger)?.startIn(action, payload as JsonObject, transactionId);
      if (!refusesConcurrent || start?.stage !== 'begins') return false;
      // What a charger tells of the past says nothing about what goes on now.
      if (readChargerTime(start.timestamp, now()).clock !== 'sound' || start.isOffline) return false;
      const isOther = (mark: Mark) => {
        if (Math.abs(now() - mark.seenAtMs) > MARK_VALID_MS) return false;
        if (mark.charger !== charger) return true;
        const { connector = mark.connector } = start;
        return mark.transactionId !== start.transactionId && mark.connector !== connector;
      };
      try {
        const others = (await store.marks(commitmentOf(idTag))).filter(isOther);
        // A gateway that died has left marks behind: its chargers may have come back since, and not told of an end yet.
        return (await Promise.all(others.map(({ charger, epoch }) => isHeld(charger, epoch)))).includes(true);
      } catch (error) {
        log.debug({ err: error, chargerId: charger }, 'transactions of a card not looked up');
        return false;
      }
    },
  };
}
