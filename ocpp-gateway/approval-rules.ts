import { DevsenError } from '../core/errors.ts';
import { approvalSigner, parseApproval, type RequestApproval, type SignedApproval } from '../core/request-approval.ts';
import type { RegisteredOperator } from '../runtime/registry.ts';
import type { OperatorSet } from './operator-sets.ts';

/** An approval whose signature was checked. */
export interface ReadApproval {
  approval: SignedApproval;
  /** The `Operator` contract of the operator that gave it, lower case. */
  oracle: string;
}

/**
 * Reads an approval and finds the operator that gave it.
 *
 * @param signerOf - address of the key that signed it, lower case; throws DevsenError `UNAUTHORISED` if none did
 * @throws DevsenError `INPUT_INVALID` if it is none, `UNAUTHORISED` if it is not that of an active operator
 */
export function readApproval(
  text: string,
  operators: readonly RegisteredOperator[],
  signerOf: (approval: SignedApproval) => string,
): ReadApproval {
  const approval = parseApproval(text);
  const operator = operators.find(({ account, active }) => active && account === approval.operator);
  if (operator === undefined) throw new DevsenError('UNAUTHORISED', 'no active operator has this account');
  if (signerOf(approval) !== operator.signingKey) {
    throw new DevsenError('UNAUTHORISED', "the signature is not by the operator's signing key");
  }
  return { approval, oracle: operator.oracle };
}

const MOST_SIGNERS = 1_000;

/** `approvalSigner` for one network; an approval that is looked at again and again is worked out once. */
export function rememberSigners(network: string): (approval: SignedApproval) => string {
  const known = new Map<string, string>();
  return (approval) => {
    const { requestId, deviceId, query, params, asOfSec, signature } = approval;
    const key = JSON.stringify([requestId, deviceId, query, params, asOfSec, signature]);
    let signer = known.get(key);
    if (signer === undefined) {
      signer = approvalSigner(network, approval);
      if (known.size >= MOST_SIGNERS) known.delete(known.keys().next().value as string);
      known.set(key, signer);
    }
    return signer;
  };
}

/** Whether two approvals are of the same thing. */
export function isSameRequest(one: RequestApproval, other: RequestApproval): boolean {
  return (
    one.requestId === other.requestId &&
    one.deviceId === other.deviceId &&
    one.query === other.query &&
    one.params === other.params &&
    one.asOfSec === other.asOfSec
  );
}

/**
 * What more operators of a request's set have approved than may lie: f + 1 of them, the same thing.
 *
 * @param approvals - verified, at most one of each oracle
 * @returns undefined if nothing was approved by so many
 */
export function agreedOn(approvals: readonly ReadApproval[], set: OperatorSet): RequestApproval | undefined {
  const counted = approvals.filter(({ approval, oracle }) => {
    return set.oracles.includes(oracle) && (set.askedAtSec ?? approval.asOfSec) === approval.asOfSec;
  });
  return counted.find(({ approval }) => {
    return counted.filter((other) => isSameRequest(approval, other.approval)).length > set.faults;
  })?.approval;
}
