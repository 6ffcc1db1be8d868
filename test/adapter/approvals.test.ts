import { beforeEach, describe, expect, it } from '@jest/globals';
import { id, Wallet } from 'ethers';
import { makeApprovals } from '../../adapter/approvals.ts';
import { openDatabase } from '../../adapter/database.ts';
import { DevsenError } from '../../core/errors.ts';
import type { RequestApproval } from '../../core/request-approval.ts';
import { makeLog } from '../../runtime/log.ts';
import { TEST_NETWORK } from '../support/batches.ts';

const AS_OF = 1_000;
const ASKED: RequestApproval = {
  requestId: id('request'),
  deviceId: id('CH-1'),
  query: 'command',
  params: '0x',
  asOfSec: AS_OF,
};

/** An operator whose queue and chain are away or not. */
function begin() {
  const queued: string[] = [];
  const world = { isRedisAway: true, shown: ASKED as RequestApproval | undefined, nowMs: AS_OF * 1000, queued };
  const approvals = makeApprovals({
    db: openDatabase(':memory:'),
    asked: { find: async () => world.shown },
    queue: {
      add: async (jobId) => {
        if (world.isRedisAway) throw new DevsenError('REDIS_UNAVAILABLE', 'away');
        queued.push(jobId);
      },
    },
    signingKey: new Wallet(id('key')),
    operator: `0x${'0b'.repeat(20)}`,
    log: makeLog('test', 'silent'),
    now: () => world.nowMs,
  });
  return { world, ...approvals };
}

describe('an approval that did not come into the queue', () => {
  let operator: ReturnType<typeof begin>;
  beforeEach(async () => {
    operator = begin();
    await expect(operator.approve(TEST_NETWORK, ASKED.requestId, AS_OF)).rejects.toThrow('away');
  });

  it('is put there without being asked for again, once', async () => {
    await operator.sendAgain(TEST_NETWORK);
    expect(operator.world.queued).toEqual([]);
    operator.world.isRedisAway = false;
    await Promise.all([operator.sendAgain(TEST_NETWORK), operator.sendAgain(TEST_NETWORK)]);
    await operator.sendAgain(TEST_NETWORK);
    expect(operator.world.queued).toEqual([`${ASKED.requestId}-0x${'0b'.repeat(20)}`]);
  });

  it('is not when gateways could no longer act on it', async () => {
    operator.world.isRedisAway = false;
    operator.world.nowMs += 30_001;
    await operator.sendAgain(TEST_NETWORK);
    expect(operator.world.queued).toEqual([]);
  });

  it.each([
    ['shows it no more', undefined],
    ['shows another under its id', { ...ASKED, query: 'set-configuration' as const }],
  ])('is not where the chain %s', async (_what, shown) => {
    operator.world.isRedisAway = false;
    operator.world.shown = shown;
    await operator.sendAgain(TEST_NETWORK);
    expect(operator.world.queued).toEqual([]);
  });
});
