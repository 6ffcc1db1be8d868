import { randomUUID } from 'node:crypto';
import { Redis, type RedisOptions } from 'ioredis';
import { eventQueueName } from '../core/batch.ts';
import { DevsenError } from '../core/errors.ts';
import { sha256Hex } from '../core/identity.ts';
import { gatherCalls } from '../runtime/gathered-calls.ts';
import type { Logger } from '../runtime/log.ts';

/** What the gateway keeps in Redis beside its outbox. Every call rejects with DevsenError `REDIS_UNAVAILABLE`. */
export interface GatewayRedis {
  /** The epoch of a new connection: `max(nowMs, last + 1)`, at whichever gateway the charger was before. */
  nextEpoch: (charger: string, nowMs: number) => Promise<number>;
  /**
   * The OCPP 1.6 transactionId of a StartTransaction: an int32 that no other transaction of the network has.
   *
   * @param fingerprint - what makes the message the same when it is sent again; the same one gets the same id for `memorySec`
   */
  transactionIdFor: (charger: string, fingerprint: string, nowMs: number, memorySec: number) => Promise<number>;
  /**
   * Uses a manager's nonce, at whichever gateway; false if it was used before.
   *
   * @param deadlineMs - until then it is remembered, and a while longer for clocks that differ
   */
  useNonce: (manager: string, nonce: string, deadlineMs: number) => Promise<boolean>;
  /** Keeps what the chain commits to for a charger, as any text, for a start while the chain is away. */
  saveCredential: (charger: string, credential: string) => Promise<void>;
  /** All that was saved, by charger. */
  loadCredentials: () => Promise<Map<string, string>>;
  /** Keeps what a charger was issued, as any text. */
  saveIssued: (charger: string, issued: string) => Promise<void>;
  loadIssued: (charger: string) => Promise<string | undefined>;
  /** What connectors a charger is known to have: how many at each EVSE. */
  saveConnectors: (charger: string, parts: readonly number[]) => Promise<void>;
  loadConnectors: (charger: string) => Promise<readonly number[] | undefined>;
  /** Keeps whether a charger as a whole cannot be used. */
  setOut: (charger: string, isOut: boolean) => Promise<void>;
  isOut: (charger: string) => Promise<boolean>;
  /** Batches that wait for each of these operators (accounts in UserDEVSEN). */
  waitingBatches: (operators: readonly string[]) => Promise<{ operator: string; batches: number }[]>;
  /** Ways in which this Redis would lose what it confirmed; empty if there is none. */
  durabilityFindings: () => Promise<string[]>;
  isUp: () => boolean;
  close: () => Promise<void>;
}

/** Redis and the gateways may disagree so much on the time. */
const CLOCKS_DIFFER_MS = 300_000;

/** transactionIds count from the seconds since then, so they go on growing if Redis is lost; int32 lasts until 2093. */
const TRANSACTION_IDS_START_MS = Date.UTC(2025, 0, 1);

/** Of each charger in turn. */
const NEXT_EPOCHS = `
local epochs = {}
for n, charger in ipairs(ARGV) do
  if n % 2 == 1 then
    local last = tonumber(redis.call('HGET', KEYS[1], charger) or '0')
    local epoch = string.format('%.0f', math.max(tonumber(ARGV[n + 1]), last + 1))
    redis.call('HSET', KEYS[1], charger, epoch)
    epochs[#epochs + 1] = epoch
  end
end
return epochs`;

/** Of each transaction in turn: its key stands behind that of the counter; its least id, and how long its key lives, s. */
const TRANSACTION_IDS = `
local ids = {}
for n = 2, #KEYS do
  local id = redis.call('GET', KEYS[n])
  if not id then
    local last = tonumber(redis.call('GET', KEYS[1]) or '0')
    id = string.format('%.0f', math.max(last + 1, tonumber(ARGV[2 * n - 3])))
    redis.call('SET', KEYS[1], id)
    redis.call('SET', KEYS[n], id, 'EX', ARGV[2 * n - 2])
  end
  ids[n - 1] = id
end
return ids`;

interface Scripts {
  nextEpochs: (epochs: string, ...chargersAndTimes: (string | number)[]) => Promise<string[]>;
  transactionIds: (keyCount: number, ...keysAndArguments: (string | number)[]) => Promise<string[]>;
}

/** Opens a connection that reconnects by itself; while it is away, calls fail at once. */
export function connectRedis(url: string, name: string, log: Logger, scripts: RedisOptions['scripts'] = {}): Redis {
  const redis = new Redis(url, {
    connectionName: name,
    enableOfflineQueue: false,
    enableAutoPipelining: true,
    // Who has scripts run often gathers calls already; once more would take another turn of the event loop.
    autoPipeliningIgnoredCommands: ['evalsha'],
    maxRetriesPerRequest: 1,
    commandTimeout: 5_000,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 6), 2_000),
    scripts,
  });
  redis.on('error', (error) => log.warn({ reason: error.message }, 'Redis connection failed'));
  return redis;
}

/**
 * Opens the gateway's general connection; it reconnects by itself, and while it is away calls fail at once.
 *
 * @param prefix - key prefix, the same as the outbox's
 */
export function openGatewayRedis(url: string, network: string, prefix: string, log: Logger): GatewayRedis {
  const redis = connectRedis(url, 'devsen-gateway', log, {
    nextEpochs: { lua: NEXT_EPOCHS, numberOfKeys: 1 },
    transactionIds: { lua: TRANSACTION_IDS },
  });
  const scripts = redis as unknown as Scripts;
  const key = (name: string) => `${prefix}:${name}:${network}`;
  const nextEpoch = gatherCalls((connections: readonly { charger: string; nowMs: number }[]) =>
    scripts.nextEpochs(key('epochs'), ...connections.flatMap(({ charger, nowMs }) => [charger, nowMs])),
  );
  const transactionId = gatherCalls((starts: readonly { transaction: string; leastId: number; memorySec: number }[]) =>
    scripts.transactionIds(
      starts.length + 1,
      key('transaction-id'),
      ...starts.map(({ transaction }) => transaction),
      ...starts.flatMap(({ leastId, memorySec }) => [leastId, memorySec]),
    ),
  );

  return {
    nextEpoch: async (charger, nowMs) => Number(await translated(nextEpoch({ charger, nowMs }))),
    transactionIdFor: async (charger, fingerprint, nowMs, memorySec) => {
      const transaction = `${key('transaction')}:${sha256Hex(`${charger}\n${fingerprint}`)}`;
      const leastId = Math.max(1, Math.floor((nowMs - TRANSACTION_IDS_START_MS) / 1000));
      return Number(await translated(transactionId({ transaction, leastId, memorySec })));
    },
    useNonce: async (manager, nonce, deadlineMs) => {
      const name = `${key('command-nonce')}:${manager}:${nonce}`;
      const own = randomUUID();
      const used = await translated(redis.set(name, own, 'PXAT', deadlineMs + CLOCKS_DIFFER_MS, 'NX'));
      // Where the connection broke before the reply was through, it was sent again and found what it had set itself.
      return used === 'OK' || (await translated(redis.get(name))) === own;
    },
    saveCredential: async (charger, credential) => {
      await translated(redis.hset(key('credentials'), charger, credential));
    },
    loadCredentials: async () => new Map(Object.entries(await translated(redis.hgetall(key('credentials'))))),
    saveIssued: async (charger, issued) => {
      await translated(redis.hset(key('issued'), charger, issued));
    },
    loadIssued: async (charger) => (await translated(redis.hget(key('issued'), charger))) ?? undefined,
    saveConnectors: async (charger, parts) => {
      await translated(redis.hset(key('connectors'), charger, JSON.stringify(parts)));
    },
    loadConnectors: async (charger) => {
      const text = await translated(redis.hget(key('connectors'), charger));
      return text === null ? undefined : readParts(text);
    },
    setOut: async (charger, isOut) => {
      await translated(isOut ? redis.hset(key('out'), charger, '1') : redis.hdel(key('out'), charger));
    },
    isOut: async (charger) => (await translated(redis.hexists(key('out'), charger))) === 1,
    waitingBatches: (operators) =>
      Promise.all(
        operators.map(async (operator) => ({
          operator,
          batches: await translated(redis.llen(`${prefix}:${eventQueueName(operator)}:wait`)),
        })),
      ),
    durabilityFindings: () => durabilityFindings(redis),
    isUp: () => redis.status === 'ready',
    close: async () => {
      await redis.quit().catch(() => redis.disconnect());
    },
  };
}

/** Earlier versions of the gateway kept the number of connectors alone. */
function readParts(text: string): number[] {
  const kept: unknown = JSON.parse(text);
  return Array.isArray(kept) ? kept.map(Number) : new Array<number>(Number(kept)).fill(1);
}

/**
 * Opens a connection that lives once: when it breaks, every command on it fails and it does not come back, so the state
 * it held (WATCH) can never be taken for that of another connection.
 *
 * @throws DevsenError `REDIS_UNAVAILABLE`
 */
export async function openSingleLifeRedis(url: string, name: string, connectTimeout: number): Promise<Redis> {
  const redis = new Redis(url, {
    connectionName: name,
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: null,
    retryStrategy: () => null,
    connectTimeout,
    disableClientInfo: true,
  });
  redis.on('error', () => {});
  try {
    await translated(withDeadline(redis.connect(), connectTimeout));
    return redis;
  } catch (error) {
    redis.disconnect();
    throw error;
  }
}

/** Rejects with DevsenError `TIMEOUT` if the work is not done in time; the work itself goes on. */
export async function withDeadline<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new DevsenError('TIMEOUT', `no answer for ${timeoutMs} ms`)), timeoutMs);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Has what Redis says come as DevsenError `REDIS_UNAVAILABLE`. */
export async function translated<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw new DevsenError('REDIS_UNAVAILABLE', `Redis: ${(cause as Error).message}`, { cause });
  }
}

/** What Redis must be set to so that it does not lose what it confirmed, and what happens otherwise. */
const DURABLE = [
  ['maxmemory-policy', 'noeviction', 'under memory pressure it would throw queued events away'],
  ['appendonly', 'yes', 'it would lose queued events when it stops'],
  ['appendfsync', 'always', 'it confirms before it has written, so a crash could lose what was confirmed'],
] as const;

async function durabilityFindings(redis: Redis): Promise<string[]> {
  const findings: string[] = [];
  for (const [name, wanted, otherwise] of DURABLE) {
    try {
      const [, value] = (await redis.call('CONFIG', 'GET', name)) as string[];
      if (value !== wanted) findings.push(`Redis has ${name} ${value}, needs ${wanted}: ${otherwise}`);
    } catch (error) {
      findings.push(`Redis does not say its ${name} (needs ${wanted}): ${(error as Error).message}`);
    }
  }
  return findings;
}

/** Texts that one start of the gateway leaves to the next. Rejects with DevsenError `REDIS_UNAVAILABLE`. */
export interface KeptTexts {
  load: (name: string) => Promise<string | undefined>;
  save: (name: string, text: string) => Promise<void>;
}

/** Opens a connection for each call: they are rare, and the first comes before anything else is known. */
export function openKeptTexts(url: string, prefix: string): KeptTexts {
  const once = async <T>(work: (redis: Redis) => Promise<T>): Promise<T> => {
    const redis = await openSingleLifeRedis(url, 'devsen-gateway-kept', 5_000);
    try {
      return await translated(withDeadline(work(redis), 5_000));
    } finally {
      redis.disconnect();
    }
  };
  return {
    load: (name) => once(async (redis) => (await redis.get(`${prefix}:kept:${name}`)) ?? undefined),
    save: (name, text) => once(async (redis) => void (await redis.set(`${prefix}:kept:${name}`, text))),
  };
}
