import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Interface } from 'ethers';
import { startClock } from '../../jobs/node/clock.ts';
import { openDatabase } from '../../jobs/node/database.ts';
import { makeRunStore } from '../../jobs/node/run-store.ts';
import { type CronJob, parseJobSpec } from '../../jobs/node/spec.ts';
import { startJobNode } from '../../jobs/node/start.ts';
import { renderCronSpec } from '../../jobs/render.ts';
import { makeLog } from '../../runtime/log.ts';
import { listRuns, makeWorld, PATIENCE_MS, type World, waitFor } from './world.ts';

jest.setTimeout(PATIENCE_MS);

const log = makeLog('jobs', process.env.LOG_LEVEL ?? 'silent');

describe('the job that settles ended sessions', () => {
  let world: World;
  beforeAll(async () => {
    world = await makeWorld({ queries: [] });
  });
  afterAll(() => world.close());

  it('asks about the first session that is its turn, and has nothing to do where there is none', async () => {
    const device = (await world.chain.wallet(7).getAddress()).toLowerCase();
    const sender = await world.chain.wallet(1).getAddress();
    const sessionId = `0x${'5e'.repeat(32)}`;
    const template = await readFile('jobs/settle-ended-sessions.toml', 'utf8');
    const spec = renderCronSpec(template, { evmChainId: 31_337, linkPayer: sender });
    await writeFile(join(world.folder, 'settle.toml'), spec.replace(/^schedule.*$/m, 'schedule = "@every 1s"'));
    world.bridge.answer = (ask) => {
      const result =
        ask === 2
          ? [
              { device, sessionId },
              { device: sender, sessionId },
            ]
          : [];
      return { status: 200, body: { jobRunID: '1', statusCode: 200, result } };
    };

    const node = await startJobNode(world.settings(), log);
    try {
      const runs = await waitFor(
        async () => {
          const ended = (await listRuns(node.port)).filter(({ state }) => state !== 'unfinished');
          return ended.length >= 3 && ended.toReversed();
        },
        { what: 'three runs' },
      );
      const idle = { state: 'completed', note: 'due: the condition does not hold' };
      expect(runs.slice(0, 3)).toMatchObject([idle, { state: 'completed', note: null }, idle]);
      expect(runs[0]?.requestId).toMatch(/^cron:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/);
      expect(world.bridge.asked[0]).toEqual({ data: { endpoint: 'ended-sessions' }, meta: {} });
      const block = await world.chain.provider.getBlock('latest', true);
      const [tx] = block?.prefetchedTransactions ?? [];
      const call = new Interface(['function requestSessionResult(bytes32 sessionId, address linkPayer)']);
      expect(tx).toMatchObject({
        from: sender,
        to: await world.chain.wallet(7).getAddress(),
        data: call.encodeFunctionData('requestSessionResult', [sessionId, sender]),
      });
    } finally {
      await node.close();
    }
  });
});

describe('a job of the clock', () => {
  const job = parseJobSpec(
    'type = "cron"\nschemaVersion = 1\nschedule = "CRON_TZ=UTC 0 * * * *"\nobservationSource = \'a [type="memo" value="1"]\'',
    'x.toml',
  ) as CronJob;

  it('begins a run once for each time it is due, and none while the one before goes on', () => {
    const store = makeRunStore(openDatabase(':memory:'), () => 0);
    expect(store.beginDue(job.id, 3_600_000)).toBe(true);
    expect(store.beginDue(job.id, 7_200_000)).toBe(false);
    store.end(1, 'completed', null, null);
    expect(store.beginDue(job.id, 3_600_000)).toBe(false);
    expect(store.beginDue(job.id, 10_800_000)).toBe(true);
    expect(store.run(2)).toMatchObject({ jobId: job.id, request: undefined });
    expect(store.list(9, 9).map(({ requestId }) => requestId)).toEqual([
      'cron:1970-01-01T03:00:00.000Z',
      'cron:1970-01-01T01:00:00.000Z',
    ]);
  });

  it('does not wait for years when the clock is set back from far ahead', () => {
    jest.useFakeTimers();
    try {
      let now = Date.parse('2080-01-01T00:59:59Z');
      const begun: string[] = [];
      const store = { beginDue: (_job: string, due: number) => begun.push(new Date(due).toISOString()) > 0 };
      const clock = startClock(
        [job],
        store,
        () => {},
        log,
        () => now,
      );
      now = Date.parse('2026-01-01T00:59:30Z');
      jest.advanceTimersByTime(30_000);
      now = Date.parse('2026-01-01T01:00:00Z');
      jest.advanceTimersByTime(30_000);
      clock.close();
      expect(begun).toEqual(['2026-01-01T01:00:00.000Z']);
    } finally {
      jest.useRealTimers();
    }
  });
});
