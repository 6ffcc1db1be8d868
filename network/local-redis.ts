import { mkdir } from 'node:fs/promises';
import { Redis } from 'ioredis';
import type { Member } from './fleet.ts';

/**
 * A Redis of the network's own: on the loopback interface, every write on disk before it is confirmed, nothing ever
 * evicted.
 *
 * @param dir - where it keeps its files; made if need be
 */
export async function localRedis(dir: string, port: number): Promise<Member> {
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
  return {
    plan: { name: 'redis', command: 'redis-server', args },
    stage: 0,
    isReady: () => answersPing(port),
    readyLimitMs: 60_000,
  };
}

async function answersPing(port: number): Promise<true | undefined> {
  const client = new Redis(port, '127.0.0.1', {
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    return (await client.ping()) === 'PONG' ? true : undefined;
  } finally {
    client.disconnect();
  }
}
