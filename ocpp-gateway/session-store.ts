import type { Redis } from 'ioredis';
import { type Began, type Progress, type Session, type SessionRecord, withdrawn } from './session-rules.ts';

/** Sessions that contracts opened, by charger, in Redis for all gateways. Rejects with what Redis says. */
export interface SessionStore {
  open: (charger: string, session: Session) => Promise<void>;
  /** Begins a session by a transaction, unless another one did before: gives the one it has begun by, none if withdrawn. */
  begin: (charger: string, tag: string, began: Began) => Promise<Began | undefined>;
  /** Has no transaction begin a session any more, at whichever gateway; one by which it has begun stays. */
  withdraw: (charger: string, tag: string) => Promise<void>;
  save: (charger: string, tag: string, progress: Progress) => Promise<void>;
  /** All of a charger, but for those opened before `sinceMs`, which are forgotten. */
  load: (charger: string, sinceMs: number) => Promise<SessionRecord[]>;
  forget: (charger: string, tags: readonly string[]) => Promise<void>;
}

/** Of `began` and `withdrawn`, whichever comes first keeps the other out. */
const BEGIN = `
if redis.call('HEXISTS', KEYS[1], ARGV[1] .. '.withdrawn') == 0 then
  redis.call('HSETNX', KEYS[1], ARGV[1] .. '.began', ARGV[2])
end
return redis.call('HGET', KEYS[1], ARGV[1] .. '.began')`;

const WITHDRAW = `
if redis.call('HEXISTS', KEYS[1], ARGV[1] .. '.began') == 0 then
  redis.call('HSET', KEYS[1], ARGV[1] .. '.withdrawn', '1')
end`;

/**
 * A hash for each charger, with these fields for each session: `<tag>`, `<tag>.began` or `<tag>.withdrawn`, `<tag>.progress`.
 *
 * @param prefix - key prefix, the same as the outbox's
 * @param keepMs - a charger's sessions are kept so long after the last one was opened
 */
export function makeSessionStore(redis: Redis, network: string, prefix: string, keepMs: number): SessionStore {
  const key = (charger: string) => `${prefix}:sessions:${network}:${charger}`;
  const forget = async (charger: string, tags: readonly string[]) => {
    const fields = tags.flatMap((tag) => [tag, `${tag}.began`, `${tag}.withdrawn`, `${tag}.progress`]);
    if (fields.length > 0) await redis.hdel(key(charger), ...fields);
  };
  return {
    open: async (charger, session) => {
      await redis.hset(key(charger), session.tag, JSON.stringify(session));
      await redis.pexpire(key(charger), keepMs);
    },
    begin: async (charger, tag, began) => {
      const held = await redis.eval(BEGIN, 1, key(charger), tag, JSON.stringify(began));
      return held === null ? undefined : (JSON.parse(String(held)) as Began);
    },
    withdraw: async (charger, tag) => {
      await redis.eval(WITHDRAW, 1, key(charger), tag);
    },
    save: async (charger, tag, progress) => {
      await redis.hset(key(charger), `${tag}.progress`, JSON.stringify(progress));
    },
    load: async (charger, sinceMs) => {
      const fields = await redis.hgetall(key(charger));
      const records: SessionRecord[] = [];
      const forgotten: string[] = [];
      for (const [tag, text] of Object.entries(fields)) {
        if (tag.includes('.')) continue;
        const session = JSON.parse(text) as Session;
        const [began, progress] = [fields[`${tag}.began`], fields[`${tag}.progress`]];
        if (session.openedAtMs < sinceMs) forgotten.push(tag);
        else {
          const isWithdrawn = fields[`${tag}.withdrawn`] !== undefined;
          records.push({
            session: isWithdrawn ? withdrawn(session) : session,
            began: began === undefined ? undefined : (JSON.parse(began) as Began),
            progress: progress === undefined ? noProgress() : (JSON.parse(progress) as Progress),
          });
        }
      }
      await forget(charger, forgotten);
      return records;
    },
    forget,
  };
}

export function noProgress(): Progress {
  return { attempts: 0 };
}
