import type { Logger } from '../../runtime/log.ts';
import type { ChainLog } from './chain.ts';
import { CANCEL_TOPIC, decodeRequest, RESPONSE_TOPIC, refusalOf, specIdsOf } from './requests.ts';
import type { ChainNews, RunStore } from './run-store.ts';
import type { DirectRequestJob } from './spec.ts';

/** Why a request is not taken. */
export type Refusal = 'requester' | 'payment' | 'malformed';

/** Logs that are known to be refused, so that each is counted and told once. */
const MAX_KNOWN_REFUSALS = 10_000;

/** @returns what logs of an Operator say to a job, in the chain's order; each refused request is told once */
export function makeNewsReader(
  store: Pick<RunStore, 'knows'>,
  minPaymentJuels: bigint,
  onRefused: (why: Refusal) => void,
  log: Logger,
): (job: DirectRequestJob, logs: readonly ChainLog[]) => ChainNews[] {
  const refused = new Set<string>();

  function noteRefusal(job: DirectRequestJob, entry: ChainLog, why: Refusal, requestId: string | undefined): void {
    const place = `${job.id}:${entry.blockHash}:${entry.logIndex}`;
    if (refused.has(place)) return;
    if (refused.size >= MAX_KNOWN_REFUSALS) refused.clear();
    refused.add(place);
    onRefused(why);
    log.info({ job: job.name, requestId, txHash: entry.txHash, refusal: why }, 'request refused');
  }

  return (job, logs) => {
    const specIds = specIdsOf(job.externalJobId);
    const inOrder = logs.toSorted((a, b) => a.blockNumber - b.blockNumber || a.logIndex - b.logIndex);
    return inOrder.flatMap((entry): ChainNews[] => {
      const [topic, subject] = entry.topics;
      if (subject === undefined) return [];
      const about = { requestId: subject, blockNumber: entry.blockNumber };
      if (topic === CANCEL_TOPIC) return [{ kind: 'cancelled', ...about }];
      if (topic === RESPONSE_TOPIC) return [{ kind: 'answered', ...about }];
      if (!specIds.includes(subject)) return [];
      const request = decodeRequest(entry);
      const refusal = request ? refusalOf(job, request, minPaymentJuels) : 'malformed';
      if (!request || refusal) {
        noteRefusal(job, entry, refusal ?? 'malformed', request?.requestId);
        return [];
      }
      if (!store.knows(job.id, request.requestId)) {
        log.info({ job: job.name, requestId: request.requestId, blockNumber: entry.blockNumber }, 'request taken');
      }
      return [{ kind: 'request', request }];
    });
  };
}
