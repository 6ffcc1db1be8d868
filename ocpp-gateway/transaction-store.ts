import type { Redis } from 'ioredis';
import type { TransactionId } from '../core/charger-fact.ts';
import { gatherCalls } from '../runtime/gathered-calls.ts';
import type { SessionRecord } from './session-rules.ts';

/** A transaction of a charger. */
export interface KnownTransaction {
  transactionId: TransactionId;
  /** Undefined where OCPP 2.x has not told it yet. */
  connector?: number;
  /** Commitment of the first idTag that was accepted in it; undefined while none was, and where that stands for nobody. */
  card?: string;
  /** The charger event that told of that idTag: it has opened a session, if the idTag is a card's. */
  opening?: {
    epoch: number;
    seq: number;
    /** When it came, Unix ms. */
    atMs?: number;
    /** The meter's register at the transaction's start, Wh; undefined where it told none that can be. */
    startWh?: number;
  };
  /** It has ended: a start of it that is told again does not open it. */
  isOver?: true;
}

/** That a transaction goes on, as a gateway sees it that holds its charger's socket. */
export interface Mark {
  charger: string;
  transactionId: TransactionId;
  connector?: number;
  /** The charger's connection in which it was told. */
  epoch: number;
  /** Unix ms. */
  seenAtMs: number;
}

/** Transactions of chargers, in Redis for all gateways. Rejects with what Redis says. */
export interface TransactionStore {
  load: (charger: string) => Promise<KnownTransaction[]>;
  /** Those that go on. */
  loadOpen: (charger: string) => Promise<KnownTransaction[]>;
  save: (charger: string, transaction: KnownTransaction) => Promise<void>;
  remove: (charger: string, transactionId: TransactionId) => Promise<void>;
  /** Sessions that cards opened at a charger, by their tag. */
  loadSessions: (charger: string) => Promise<SessionRecord[]>;
  saveSession: (charger: string, record: SessionRecord) => Promise<void>;
  removeSession: (charger: string, tag: string) => Promise<void>;
  /** Marks of the transactions that a card has begun, by its commitment. */
  marks: (card: string) => Promise<Mark[]>;
  mark: (card: string, mark: Mark) => Promise<void>;
  unmark: (card: string, mark: Pick<Mark, 'charger' | 'transactionId'>) => Promise<void>;
}

/**
 * @param prefix - key prefix, the same as the outbox's
 * @param keepMs - a charger's transactions are kept so long after the last one was told of
 * @param markMs - a card's marks are kept so long after the last one
 */
export function makeTransactionStore(
  redis: Redis,
  network: string,
  prefix: string,
  keepMs: number,
  markMs: number,
): TransactionStore {
  const keyOf = (charger: string) => `${prefix}:transactions:${network}:${charger}`;
  const sessionsKeyOf = (charger: string) => `${prefix}:card-sessions:${network}:${charger}`;
  const markKeyOf = (card: string) => `${prefix}:card:${network}:${card}`;
  const fieldOf = ({ charger, transactionId }: Pick<Mark, 'charger' | 'transactionId'>) =>
    JSON.stringify([charger, transactionId]);
  redis.defineCommand('workOnHashes', { lua: WORK_ON_HASHES });
  const work = gatherCalls((works: readonly HashWork[]) =>
    (redis as unknown as Scripts).workOnHashes(
      works.length,
      ...works.map(({ key }) => key),
      ...works.flatMap(({ field = '', value = '', lifeMs = '' }) => [field, value, lifeMs]),
    ),
  );
  const valuesOf = async <T>(key: string, without = '') =>
    (await work({ key, value: without })).map((text) => JSON.parse(text) as T);

  return {
    load: (charger) => valuesOf(keyOf(charger)),
    loadOpen: (charger) => valuesOf(keyOf(charger), OVER),
    save: async (charger, transaction) => {
      const [key, field] = [keyOf(charger), JSON.stringify(transaction.transactionId)];
      await work({ key, field, value: JSON.stringify(transaction), lifeMs: keepMs });
    },
    remove: async (charger, transactionId) => {
      await work({ key: keyOf(charger), field: JSON.stringify(transactionId) });
    },
    loadSessions: (charger) => valuesOf(sessionsKeyOf(charger)),
    saveSession: async (charger, record) => {
      const [key, field] = [sessionsKeyOf(charger), record.session.tag];
      await work({ key, field, value: JSON.stringify(record), lifeMs: keepMs });
    },
    removeSession: async (charger, tag) => {
      await work({ key: sessionsKeyOf(charger), field: tag });
    },
    marks: (card) => valuesOf(markKeyOf(card)),
    mark: async (card, mark) => {
      await work({ key: markKeyOf(card), field: fieldOf(mark), value: JSON.stringify(mark), lifeMs: markMs });
    },
    unmark: async (card, mark) => {
      await work({ key: markKeyOf(card), field: fieldOf(mark) });
    },
  };
}

/** What stands in the JSON of a transaction that is over, and in no text there: that would have its quotes escaped. */
const OVER = '"isOver":true';

/**
 * Reads all values of a hash, or only those in which `value` does not stand; with a field takes that out of it; with a
 * field, a value and a life puts the value there.
 */
interface HashWork {
  key: string;
  field?: string;
  value?: string;
  /** Life of the whole hash from now on, ms. */
  lifeMs?: number;
}

/** Does each work in turn; gives the values that it has read. */
const WORK_ON_HASHES = `
local read = {}
for n, key in ipairs(KEYS) do
  local field, value, life = ARGV[3 * n - 2], ARGV[3 * n - 1], ARGV[3 * n]
  read[n] = {}
  if field == '' then
    for _, kept in ipairs(redis.call('HVALS', key)) do
      if value == '' or not string.find(kept, value, 1, true) then
        table.insert(read[n], kept)
      end
    end
  elseif value == '' then
    redis.call('HDEL', key, field)
  else
    redis.call('HSET', key, field, value)
    redis.call('PEXPIRE', key, life)
  end
end
return read`;

interface Scripts {
  workOnHashes: (keyCount: number, ...keysAndArguments: (string | number)[]) => Promise<string[][]>;
}
