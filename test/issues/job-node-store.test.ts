import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Interface, ZeroAddress } from 'ethers';
import { OPERATOR_ABI } from '../../core/abi.ts';
import { openDatabase } from '../../jobs/node/database.ts';
import { decodeRequest, type OracleRequest } from '../../jobs/node/requests.ts';
import { makeRunStore } from '../../jobs/node/run-store.ts';
import { startRunner } from '../../jobs/node/runner.ts';
import { parseJobSpec } from '../../jobs/node/spec.ts';
import { makeTxStore } from '../../jobs/node/tx-store.ts';
import { makeLog } from '../../runtime/log.ts';
import { waitFor } from '../jobs/world.ts';

const log = makeLog('jobs', process.env.LOG_LEVEL ?? 'silent');
const REQUEST_ID = `0x${'17'.repeat(32)}`;

function makeRequest(): OracleRequest {
  const { data, topics } = new Interface(OPERATOR_ABI).encodeEventLog('OracleRequest', [
    `0x${'33'.repeat(32)}`,
    ZeroAddress,
    REQUEST_ID,
    1n,
    ZeroAddress,
    '0xdeadbeef',
    1_790_000_000n,
    2n,
    '0x',
  ]);
  const place = { address: ZeroAddress, blockNumber: 5, blockHash: '0x55', txHash: '0x66', logIndex: 0 };
  return decodeRequest({ data, topics, ...place }) as OracleRequest;
}

describe("the job node's database", () => {
  let folder: string;
  let db: DatabaseSync;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'devsen-jobs-'));
    db = openDatabase(join(folder, 'jobs.sqlite'));
  });
  afterEach(async () => {
    db.close();
    await rm(folder, { recursive: true, force: true });
  });

  const addRun = (jobId: string) => {
    const runs = makeRunStore(db, () => 1);
    runs.advance(jobId, { number: 5, hash: '0x55' }, [{ kind: 'request', request: makeRequest() }]);
    return runs;
  };

  // Seen: after an operator changed its key and kept the database, the new account's low nonce made the old account's
  // final txs look unmined; each got an empty tx from the new account, and answers waited behind them.
  it('leaves final txs of the account before alone', () => {
    addRun('job');
    const txs = makeTxStore(db);
    const request = {
      to: '0xb',
      data: '0x',
      gasLimit: 1,
      minConfirmations: 1,
      failOnRevert: true,
      afterBlock: 5,
      worthWei: undefined,
    };
    txs.add({ key: '1:0:submit', runId: 1, ...request });
    const { id } = txs.byKey('1:0:submit') as { id: number };
    const fees = { maxFeeWei: 2n, tipWei: 1n };
    txs.addAttempt(id, { hash: '0x1', raw: '0x2', nonce: 7, account: '0xa', isEmpty: false, sentAtMs: 1, ...fees });
    txs.final(id);
    expect(txs.reopen('0xc', 0)).toBe(0);
    expect(txs.open('0xc')).toEqual([]);
    expect(txs.reopen('0xa', 0)).toBe(1);
  });

  // Seen: the partial index was used by no query, so each look at the open txs read every tx there ever was.
  it('finds open and queued txs without reading all others', () => {
    const plan = (where: string) =>
      (db.prepare(`EXPLAIN QUERY PLAN SELECT data FROM txs WHERE ${where}`).all() as { detail: string }[])
        .map(({ detail }) => detail)
        .join();
    expect(plan(`state = 'queued' ORDER BY id LIMIT 5`)).toBe('SEARCH txs USING INDEX txs_by_state (state=?)');
    expect(plan(`state IN ('sent', 'mined') ORDER BY nonce`)).toMatch(
      /SEARCH txs USING INDEX txs_by_state \(state=\?\)/,
    );
  });

  // Seen: when the disk was full the run began again at once, and again, and asked the adapter as fast as it could.
  it('that cannot be written to does not make a run begin again and again without a pause', async () => {
    const spec = `type = "directrequest"\nschemaVersion = 1\nname = "x"
externalJobID = "0de75e00-c4a9-4e57-8a70-000000000009"\ncontractAddress = "0x${'44'.repeat(20)}"
observationSource = """\n  one [type="jsonparse" data="1"]\n"""`;
    const job = parseJobSpec(spec, 'x.toml');
    const runs = addRun(job.id);
    const triedAtMs: number[] = [];
    const saveTask = () => {
      triedAtMs.push(performance.now());
      // Not for ever: a run that begins again without a pause leaves no turn to anything else.
      if (triedAtMs.length < 3) throw new Error('database or disk is full');
    };
    const rules = { maxRuns: 1, retryMinMs: 1, retryMaxMs: 1, chainId: 1n, rangeBlocks: 1 };
    const runner = startRunner(undefined as never, [job], { ...runs, saveTask }, {} as never, rules, log, () => {});
    try {
      runner.kick();
      await waitFor(() => triedAtMs.length >= 2, { what: 'the run to be tried again' });
      // Timers may fire a little early.
      expect((triedAtMs[1] as number) - (triedAtMs[0] as number)).toBeGreaterThan(900);
    } finally {
      await runner.close();
    }
  });
});
