import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseEther } from 'ethers';
import { Redis } from 'ioredis';
import { startChain } from '../support/chain.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';

describe('the Redis of a test', () => {
  let server: TestRedis;
  let client: Redis;

  beforeEach(async () => {
    server = await startRedis();
    client = new Redis(server.url);
    client.on('error', () => {});
  });

  afterEach(async () => {
    client.disconnect();
    await server.close();
  });

  it('keeps what it acknowledged over a kill', async () => {
    await client.set('charger', 'CP-1');
    await server.kill9();
    await server.restart();
    expect(await client.get('charger')).toBe('CP-1');
  });
});

describe('the chain of a test', () => {
  it('mines a tx at once, with a block time that is not ahead of the clock', async () => {
    const chain = await startChain();
    try {
      const from = chain.wallet(0);
      const txs = await Promise.all(
        [1, 2, 3].map(() => from.sendTransaction({ to: RECEIVER, value: parseEther('1') })),
      );
      for (const tx of txs) await tx.wait();
      const block = await chain.provider.getBlock('latest');
      expect(block?.number).toBe(3);
      expect(block?.timestamp).toBeLessThanOrEqual(Math.floor(Date.now() / 1000));
      expect(await chain.provider.getBalance(RECEIVER)).toBe(parseEther('3'));
    } finally {
      await chain.close();
    }
  });
});

const RECEIVER = '0x00000000000000000000000000000000000000a1';

describe('waitFor', () => {
  it('names what it waited for in vain, and keeps the last error', async () => {
    const look = () => {
      throw new Error('not there');
    };
    await expect(waitFor(look, { what: 'the moon', timeoutMs: 30 })).rejects.toMatchObject({
      message: 'waited 30 ms for the moon, in vain',
      cause: { message: 'not there' },
    });
  });
});
