import type { QueueReader } from './queue.ts';

/** `GET /health`: red if work waits for something this operator needs; a silent gateway does not make it red. */
export interface Health {
  status: 'green' | 'red';
  /** Whether the last write of the record succeeded and it can be read. */
  database: boolean;
  redis: boolean;
  /** Whether the chain confirmed the list of gateways lately. */
  chain: boolean;
  /** Jobs in the operator's queue; absent while Redis is away. */
  backlog?: number;
  gateways: GatewayHealth[];
}

export interface GatewayHealth {
  account: string;
  /** How far its last watermark lies behind this operator's clock, ms; null before the first. */
  lagMs: number | null;
  /** Whether its record goes on without a break. */
  isFollowed: boolean;
  /** Batches that wait for one before them or for the registration of their key. */
  parked: number;
  isConvicted: boolean;
}

export interface HealthSources {
  isDatabaseSound: () => boolean;
  /** undefined until the network is known, and reading has begun. */
  queue: () => Pick<QueueReader, 'backlog' | 'listeningSinceMs'> | undefined;
  isChainFresh: () => boolean;
  gateways: () => GatewayHealth[];
}

export async function readHealth(sources: HealthSources): Promise<Health> {
  const queue = sources.queue();
  const database = sources.isDatabaseSound();
  const chain = sources.isChainFresh();
  const backlog = await queue?.backlog().catch(() => undefined);
  const redis = backlog !== undefined && queue?.listeningSinceMs() !== undefined;
  return {
    status: database && redis && chain ? 'green' : 'red',
    database,
    redis,
    chain,
    ...(backlog === undefined ? {} : { backlog }),
    gateways: database ? sources.gateways() : [],
  };
}
