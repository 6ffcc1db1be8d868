import { fork } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { makeConnectionChain } from '../../ocpp-gateway/custody.ts';
import { exitOf, keepUntilExit } from '../support/children.ts';
import { queuedBatches } from '../support/queued-batches.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';
import { eventsOf, OPERATORS, readyTestOutbox, verifyBatches } from './outbox-support.ts';
import { openRedisProxy, type RedisProxy } from './redis-proxy.ts';

const CHARGERS = 20;

/** Names of the events in an operator's queue, whose chain is checked. */
async function namesIn(redisUrl: string, operator: string): Promise<string[]> {
  const batches = await queuedBatches(redisUrl, operator);
  verifyBatches(batches);
  return eventsOf(batches).map(({ charger, epoch, seq }) => `${charger} ${epoch} ${seq}`);
}

describe('the outbox over crashes', () => {
  let redis: TestRedis;
  let proxy: RedisProxy | undefined;

  beforeEach(async () => {
    redis = await startRedis();
  });
  afterEach(async () => {
    await proxy?.close();
    proxy = undefined;
    await redis.close();
  });

  it('has every event exactly once and in order in every queue, however often Redis is killed', async () => {
    const outbox = await readyTestOutbox(redis.url);
    let isOver = false;
    const confirmed: string[] = [];
    const charger = async (number: number) => {
      const chain = makeConnectionChain(`CP-${number}`, 1);
      while (!isOver) {
        const name = `${chain.charger} 1 ${chain.seq}`;
        await outbox.append(chain, 'call', '[3]', `[2,"${name}"]`);
        confirmed.push(name);
      }
    };
    const chargers = Array.from({ length: CHARGERS }, (_, number) => charger(number));
    for (let kills = 0; kills < 4; kills++) {
      const before = confirmed.length;
      await waitFor(() => confirmed.length >= before + 100, { what: 'a hundred events more' });
      await redis.restart();
    }
    isOver = true;
    await Promise.all(chargers);
    await outbox.close();

    expect(outbox.fatal).toEqual([]);
    const first = await namesIn(redis.url, OPERATORS[0] as string);
    expect(first.toSorted()).toEqual(confirmed.toSorted());
    for (const operator of OPERATORS) expect(await namesIn(redis.url, operator)).toEqual(first);
  });

  it('has every event that a killed gateway confirmed, and its successor goes on with the chain', async () => {
    const confirmed: string[] = [];
    for (let life = 1; life <= 3; life++) {
      const child = fork(new URL('./outbox-child.ts', import.meta.url), [redis.url, `${CHARGERS}`, `${life}`], {
        execArgv: ['--disable-warning=ExperimentalWarning'],
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      });
      keepUntilExit(child);
      const before = confirmed.length;
      child.on('message', (name) => confirmed.push(String(name)));
      await waitFor(() => confirmed.length >= before + 200, { what: 'events to be confirmed', timeoutMs: 60_000 });
      child.kill('SIGKILL');
      await exitOf(child);
    }
    const first = await namesIn(redis.url, OPERATORS[0] as string);
    expect(new Set(first).size).toBe(first.length);
    expect(confirmed.filter((name) => !first.includes(name))).toEqual([]);
    for (const operator of OPERATORS) expect(await namesIn(redis.url, operator)).toEqual(first);
    const batches = await queuedBatches(redis.url, OPERATORS[0] as string);
    expect(new Set(batches.map((batch) => batch.generation)).size).toBe(1);
    expect(new Set(batches.map((batch) => batch.bootedAtMs)).size).toBe(3);
  });

  it('waits out a Redis that has stopped without a word', async () => {
    const outbox = await readyTestOutbox(redis.url);
    const chain = makeConnectionChain('CP-1', 1);
    await outbox.append(chain, 'open', '', '{}');
    redis.pause();
    const written = [outbox.append(chain, 'call', '', 'a'), outbox.append(chain, 'call', '', 'b')];
    await waitFor(() => !outbox.isReady(), { what: 'the outbox to give the connection up' });
    expect(outbox.stats().pendingEvents).toBe(2);
    redis.resume();
    await Promise.all(written);
    expect(outbox.isReady()).toBe(true);
    expect(await namesIn(redis.url, OPERATORS[3] as string)).toEqual(['CP-1 1 0', 'CP-1 1 1', 'CP-1 1 2']);
    await outbox.close();
  });

  it('does not write a batch twice whose confirmation was lost', async () => {
    proxy = await openRedisProxy(redis.port);
    const outbox = await readyTestOutbox(proxy.url);
    const chain = makeConnectionChain('CP-1', 1);
    await outbox.append(chain, 'call', '', 'a');
    const before = proxy.scripts();
    proxy.plan(['lose-reply']);
    await outbox.append(chain, 'call', '', 'b');
    expect(proxy.scripts()).toBe(before + 1);
    await outbox.append(chain, 'call', '', 'c');
    expect(await namesIn(redis.url, OPERATORS[1] as string)).toEqual(['CP-1 1 0', 'CP-1 1 1', 'CP-1 1 2']);
    await outbox.close();
  });

  it('writes a batch again, byte for byte, that never arrived', async () => {
    proxy = await openRedisProxy(redis.port);
    const outbox = await readyTestOutbox(proxy.url);
    const chain = makeConnectionChain('CP-1', 1);
    await outbox.append(chain, 'call', '', 'a');
    const before = proxy.scripts();
    proxy.plan(['lose-request', 'lose-request']);
    await outbox.append(chain, 'call', '', 'b');
    expect(proxy.scripts()).toBe(before + 3);
    expect(await namesIn(redis.url, OPERATORS[1] as string)).toEqual(['CP-1 1 0', 'CP-1 1 1']);
    await outbox.close();
  });

  it('finds after a restart that its last batch is in, though it died before it knew', async () => {
    proxy = await openRedisProxy(redis.port);
    const first = await readyTestOutbox(proxy.url, { options: { closeTimeoutMs: 0, retryMs: 60_000 } });
    await first.append(makeConnectionChain('CP-1', 1), 'call', '', 'a');
    proxy.plan(['lose-reply']);
    const lost = first.append(makeConnectionChain('CP-1', 2), 'call', '', 'b');
    lost.catch(() => {});
    await waitFor(() => !first.isReady(), { what: 'the reply to be lost' });
    await proxy.close();
    proxy = undefined;
    await first.close();
    const second = await readyTestOutbox(redis.url);
    await second.append(makeConnectionChain('CP-1', 3), 'call', '', 'c');
    expect(await namesIn(redis.url, OPERATORS[0] as string)).toEqual(['CP-1 1 0', 'CP-1 2 0', 'CP-1 3 0']);
    await second.close();
  });
});
