import { mkdir } from 'node:fs/promises';
import { Redis } from 'ioredis';
import { until } from './deadline.ts';
import { type Supervised, startProcess } from './supervisor.ts';
import type { Watchdog } from './watchdog.ts';

/**
 * Starts a Redis of the network's own: on the loopback interface, every write on disk before it is confirmed, nothing
 * ever evicted.
 */
export async function startLocalRedis(dir: string, port: number, watchdog: Watchdog): Promise<Supervised> {
  await mkdir(dir, { recursive: true });
  const settings = {
    port: String(port),
    bind: '127.0.0.1',
    dir,
    appendonly: 'yes',
    appendfsync: 'always',
    save: '',
    'maxmemory-policy': 'noeviction',
    daemonize: 'no',
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const redis = await startProcess({ name: 'redis', command: 'redis-server', args }, watchdog);
  const gone = new AbortController();
  void redis.exited.then((exit) => gone.abort(new Error(`redis ended: ${exit.lastWords.at(-1) ?? ''}`)));
  const client = new Redis(port, '127.0.0.1', {
    lazyConnect: true,
    retryStrategy: () => 100,
    maxRetriesPerRequest: null,
  });
  client.on('error', () => {});
  try {
    client.connect().catch(() => {});
    await until(
      'Redis to answer',
      20_000,
      async () => ((await client.ping()) === 'PONG' ? true : undefined),
      gone.signal,
    );
  } finally {
    client.disconnect();
  }
  return redis;
}
