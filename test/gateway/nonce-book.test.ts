import { describe, expect, it } from '@jest/globals';
import { makeNonceBook } from '../../ocpp-gateway/nonce-book.ts';

const MINUTE_MS = 60_000;

function start() {
  const world = { nowMs: 0, redis: new Set<string>(), questions: 0 };
  const use = makeNonceBook(
    async (manager, nonce) => {
      world.questions += 1;
      if (world.redis.has(manager + nonce)) return false;
      world.redis.add(manager + nonce);
      return true;
    },
    () => world.nowMs,
  );
  return { world, use };
}

describe('the book of nonces', () => {
  it('takes each nonce of each manager once', async () => {
    const { use } = start();
    expect(await use('0xa', '1', MINUTE_MS)).toBe(true);
    expect(await use('0xa', '1', MINUTE_MS)).toBe(false);
    expect(await use('0xb', '1', MINUTE_MS)).toBe(true);
    expect(await use('0xa', '2', MINUTE_MS)).toBe(true);
  });

  it('takes none again after Redis has lost all it knew', async () => {
    const { world, use } = start();
    await use('0xa', '1', MINUTE_MS);
    world.redis.clear();
    expect(await use('0xa', '1', MINUTE_MS)).toBe(false);
    expect(world.questions).toBe(1);
  });

  it('takes one of two that come at once', async () => {
    const { world, use } = start();
    const both = [use('0xa', '1', MINUTE_MS), use('0xa', '1', MINUTE_MS)];
    world.redis.clear();
    expect((await Promise.all(both)).sort()).toEqual([false, true]);
  });

  it('takes none that another gateway has used, and none that Redis cannot vouch for', async () => {
    const { world, use } = start();
    world.redis.add('0xa1');
    expect(await use('0xa', '1', MINUTE_MS)).toBe(false);
    const away = makeNonceBook(() => Promise.reject(new Error('away')), Date.now);
    await expect(away('0xa', '1', MINUTE_MS)).rejects.toThrow('away');
  });

  it('forgets what no deadline allows any more', async () => {
    const { world, use } = start();
    await use('0xa', '1', MINUTE_MS);
    world.nowMs = 7 * MINUTE_MS;
    await use('0xa', '2', 8 * MINUTE_MS);
    world.redis.clear();
    // Nobody would ask: the command has expired.
    expect(await use('0xa', '1', MINUTE_MS)).toBe(true);
  });
});
