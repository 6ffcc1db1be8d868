import { randomBytes } from 'node:crypto';
import { Queue } from 'bullmq';
import { computeAddress, hexlify, Wallet } from 'ethers';
import { deviceIdOf } from '../../core/identity.ts';
import { APPROVAL_QUEUE, approvalJobId, approvalTypedData, type RequestApproval } from '../../core/request-approval.ts';
import type { RunningGateway } from '../../ocpp-gateway/gateway.ts';
import type { OperatorSet } from '../../ocpp-gateway/operator-sets.ts';
import { memoryRegistry, memorySources, OPERATORS, startTestGateway } from './support.ts';

/** Signing keys of the operators, in their order. */
export const SIGNERS = OPERATORS.map((_, n) => new Wallet(`0x${`5${n}`.repeat(32)}`));
const ORACLES = OPERATORS.map((_, n) => `0x${`6${n}`.repeat(20)}`);
const GATEWAYS = [1, 2].map((n) => ({ account: `0x${`7${n}`.repeat(20)}`, key: Buffer.alloc(32, 0x70 + n) }));

/** The set that every request was sent to: four operators, one of which may lie. */
export const SET: OperatorSet = { oracles: ORACLES, faults: 1, askedAtSec: undefined };

/** Sources of a network of four operators that sign, and two gateways. */
export function sourcesOfTwo(network?: string) {
  const registry = memoryRegistry({
    ...(network === undefined ? {} : { network }),
    operators: OPERATORS.map((account, n) => ({
      account,
      oracle: ORACLES[n] as string,
      signingKey: (SIGNERS[n] as Wallet).address.toLowerCase(),
      active: true,
    })),
    gateways: GATEWAYS.map(({ account, key }) => ({
      account,
      signingKey: computeAddress(hexlify(key)).toLowerCase(),
      active: true,
    })),
  });
  return { ...memorySources(), registry, operatorSets: { of: async () => SET as OperatorSet | 'unknown' } };
}

/** Starts one of the two. */
export function startOneOfTwo(
  redisUrl: string,
  n: 0 | 1,
  sources = sourcesOfTwo(),
  env: Record<string, string> = {},
  now = Date.now,
): Promise<RunningGateway> {
  const { account, key } = GATEWAYS[n] as (typeof GATEWAYS)[number];
  const identity = { GATEWAY_ACCOUNT: account, GATEWAY_KEY: key.toString('hex') };
  return startTestGateway(redisUrl, { ...identity, CALL_TIMEOUT_MS: '2000', ...env }, { sources, now });
}

/** The JSON text of an operator's approval. */
export async function approvalBy(n: number, network: string, request: RequestApproval, signer = SIGNERS[n]) {
  const { domain, types, message } = approvalTypedData(network, request);
  const signature = await (signer as Wallet).signTypedData(domain, types, message);
  return JSON.stringify({ ...request, operator: OPERATORS[n], signature });
}

/** Has as many operators approve a request as it needs; gives its id. */
export async function approveNow(
  redisUrl: string,
  network: string,
  identity: string,
  asked: Pick<RequestApproval, 'query' | 'params'>,
  nowMs = Date.now(),
): Promise<string> {
  const requestId = `0x${randomBytes(32).toString('hex')}`;
  const request = { requestId, deviceId: deviceIdOf(identity), ...asked, asOfSec: Math.floor(nowMs / 1000) };
  await queueApprovals(redisUrl, await approvalBy(0, network, request), await approvalBy(1, network, request));
  return requestId;
}

/** Queues approvals as the operators' adapters do. */
export async function queueApprovals(redisUrl: string, ...approvals: string[]): Promise<void> {
  const queue = new Queue(APPROVAL_QUEUE, { connection: { url: redisUrl } });
  try {
    for (const approval of approvals) {
      await queue.add('approval', { approval }, { jobId: approvalJobId(JSON.parse(approval)), removeOnComplete: true });
    }
  } finally {
    await queue.close();
  }
}
