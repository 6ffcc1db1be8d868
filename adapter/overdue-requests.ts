import { Contract, Interface, type Log, type Provider, ZeroAddress } from 'ethers';
import { ORACLE_ABI } from '../core/abi.ts';
import { QUERIES } from '../core/queries.ts';
import { isCommandQuery } from '../core/request-approval.ts';
import { asChainError } from '../runtime/chain.ts';
import { recentLogs } from './recent-logs.ts';

/** How far back the ledger's logs are read at the first look, s. */
const LOOK_BACK_SEC = 86_400;
/** Blocks that are read once more: an endpoint may have lagged, or the chain have reorganised deeper than was thought. */
const OVERLAP_BLOCKS = 64;
/** Most blocks since the last look that are read in one call. */
const RANGE_BLOCKS = 1_000;
/** What is open for longer is nobody's turn any more, s. */
const KEPT_FOR_SEC = 31 * 86_400;
/** Most requests that are remembered to be open. */
const MOST_OPEN = 100_000;
/** `IOracleConsumer.Outcome.Open`, by its number. */
const OPEN = 0n;

const LEDGER = new Interface(ORACLE_ABI);
const topicOf = (event: string) => LEDGER.getEvent(event)?.topicHash ?? '';
const REQUESTED = topicOf('Requested');
const ASKED_AND_ENDED = [REQUESTED, ...['Answered', 'Disputed', 'Expired'].map(topicOf)];
/** What only a charger's own contract can ask: a driver's tokens may wait for its end. */
const COMMANDS: ReadonlySet<bigint> = new Set(
  QUERIES.filter(({ name }) => isCommandQuery(name)).map(({ number }) => BigInt(number)),
);

/** A request to the operators that has no end by the ledger's logs. */
export interface OpenRequest {
  requestId: string;
  /** Block time at which it was asked, Unix seconds. */
  askedAtSec: number;
  /** From when on it can be ended, Unix seconds. */
  deadlineSec: number;
  isCommand: boolean;
}

/** What the chain has of requests that too few operators answered. Each throws DevsenError `CHAIN_UNAVAILABLE`. */
export interface OverdueRequests {
  /** OracleDEVSEN. */
  ledger: string;
  /** The newest block, and the requests whose deadline has passed by its time and that the logs show no end of. */
  look: () => Promise<{ head: { number: number; timestampSec: number }; overdue: OpenRequest[] }>;
  /** Whether the ledger has it open, at the confirmed depth under a block and at that block. */
  isOpen: (request: OpenRequest, head: number) => Promise<boolean>;
}

export interface OverdueRequestsOptions {
  provider: Provider;
  /** OracleDEVSEN. */
  oracleAddress: string;
  /** Blocks that must stand on top. */
  confirmations: number;
}

/** Each look reads on in the logs from where the last one stopped; what it found open is remembered. */
export function readOverdueRequests(options: OverdueRequestsOptions): OverdueRequests {
  const { provider, oracleAddress, confirmations } = options;
  const ledger = new Contract(oracleAddress, ORACLE_ABI, provider);
  const open = new Map<string, Omit<OpenRequest, 'deadlineSec'>>();
  let readTo: number | undefined;
  let deadlineSec: number | undefined;

  const logsSince = (last: number | undefined, toBlock: number, nowSec: number): AsyncIterable<Log> => {
    const filter = { address: oracleAddress, topics: [ASKED_AND_ENDED] };
    const fromBlock = Math.max(0, Math.min(last ?? 0, toBlock) + 1 - OVERLAP_BLOCKS);
    if (last === undefined || toBlock - fromBlock >= RANGE_BLOCKS) {
      return recentLogs(provider, filter, toBlock, nowSec - LOOK_BACK_SEC);
    }
    return oneRange(provider.getLogs({ ...filter, fromBlock, toBlock }));
  };

  const readOn = async (toBlock: number, nowSec: number) => {
    const ended = new Set<string>();
    for await (const log of logsSince(readTo, toBlock, nowSec)) {
      const requestId = log.topics[1] ?? '';
      if (log.topics[0] !== REQUESTED) {
        ended.add(requestId);
        continue;
      }
      const args = LEDGER.parseLog(log)?.args;
      if (args === undefined) continue;
      open.set(requestId, { requestId, askedAtSec: Number(args.asOf), isCommand: COMMANDS.has(args.query) });
    }
    for (const requestId of ended) open.delete(requestId);
    for (const { requestId, askedAtSec } of open.values()) {
      if (open.size > MOST_OPEN || askedAtSec < nowSec - KEPT_FOR_SEC) open.delete(requestId);
    }
    readTo = toBlock;
  };

  const stateAt = async (requestId: string, blockTag: number) => {
    const { consumer, askedAt, outcome } = await ledger.getFunction('requestOf')(requestId, { blockTag });
    return { isKnown: consumer !== ZeroAddress, askedAtSec: Number(askedAt), isOpen: outcome === OPEN };
  };

  return {
    ledger: oracleAddress,
    look: () =>
      guarded(async () => {
        deadlineSec ??= Number(await ledger.getFunction('DEADLINE_SEC')());
        const waitSec = deadlineSec;
        const head = await provider.getBlock('latest');
        if (head === null) throw new Error('the chain has no block');
        await readOn(Math.max(0, head.number - confirmations), head.timestamp);
        const overdue = [...open.values()]
          .map((request) => ({ ...request, deadlineSec: request.askedAtSec + waitSec }))
          .filter((request) => request.deadlineSec <= head.timestamp);
        return { head: { number: head.number, timestampSec: head.timestamp }, overdue };
      }),
    isOpen: ({ requestId, askedAtSec }, head) =>
      guarded(async () => {
        const confirmed = await stateAt(requestId, Math.max(0, head - confirmations));
        if (!confirmed.isKnown || !confirmed.isOpen) open.delete(requestId);
        const newest = await stateAt(requestId, head);
        // After a reorganisation the same id may be another request's, asked later.
        return [confirmed, newest].every((at) => at.isKnown && at.isOpen && at.askedAtSec === askedAtSec);
      }),
  };
}

async function* oneRange(logs: Promise<Log[]>): AsyncIterable<Log> {
  yield* await logs;
}

async function guarded<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw asChainError(error);
  }
}
