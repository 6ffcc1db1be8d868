import { AbiCoder, Interface, type Log } from 'ethers';
import { ORACLE_ABI } from '../core/abi.ts';

/** One operator's answer to a request. */
export interface Observation {
  /** The operator's `Operator.sol`, lower case. */
  oracle: string;
  answer: string;
  seenAtMs: number;
}

/** A request as the ledger's logs tell it. */
export interface RequestView {
  requestId: string;
  consumer: string;
  deviceId: string;
  query: number;
  connector: number;
  asOfSec: number;
  seenAtMs: number;
  observations: Observation[];
  outcome: 'open' | 'answered' | 'disputed' | 'expired';
  /** The agreed answer, once there is one. */
  answer: string | undefined;
}

/** What one log changed. */
export type RequestChange =
  | { kind: 'asked' | 'answered' | 'disputed' | 'expired' | 'callbackFailed'; request: RequestView }
  | { kind: 'observed'; request: RequestView; observation: Observation };

const LEDGER = new Interface(ORACLE_ABI);

/** Topics of the logs that `takeIn` understands. */
export const REQUEST_TOPICS: string[] = LEDGER.fragments.flatMap((fragment) =>
  fragment.type === 'event' ? [(fragment as unknown as { topicHash: string }).topicHash] : [],
);

/** The id of the request that a tx asked, by the tx's own logs; undefined if it asked none. */
export function requestIdIn(logs: readonly Pick<Log, 'address' | 'topics'>[], oracle: string): string | undefined {
  const requested = LEDGER.getEvent('Requested')?.topicHash;
  const isRequest = (log: Pick<Log, 'address' | 'topics'>) =>
    log.address.toLowerCase() === oracle.toLowerCase() && log.topics[0] === requested;
  return logs.find(isRequest)?.topics[1];
}

/**
 * Takes one log of the ledger into the requests known so far.
 *
 * @returns what changed; undefined for a log that is of no request known
 */
export function takeIn(requests: Map<string, RequestView>, log: Log, nowMs: number): RequestChange | undefined {
  const event = LEDGER.parseLog(log);
  if (!event) return undefined;
  const { args } = event;
  if (event.name === 'Requested') {
    const request: RequestView = {
      requestId: args.requestId,
      consumer: args.consumer,
      deviceId: args.deviceId,
      query: Number(args.query),
      connector: connectorOf(args.params),
      asOfSec: Number(args.asOf),
      seenAtMs: nowMs,
      observations: [],
      outcome: 'open',
      answer: undefined,
    };
    requests.set(request.requestId, request);
    return { kind: 'asked', request };
  }
  const request = requests.get(args.requestId);
  if (!request) return undefined;
  switch (event.name) {
    case 'Observed': {
      const observation = { oracle: String(args.oracle).toLowerCase(), answer: String(args.answer), seenAtMs: nowMs };
      request.observations.push(observation);
      return { kind: 'observed', request, observation };
    }
    case 'Answered':
      request.outcome = 'answered';
      request.answer = args.answer;
      return { kind: 'answered', request };
    case 'Disputed':
      request.outcome = 'disputed';
      return { kind: 'disputed', request };
    case 'Expired':
      request.outcome = 'expired';
      return { kind: 'expired', request };
    case 'CallbackFailed':
      return { kind: 'callbackFailed', request };
    default:
      return undefined;
  }
}

/** The connector a question is about; 0 where its parameters name none, for anybody may send any bytes. */
function connectorOf(params: string): number {
  try {
    return Number(AbiCoder.defaultAbiCoder().decode(['uint16'], params)[0]);
  } catch {
    return 0;
  }
}
