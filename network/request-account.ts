import { Interface, type JsonRpcProvider } from 'ethers';
import { FACTORY_ABI } from '../core/abi.ts';
import { decodeChargerStatus } from '../core/queries.ts';
import { STATUS_NAMES } from '../core/status.ts';
import type { Logger } from '../runtime/log.ts';
import { followLogs } from '../runtime/log-follower.ts';
import { describeStatus, type Entry } from './account.ts';
import { REQUEST_TOPICS, type RequestChange, type RequestView, takeIn } from './requests.ts';

/** The names by which people know what the chain knows by number. */
export interface Names {
  /** By `Operator.sol`, lower case. */
  operators: ReadonlyMap<string, string>;
  /** By device id; chargers that are registered later come in by themselves. */
  chargers: Map<string, string>;
}

const FACTORY = new Interface(FACTORY_ABI);
const CREATED = FACTORY.getEvent('DeviceCreated')?.topicHash ?? '';

/** Requests older than this are forgotten, ms: the account needs them no more. */
const FORGET_AFTER_MS = 3_600_000;

/** Follows the ledger from now on and tells what becomes of each request. */
export function followRequests(
  provider: JsonRpcProvider,
  addresses: { oracle: string; factory: string },
  names: Names,
  tell: (entry: Entry) => void,
  log: Logger,
): { close: () => Promise<void> } {
  const requests = new Map<string, RequestView>();
  const follower = followLogs({ provider, log, pollIntervalMs: 250 });
  follower.subscribe({ address: addresses.factory, topics: [CREATED] }, (logs) => {
    for (const each of logs) {
      const { args } = FACTORY.parseLog(each) ?? {};
      if (args) names.chargers.set(args.deviceId, args.identity);
    }
  });
  follower.subscribe({ address: addresses.oracle, topics: [REQUEST_TOPICS] }, (logs) => {
    const nowMs = Date.now();
    for (const each of logs) {
      const change = takeIn(requests, each, nowMs);
      if (change) tell(entryOf(change, names, nowMs));
    }
    for (const [id, { seenAtMs }] of requests) if (nowMs - seenAtMs > FORGET_AFTER_MS) requests.delete(id);
  });
  return follower;
}

function entryOf(change: RequestChange, names: Names, nowMs: number): Entry {
  const { request } = change;
  const { requestId, connector, consumer } = request;
  const charger = names.chargers.get(request.deviceId) ?? `device ${request.deviceId.slice(0, 10)}…`;
  switch (change.kind) {
    case 'asked':
      return { kind: 'asked', requestId, charger, connector, consumer, operators: names.operators.size };
    case 'observed': {
      const operator = names.operators.get(change.observation.oracle) ?? change.observation.oracle;
      const answer = readAnswer(change.observation.answer);
      return { kind: 'observed', requestId, operator, answer, tookMs: nowMs - request.asOfSec * 1000 };
    }
    case 'answered': {
      const by = request.observations.filter(({ answer }) => answer === request.answer).length;
      const answer = readAnswer(request.answer ?? '0x');
      return { kind: 'agreed', requestId, charger, connector, answer, by, of: names.operators.size };
    }
    default:
      return { kind: change.kind, requestId };
  }
}

/** An answer as people read it; one that is of no known shape, as its bytes. */
export function readAnswer(answer: string): string {
  try {
    const status = decodeChargerStatus(answer);
    return STATUS_NAMES[status.status] === undefined ? answer : describeStatus(status);
  } catch {
    return answer;
  }
}
