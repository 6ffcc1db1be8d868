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
  /** Takes the request, before its call goes out: true for one gateway, once. */
  claim: (requestId: string, keepMs: number) => Promise<boolean>;
  isClaimed: (requestId: string) => Promise<boolean>;
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

/** @param prefix - key prefix, the same as the outbox's */
export function makeApprovalStore(redis: Redis, network: string, prefix: string): ApprovalStore {
  const approvalsKey = (requestId: string) => `${prefix}:approvals:${network}:${requestId}`;
  const claimKey = (requestId: string) => `${prefix}:carried-out:${network}:${requestId}`;
  return {
    keep: async (requestId, oracle, approval, keepMs) => {
      const answer = await redis.eval(KEEP, 1, approvalsKey(requestId), oracle, approval, Math.ceil(keepMs));
      const [kept, isNew] = answer as [string, number];
      return { approval: kept, isNew: isNew === 1 };
    },
    approvals: async (requestId) => new Map(Object.entries(await redis.hgetall(approvalsKey(requestId)))),
    claim: async (requestId, keepMs) =>
      (await redis.set(claimKey(requestId), '1', 'PX', Math.ceil(keepMs), 'NX')) === 'OK',
    isClaimed: async (requestId) => (await redis.exists(claimKey(requestId))) === 1,
  };
}
