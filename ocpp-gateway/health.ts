import type { Registry, RegistrySnapshot } from '../runtime/registry.ts';
import type { GatewayGauges } from './metrics.ts';
import type { Outbox } from './outbox.ts';
import type { GatewayRedis } from './redis.ts';
import type { Stations } from './stations.ts';
import type { TlsFiles } from './tls-files.ts';

/** What `GET /health` answers. */
export interface Health {
  status: 'green' | 'red';
  /** Why it is red, one phrase each. */
  problems: string[];
  connections: number;
  /** Events that Redis does not have yet, and the age of the oldest, ms. */
  pendingEvents: number;
  lagMs: number;
}

/** The parts of a gateway whose state makes its health; undefined until they were opened. */
export interface GatewayParts {
  registry: Registry | undefined;
  redis: GatewayRedis | undefined;
  outbox: Outbox | undefined;
  stations: Stations | undefined;
  /** Undefined for good where there is no TLS. */
  tls: TlsFiles | undefined;
}

/** An outbox whose oldest event is older than this is stuck, ms. */
const STUCK_AFTER_MS = 5_000;

/** @param isKnown - whether the chain knows this gateway by its key */
export function healthOf(parts: GatewayParts, isKnown: (snapshot: RegistrySnapshot) => boolean): Health {
  const found = problemsOf(parts, isKnown);
  const { pendingEvents = 0, lagMs = 0 } = parts.outbox?.stats() ?? {};
  return {
    status: found.length === 0 ? 'green' : 'red',
    problems: found,
    connections: parts.stations?.count() ?? 0,
    pendingEvents,
    lagMs: Math.round(lagMs),
  };
}

function problemsOf(
  { registry, redis, outbox, tls }: GatewayParts,
  isKnown: (snapshot: RegistrySnapshot) => boolean,
): string[] {
  if (registry === undefined) return ['waiting for the chain'];
  if (redis === undefined || outbox === undefined) return ['waiting for Redis'];
  const found: string[] = [];
  if (!registry.isFresh()) found.push('chain is away');
  const isRegistered = isKnown(registry.snapshot());
  if (!isRegistered) found.push('this gateway, or its key, is not registered on chain');
  if (!redis.isUp()) found.push('Redis is away');
  // The outbox takes nothing before the gateway is registered.
  if (isRegistered && !outbox.isReady()) found.push('outbox is not ready');
  if (outbox.stats().lagMs > STUCK_AFTER_MS) found.push('outbox is stuck');
  if (tls !== undefined && tls.identity().expiresAtMs <= Date.now()) found.push('TLS certificate has expired');
  return found;
}

/** The same state for Prometheus. */
export function gaugesOf(parts: () => GatewayParts, health: () => Health): GatewayGauges {
  const stats = () => parts().outbox?.stats();
  return {
    connections: () => parts().stations?.count() ?? 0,
    pendingEvents: () => stats()?.pendingEvents ?? 0,
    pendingBytes: () => stats()?.pendingBytes ?? 0,
    lagMs: () => stats()?.lagMs ?? 0,
    writtenEvents: () => stats()?.writtenEvents ?? 0,
    writtenBatches: () => stats()?.writtenBatches ?? 0,
    certificateExpiresAtMs: () => parts().tls?.identity().expiresAtMs ?? 0,
    isHealthy: () => health().status === 'green',
    waitingBatches: async () => {
      const { redis, registry } = parts();
      const operators = registry?.operators().filter(({ active }) => active) ?? [];
      return redis?.waitingBatches(operators.map(({ account }) => account)) ?? [];
    },
  };
}
