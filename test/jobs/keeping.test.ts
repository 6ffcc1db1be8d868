import type { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { makeBridgeAnswers } from '../../jobs/node/bridge-answers.ts';
import { openDatabase } from '../../jobs/node/database.ts';
import { makeRetention } from '../../jobs/node/retention.ts';
import { makeRunStore } from '../../jobs/node/run-store.ts';
import { makeTxStore } from '../../jobs/node/tx-store.ts';
import { runTask } from './run-task.ts';
import { startBridge, type TestBridge } from './world.ts';

let db: DatabaseSync;
beforeEach(() => {
  db = openDatabase(':memory:');
});
afterEach(() => db.close());

describe('runs that ended long ago', () => {
  it('are deleted with their txs, and no others', async () => {
    let now = 1_000;
    const runs = makeRunStore(db, () => now);
    const txs = makeTxStore(db);
    const addRun = (n: number, isEnded: boolean) => {
      runs.beginDue(`job-${n}`, n * 1_000);
      const tx = { to: '0x0', data: '0x', gasLimit: 1, minConfirmations: 1, failOnRevert: true, afterBlock: 0 };
      txs.add({ ...tx, key: `${n}:0:tx`, runId: n, worthWei: undefined });
      const attempt = { hash: `0x${n}`, raw: '0x', nonce: n, account: '0xa', maxFeeWei: 1n, tipWei: 1n };
      txs.addAttempt(n, { ...attempt, isEmpty: false, sentAtMs: 0 });
      if (isEnded) runs.end(n, 'completed', null, null);
    };
    addRun(1, true);
    txs.final(1);
    addRun(2, true);
    addRun(3, false);
    txs.final(3);
    now = 2_000;
    addRun(4, true);
    txs.final(4);

    expect(await makeRetention(db).prune(2_000)).toBe(1);
    expect(runs.list(99, 99).map(({ id }) => id)).toEqual([4, 3, 2]);
    expect(txs.byKey('1:0:tx')).toBeUndefined();
    expect(db.prepare('SELECT count(*) AS attempts FROM attempts').get()).toEqual({ attempts: 3 });
  });

  it('are kept while a reorg could still reach their block', async () => {
    const runs = makeRunStore(db, () => 1);
    runs.begin('job', 0);
    const insert = db.prepare(
      `INSERT INTO runs (job_id, request_id, state, generation, request, block_number, created_at_ms, ended_at_ms)
       VALUES ('job', ?, 'completed', 0, '', ?, 1, 1)`,
    );
    for (const block of [5, 9, 10, 11]) insert.run(`0x${block}`, block);
    runs.advance('job', { number: 10, hash: '0xa' }, []);
    runs.advance('job', { number: 12, hash: '0xc' }, []);
    expect(await makeRetention(db).prune(1_000)).toBe(2);
    expect(runs.list(99, 99).map(({ blockNumber }) => blockNumber)).toEqual([11, 10]);
  });
});

describe('a bridge task with a cacheTTL', () => {
  let bridge: TestBridge;
  beforeEach(async () => {
    bridge = await startBridge();
  });
  afterEach(() => bridge.close());

  it('gives its newest good answer for as long when the bridge fails, and asks each time all the same', async () => {
    let now = 10_000;
    const bridgeAnswers = makeBridgeAnswers(db, () => now);
    const services = { bridges: { b: { url: bridge.url, token: '' } }, bridgeAnswers };
    const ask = (cachettl: string) => runTask('bridge', { name: 'b', cachettl }, {}, [], services);
    let status = 500;
    bridge.answer = (n) => ({ status, body: { answer: n } });
    await expect(ask('30s')).rejects.toThrow('bridge b: answered 500');
    status = 200;
    expect(await ask('30s')).toBe('{"answer":2}');
    expect(await ask('0s')).toBe('{"answer":3}');
    status = 500;
    now += 30_000;
    expect(await ask('30s')).toBe('{"answer":2}');
    now += 1;
    await expect(ask('30s')).rejects.toThrow('bridge b: answered 500');
    expect(bridge.asked).toHaveLength(5);
    // An answer from a clock that was ahead is of no known age.
    now = 9_000;
    await expect(ask('30s')).rejects.toThrow('bridge b: answered 500');
  });
});
