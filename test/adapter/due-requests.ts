import { type ExpiredRequestsMeans, makeExpiredRequests } from '../../adapter/expired-requests.ts';

export type Due = { ledger: string; requestId: string }[];
const { signal } = new AbortController();

/** The endpoint `expired-requests`, asked as a job does. */
export function dueRequests(means: ExpiredRequestsMeans): () => Promise<Due> {
  const endpoint = makeExpiredRequests(means).get('expired-requests');
  if (endpoint === undefined) throw new Error('no such endpoint');
  return async () => (await endpoint({}, signal)).result as unknown as Due;
}
