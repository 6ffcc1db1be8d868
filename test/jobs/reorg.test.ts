import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { startJobNode } from '../../jobs/node/start.ts';
import { makeLog } from '../../runtime/log.ts';
import { listRuns, makeWorld, PATIENCE_MS, type World, waitFor } from './world.ts';

jest.setTimeout(PATIENCE_MS);

const log = makeLog('jobs', process.env.LOG_LEVEL ?? 'silent');

describe('a reorg', () => {
  let world: World;
  const mine = (blocks: number) => world.chain.provider.send('hardhat_mine', [`0x${blocks.toString(16)}`]);
  const withConfirmations = (count: number) => (toml: string) =>
    toml.replace(/minIncomingConfirmations = \d+/, `minIncomingConfirmations = ${count}`);
  beforeAll(async () => {
    world = await makeWorld();
  });
  afterAll(() => world.close());

  describe('before a request has its confirmations', () => {
    beforeEach(() => world.refresh(withConfirmations(4)));

    it('leaves a request that is no longer in the chain unanswered, and answers it once when it is mined again', async () => {
      const node = await startJobNode(world.settings(), log);
      try {
        const snapshot = await world.chain.provider.send('evm_snapshot', []);
        await world.request(1);
        await mine(2);
        const settled = await world.request(2).then(() => mine(3));
        expect(settled).toBeDefined();
        await waitFor(async () => (await world.answered()).length === 2, {
          what: 'requests four blocks deep to be answered',
        });

        await world.revert(snapshot);
        await mine(1);
        const third = await world.request(3);
        await mine(12);
        await waitFor(async () => (await world.answered()).includes(third), { what: 'a request after the reorg' });
        expect(await world.answered()).toEqual([third]);

        const again = await world.request(1);
        await mine(3);
        await waitFor(async () => (await world.answered()).includes(again), { what: 'the request mined again' });
        expect(await world.answered()).toEqual([third, again]);
        expect(world.bridge.asked.filter((body) => body.id === again)).toHaveLength(2);
      } finally {
        await node.close();
      }
    });
  });

  describe('after a request was answered', () => {
    beforeEach(() => world.refresh());

    for (const depth of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]) {
      it(`answers it once in the new chain too when ${depth} blocks later both are gone and it is mined again`, async () => {
        const node = await startJobNode(world.settings(), log);
        try {
          await world.request(99);
          await waitFor(async () => (await world.answered()).length === 1, { what: 'the first answer' });
          const snapshot = await world.chain.provider.send('evm_snapshot', []);
          const requestId = await world.request(1);
          await waitFor(async () => (await world.answered()).length === 2, { what: 'the answer' });
          await mine(depth);
          await waitFor(async () => (await listRuns(node.port))[0]?.state === 'completed', { what: 'the run to end' });

          await world.revert(snapshot);
          await mine(depth + 3);
          await waitFor(async () => (await listRuns(node.port))[0]?.state === 'orphaned', {
            what: 'the reorg to be seen',
          });
          expect(await world.request(1)).toBe(requestId);
          await waitFor(async () => (await world.answered()).length === 2, { what: 'the answer in the new chain' });
          await waitFor(async () => (await listRuns(node.port))[0]?.state === 'completed', {
            what: 'the run to end again',
          });
          await mine(3);
          expect((await world.answered()).filter((id) => id === requestId)).toHaveLength(1);
          expect((await world.fulfilTxs()).every(({ status }) => status === 1)).toBe(true);
        } finally {
          await node.close();
        }
      });
    }

    it('goes on after a reorg that happened while it was down', async () => {
      const first = await startJobNode(world.settings(), log);
      const snapshot = await world.chain.provider.send('evm_snapshot', []);
      await world.request(1);
      await waitFor(async () => (await listRuns(first.port))[0]?.state === 'completed', { what: 'the answer' });
      await first.close();
      await world.revert(snapshot);
      await mine(5);
      const second = await startJobNode(world.settings(), log);
      try {
        const requestId = await world.request(2);
        await waitFor(async () => (await world.answered()).includes(requestId), { what: 'the answer after the reorg' });
        expect(await world.answered()).toEqual([requestId]);
      } finally {
        await second.close();
      }
    });
  });
});
