import { describe, expect, it } from '@jest/globals';
import { toBeHex } from 'ethers';
import type { OpenRequest, OverdueRequests } from '../../adapter/overdue-requests.ts';
import { type Due, dueRequests } from './due-requests.ts';

describe('of many requests that too few operators answered', () => {
  const SLOT_MS = 60_000;
  const ids = (due: Due) => due.map(({ requestId }) => Number(requestId));

  /** One operator, so that each turn is its own; the requests 1, 2, … of which some are a charger's. */
  function makeAdapter(count: number, commands: readonly number[], closed: readonly number[] = []) {
    let nowMs = 0;
    const overdue = Array.from({ length: count }, (_, n): OpenRequest => {
      const [number, deadlineSec] = [n + 1, 1_000 + n];
      const isCommand = commands.includes(number);
      return { requestId: toBeHex(number, 32), askedAtSec: deadlineSec - 300, deadlineSec, isCommand };
    });
    let looks = 0;
    const requests: OverdueRequests = {
      ledger: '0xabc',
      look: async () => ({ head: { number: 7, timestampSec: 1_090 }, overdue }),
      isOpen: async ({ requestId }) => {
        looks++;
        return !closed.includes(Number(requestId));
      },
    };
    const place = async () => ({ place: 0, operators: 1 });
    const due = dueRequests({
      chain: () => ({ place }),
      requests: () => requests,
      account: '0x',
      slotMs: SLOT_MS,
      now: () => nowMs,
    });
    return {
      due,
      looks: () => looks,
      wait: (ms: number) => {
        nowMs += ms;
      },
    };
  }

  it('those of chargers come first, and last what was named first half a turn ago', async () => {
    const adapter = makeAdapter(3, [3]);
    expect(ids(await adapter.due())).toEqual([3, 1, 2]);
    expect(ids(await adapter.due())).toEqual([1, 2]);
    adapter.wait(SLOT_MS / 2);
    expect(ids(await adapter.due())).toEqual([2, 3, 1]);
  });

  it('no more than twenty are named, and no more than sixty looked at', async () => {
    const open = makeAdapter(30, []);
    expect(ids(await open.due())).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
    const all = Array.from({ length: 70 }, (_, n) => n + 1);
    const closed = makeAdapter(70, [], all);
    expect([await closed.due(), closed.looks()]).toEqual([[], 60]);
  });

  it('none is named to an operator that is not asked', async () => {
    const due = dueRequests({
      chain: () => ({ place: async () => undefined }),
      requests: () => {
        throw new Error('looked at');
      },
      account: '0x',
      slotMs: SLOT_MS,
      now: () => 0,
    });
    expect(await due()).toEqual([]);
  });
});
