import { z } from 'zod';
import { DevsenError } from '../core/errors.ts';
import { COMMAND_QUERIES, type CommandQuery, type RequestApproval } from '../core/request-approval.ts';
import { BYTES32, check, type Endpoint, LATEST_SEC, whole } from './endpoints.ts';
import { type FollowMeans, followRequest } from './request-follower.ts';

export interface CommandEndpointMeans extends FollowMeans {
  /** Approves what the chain asked; see `Approvals`. */
  approve: (requestId: string, asOfSec: number) => Promise<RequestApproval>;
}

export const OF_REQUEST = z.object({
  requestId: BYTES32,
  deviceId: BYTES32,
  params: z.string({ message: 'must be bytes as 0x-hex' }).regex(/^0x([0-9a-fA-F]{2})*$/, 'must be bytes as 0x-hex'),
  asOf: whole(LATEST_SEC),
});

/**
 * The endpoints that have a charger do something, by their names. Each approves what the chain asked, whatever it is told beside
 * that, and then answers from the record what became of it; the same request may be asked about again and again.
 */
export function makeCommandEndpoints(means: CommandEndpointMeans): ReadonlyMap<string, Endpoint> {
  return new Map(COMMAND_QUERIES.map((query) => [query, endpointOf(query, means)]));
}

function endpointOf(query: CommandQuery, means: CommandEndpointMeans): Endpoint {
  return async (data, caller) => {
    const { requestId, deviceId, params, asOf } = check(OF_REQUEST, data);
    const asked = await means.approve(requestId, asOf);
    const isSame =
      asked.query === query &&
      asked.deviceId === deviceId &&
      asked.params === params.toLowerCase() &&
      asked.asOfSec === asOf;
    if (!isSame) throw new DevsenError('INPUT_INVALID', 'the chain asked something else under this requestId');

    const { answer, sec } = await followRequest(means, asked, caller);
    return { ...answer, aboutMs: sec * 1000 };
  };
}
