import { Interface, type JsonRpcProvider } from 'ethers';
import { DEVICE_ABI, ORACLE_ABI, SESSION_STATES } from '../../core/abi.ts';
import type { Seen } from './figures.ts';

const ledger = new Interface(ORACLE_ABI);
const device = new Interface(DEVICE_ABI);
const TOPICS = [
  ...['Answered', 'Observed'].map((name) => ledger.getEvent(name)?.topicHash ?? ''),
  ...['SessionStarted', 'SessionClosed'].map((name) => device.getEvent(name)?.topicHash ?? ''),
];
const POLL_MS = 100;

/** What the chain has told so far, by ids. */
export interface ChainWatch {
  answered: ReadonlyMap<string, Seen>;
  /** Hashes of the txs with operators' answers, by request. */
  observed: ReadonlyMap<string, readonly string[]>;
  started: ReadonlyMap<string, Seen>;
  /** States in which sessions closed. */
  closed: ReadonlyMap<string, Seen & { state: string }>;
  close: () => Promise<void>;
}

/** Reads the chain's logs as they come, from the next block on. */
export async function watchChain(provider: JsonRpcProvider): Promise<ChainWatch> {
  const answered = new Map<string, Seen>();
  const observed = new Map<string, string[]>();
  const started = new Map<string, Seen>();
  const closed = new Map<string, Seen & { state: string }>();
  let cursor = await provider.getBlockNumber();
  let isClosed = false;

  const look = async () => {
    const head = await provider.getBlockNumber();
    if (head <= cursor) return;
    const logs = await provider.getLogs({ fromBlock: cursor + 1, toBlock: head, topics: [TOPICS] });
    const atMs = performance.now();
    for (const log of logs) {
      const id = log.topics[1] ?? '';
      const seen = { block: log.blockNumber, atMs };
      const parsed = ledger.parseLog(log) ?? device.parseLog(log);
      if (parsed?.name === 'Answered') answered.set(id, seen);
      else if (parsed?.name === 'Observed') observed.set(id, [...(observed.get(id) ?? []), log.transactionHash]);
      else if (parsed?.name === 'SessionStarted') started.set(id, seen);
      else if (parsed?.name === 'SessionClosed') {
        closed.set(id, { ...seen, state: SESSION_STATES[Number(parsed.args.state)] ?? 'None' });
      }
    }
    cursor = head;
  };
  const watching = (async () => {
    while (!isClosed) {
      // A chain that is busy is asked again.
      await look().catch(() => {});
      await new Promise((done) => setTimeout(done, POLL_MS));
    }
  })();
  return {
    answered,
    observed,
    started,
    closed,
    close: () => {
      isClosed = true;
      return watching;
    },
  };
}
