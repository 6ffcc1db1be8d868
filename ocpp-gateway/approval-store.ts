import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Redis } from 'ioredis';

/** Approvals of operators, and which requests were carried out, in Redis for all gateways. Rejects with what Redis says. */
export interface ApprovalStore {
  /**
   * Keeps an operator's approval of a request: its first one, whatever it says later.
   *
   * @param oracle - the operator's `Operator.sol`: two accounts of one operator count as one
   * @returns the one that is kept; `isNew` if it is this one
   */
  keep: (requestId: string, oracle: string, approval: string, keepMs: number) => Promise<Kept>;
  /** What was kept of a request, by oracle. */
  approvals: (requestId: string) => Promise<Map<string, string>>;
  /**
   * Takes the request, before its call goes out: for one gateway at a time. If it rejects the request was not taken, or
   * will be given back once Redis is there.
   *
   * @returns by what it is given back; undefined if somebody has it already
   */
  claim: (requestId: string, keepMs: number) => Promise<string | undefined>;
  /** Gives a request back whose call was surely not sent, as soon as Redis is there. */
  release: (requestId: string, claim: string, keepMs: number) => Promise<void>;
  /** The call of a request that was taken is on the wire: nobody may take it any more. */
  setSent: (requestId: string, keepMs: number) => Promise<void>;
  /** `taken`: its call goes out now, or it is given back. */
  stateOf: (requestId: string) => Promise<'free' | 'taken' | 'sent'>;
}

export interface Kept {
  approval: string;
  isNew: boolean;
}

const KEEP = `
local kept = redis.call('HGET', KEYS[1], ARGV[1])
if kept then return {kept, 0} end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return {ARGV[2], 1}`;

const RELEASE = `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end`;

/** What stands in a claim's place once its call was sent. */
const SENT = '1';
const RETRY_MS = 200;

/** @param prefix - key prefix, the same as the outbox's */
export function makeApprovalStore(redis: Redis, network: string, prefix: string): ApprovalStore {
  const approvalsKey = (requestId: string) => `${prefix}:approvals:${network}:${requestId}`;
  const claimKey = (requestId: string) => `${prefix}:carried-out:${network}:${requestId}`;
  /** Tries again while Redis is away, as long as it matters. Never rejects. */
  const insist = async (work: () => Promise<unknown>, keepMs: number): Promise<void> => {
    const untilMs = performance.now() + keepMs;
    while (redis.status !== 'end' && performance.now() < untilMs) {
      try {
        await work();
        return;
      } catch {
        await pause(RETRY_MS, undefined, { ref: false });
      }
    }
  };
  const release = (requestId: string, claim: string, keepMs: number) =>
    insist(() => redis.eval(RELEASE, 1, claimKey(requestId), claim), keepMs);

  return {
    keep: async (requestId, oracle, approval, keepMs) => {
      const answer = await redis.eval(KEEP, 1, approvalsKey(requestId), oracle, approval, Math.ceil(keepMs));
      const [kept, isNew] = answer as [string, number];
      return { approval: kept, isNew: isNew === 1 };
    },
    approvals: async (requestId) => new Map(Object.entries(await redis.hgetall(approvalsKey(requestId)))),
    claim: async (requestId, keepMs) => {
      const key = claimKey(requestId);
      const claim = randomUUID();
      try {
        const taken = await redis.set(key, claim, 'PX', Math.ceil(keepMs), 'NX');
        // Where the connection broke before the reply was through, it was sent again and found what it had set itself.
        return taken === 'OK' || (await redis.get(key)) === claim ? claim : undefined;
      } catch (error) {
        void release(requestId, claim, keepMs);
        throw error;
      }
    },
    release,
    setSent: (requestId, keepMs) => insist(() => redis.set(claimKey(requestId), SENT, 'PX', Math.ceil(keepMs)), keepMs),
    stateOf: async (requestId) => {
      const claim = await redis.get(claimKey(requestId));
      if (claim === null) return 'free';
      return claim === SENT ? 'sent' : 'taken';
    },
  };
}
