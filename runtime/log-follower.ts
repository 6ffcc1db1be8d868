import type { Log, Provider } from 'ethers';
import { asChainError } from './chain.ts';
import type { Logger } from './log.ts';

/** Which logs a subscriber wants, as in `eth_getLogs`. */
export interface LogFilter {
  address?: string;
  topics: (string | string[] | null)[];
}

/**
 * Is handed the matching logs of a range of blocks; if it throws, the whole range is handed out again later, so it must
 * bear repetition.
 */
export type LogHandler = (logs: Log[]) => Promise<void> | void;

export interface LogFollower {
  /** From here on `handler` gets the matching logs of every block after `cursor()`. */
  subscribe: (filter: LogFilter, handler: LogHandler) => void;
  /** The last block whose logs were handed out; -1 before the first look at the chain. */
  cursor: () => number;
  /** When the chain was last read to its head without error: Unix ms, 0 if never. */
  lastReadAtMs: () => number;
  close: () => Promise<void>;
}

export interface FollowOptions {
  provider: Provider;
  log: Logger;
  /** Blocks that must stand on top before a block is read. */
  confirmations?: number;
  /** Pause between two looks at the chain, ms. */
  pollIntervalMs?: number;
  /** Most blocks asked for in one `eth_getLogs`. */
  rangeBlocks?: number;
  now?: () => number;
}

/**
 * Polls the chain for logs, for any number of subscribers, beginning at the present head. Nothing is skipped: after an
 * outage it goes on at its cursor, in ranges an endpoint bears.
 */
export function followLogs(options: FollowOptions): LogFollower {
  const { provider, log, confirmations = 0, pollIntervalMs = 1_000, rangeBlocks = 1_000, now = Date.now } = options;
  const subscribers: { filter: LogFilter; handler: LogHandler }[] = [];
  let cursor = -1;
  let lastReadAtMs = 0;
  let isClosed = false;
  let isFailing = false;
  let wake = () => {};

  const lookOnce = async () => {
    const head = Math.max(0, (await provider.getBlockNumber()) - confirmations);
    if (cursor < 0) cursor = head;
    if (head < cursor) {
      log.warn({ head, cursor }, 'chain is shorter than it was');
      cursor = head;
    }
    while (cursor < head && !isClosed) {
      const fromBlock = cursor + 1;
      const toBlock = Math.min(head, cursor + rangeBlocks);
      for (const { filter, handler } of [...subscribers]) {
        const logs = await provider.getLogs({ ...filter, fromBlock, toBlock });
        if (logs.length > 0) await handler(logs);
      }
      cursor = toBlock;
    }
    lastReadAtMs = now();
  };

  const run = async () => {
    while (!isClosed) {
      try {
        await lookOnce();
        if (isFailing) log.info('chain is readable again');
        isFailing = false;
      } catch (error) {
        if (!isFailing && !isClosed) log.warn({ err: asChainError(error) }, 'chain cannot be read');
        isFailing = true;
      }
      if (isClosed) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, pollIntervalMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  };
  const finished = run();

  return {
    subscribe: (filter, handler) => {
      subscribers.push({ filter, handler });
    },
    cursor: () => cursor,
    lastReadAtMs: () => lastReadAtMs,
    close: async () => {
      isClosed = true;
      wake();
      await finished;
    },
  };
}
