import { Queue } from 'bullmq';
import type { Wallet } from 'ethers';
import { Redis } from 'ioredis';
import { startAdapterWith } from '../../adapter/adapter.ts';
import type { NetworkNews } from '../../adapter/chain.ts';
import type { ListedGateway } from '../../adapter/gateway-book.ts';
import type { Peer } from '../../adapter/peers.ts';
import { ADAPTER_SETTINGS } from '../../adapter/settings.ts';
import type { SettlingChain } from '../../adapter/settling-chain.ts';
import { type Batch, batchJobId, batchKey, eventQueueName } from '../../core/batch.ts';
import { DevsenError } from '../../core/errors.ts';
import { deviceIdOf } from '../../core/identity.ts';
import type { RequestApproval } from '../../core/request-approval.ts';
import { makeLog } from '../../runtime/log.ts';
import { readSettings } from '../../runtime/settings.ts';
import { TEST_NETWORK } from '../support/batches.ts';
import { shelveBatch } from '../support/queued-batches.ts';
import { TEST_PEPPER } from './record.ts';

export const OPERATOR = `0x${'0b'.repeat(20)}`;
export const TOKEN = 'a bridge token of this test only'.replaceAll(' ', '-');

export const PEER_TOKEN = 'a peer token of this test only'.replaceAll(' ', '-');

export interface TestOperatorOptions {
  redisUrl: string;
  gateways: readonly ListedGateway[];
  database?: string;
  answerWaitMs?: number;
  now?: () => number;
  /** Of every charger's meter on chain, 0x-hex; none unless told. */
  meterKey?: string;
  /** Without it the chain has told the network at once. */
  isChainAway?: boolean;
  /** What the chain shows of a request. */
  asked?: (requestId: string) => RequestApproval | undefined;
  signingKey?: Wallet;
  /** Ids of the chargers in whatever cell of the map. */
  inCell?: string[];
  /** What the chain has of sessions; away unless told. */
  settling?: SettlingChain;
  /** Operators whose records make its own whole. */
  peers?: Peer[];
  account?: string;
  /** Further settings. */
  env?: Record<string, string>;
}

/** An adapter in this process, over a real Redis and a real database, told its network by the test. */
export async function startTestOperator(options: TestOperatorOptions) {
  let tell: (news: NetworkNews) => void = () => {};
  const adapter = await startAdapterWith({
    log: makeLog('adapter', 'silent'),
    now: options.now ?? Date.now,
    settings: readSettings(ADAPTER_SETTINGS, {
      ADAPTER_PORT: '0',
      REDIS_URL: options.redisUrl,
      RPC_URL: 'http://127.0.0.1:9',
      ORACLE_ADDRESS: TEST_NETWORK.split(':')[1] as string,
      OPERATOR_ACCOUNT: options.account ?? OPERATOR,
      PEERS: JSON.stringify(options.peers ?? []),
      PEER_TOKEN,
      ADAPTER_DATABASE: options.database ?? ':memory:',
      BRIDGE_TOKEN: TOKEN,
      IDTAG_PEPPER: TEST_PEPPER.toString('hex'),
      ANSWER_WAIT_MS: String(options.answerWaitMs ?? 10_000),
      LOG_LEVEL: 'silent',
      ...options.env,
    }),
    signingKey: options.signingKey,
    openNetwork: (told) => {
      tell = told;
      return {
        isFresh: () => !options.isChainAway,
        readMeterKey: async () => options.meterKey ?? '0x',
        asked: { find: async (requestId: string) => options.asked?.(requestId) },
        chargersInCell: async () => options.inCell ?? [],
        settling: () => {
          if (options.settling === undefined) throw new DevsenError('CHAIN_UNAVAILABLE', 'this test has no chain');
          return options.settling;
        },
        overdue: () => {
          throw new DevsenError('CHAIN_UNAVAILABLE', 'this test has no chain');
        },
        close: async () => {},
      };
    },
  });
  const news = (gateways: readonly ListedGateway[]) => tell({ network: TEST_NETWORK, gateways: [...gateways] });
  if (!options.isChainAway) news(options.gateways);
  const url = `http://127.0.0.1:${adapter.port}`;
  return {
    url,
    news,
    ask: (body: unknown, headers: Record<string, string> = {}) => askBridge(url, body, headers),
    askStatus: (charger: string, asOf: number, connector = 1) =>
      askBridge(url, { id: 'run', data: { deviceId: deviceIdOf(charger), connector, asOf } }),
    health: () => readHealthOf(url),
    close: adapter.close,
  };
}

/** Asks an adapter as a job node does. */
export async function askBridge(url: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`${url}/`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}`, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const retryAfter = response.headers.get('retry-after');
  return {
    status: response.status,
    body: (await response.json()) as Record<string, unknown>,
    ...(retryAfter === null ? {} : { retryAfter }),
  };
}

export async function readHealthOf(url: string) {
  const response = await fetch(`${url}/health`);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** The operator's queue, as a gateway fills it. */
export function openTestQueue(redisUrl: string, account = OPERATOR) {
  const connection = new Redis(redisUrl, { maxRetriesPerRequest: null, retryStrategy: () => 50 });
  connection.on('error', () => {});
  const queue = new Queue(eventQueueName(account), { connection });
  queue.on('error', () => {});
  return {
    send: async (...batches: Batch[]) => {
      const jobs = batches.map(async (batch) => ({
        name: 'batch',
        data: await shelveBatch(connection, batch, account),
        opts: { jobId: batchJobId(batch), removeOnComplete: true },
      }));
      await queue.addBulk(await Promise.all(jobs));
    },
    /** A job that names a batch, whether Redis still holds it or not. */
    sendNamed: async (batch: Batch, key = batchKey('bull', batch)) => {
      await queue.add('batch', { key }, { jobId: batchJobId(batch), removeOnComplete: true });
    },
    /** As gateways did that put each batch into the job itself. */
    sendWhole: async (batch: Batch) => {
      await queue.add('batch', batch, { jobId: batchJobId(batch), removeOnComplete: true });
    },
    /** The batches that Redis holds still. */
    held: async () => (await connection.keys('bull:gateway-batch:*')).length,
    size: () => queue.getJobCountByTypes('wait', 'active', 'failed', 'completed', 'delayed'),
    close: async () => {
      await queue.close();
      connection.disconnect();
    },
  };
}
