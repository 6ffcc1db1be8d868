import { describe, expect, it } from '@jest/globals';
import { AbiCoder, ZeroAddress, ZeroHash } from 'ethers';
import { openDatabase } from '../../jobs/node/database.ts';
import { decodeRequest, type OracleRequest, REQUEST_TOPIC } from '../../jobs/node/requests.ts';
import { makeRunStore } from '../../jobs/node/run-store.ts';
import { makeTxStore } from '../../jobs/node/tx-store.ts';

const JOB = 'job';

function requestAt(blockNumber: number): OracleRequest {
  const types = ['address', 'bytes32', 'uint256', 'address', 'bytes4', 'uint256', 'uint256', 'bytes'];
  const values = [ZeroAddress, ZeroHash, 0, ZeroAddress, '0x00000000', 0, 2, '0x'];
  return decodeRequest({
    address: ZeroAddress,
    topics: [REQUEST_TOPIC, ZeroHash],
    data: AbiCoder.defaultAbiCoder().encode(types, values),
    blockNumber,
    blockHash: ZeroHash,
    txHash: ZeroHash,
    logIndex: 0,
  }) as OracleRequest;
}

describe('a cancellation that a reorg takes back', () => {
  // Seen: the answer's nonce had been given to an empty tx meanwhile, whose outcome the run, open again, then took for
  // its answer's: it ended as failed, though the request was open and could be answered.
  it('lets the run make its answer anew where the nonce of the first has gone to an empty tx', () => {
    const db = openDatabase(':memory:');
    const runs = makeRunStore(db, () => 0);
    const txs = makeTxStore(db);
    const request = requestAt(10);
    runs.begin(JOB, 9);
    runs.advance(JOB, { number: 10, hash: '0xa' }, [{ kind: 'request', request }]);
    const tx = {
      to: ZeroAddress,
      data: '0x',
      gasLimit: 1,
      minConfirmations: 1,
      failOnRevert: true,
      afterBlock: 10,
      worthWei: undefined,
    };
    txs.add({ ...tx, key: '1:0:submit', runId: 1 });
    const attempt = {
      hash: '0x1',
      raw: '0x',
      nonce: 0,
      account: ZeroAddress,
      maxFeeWei: 1n,
      tipWei: 1n,
      isEmpty: false,
      sentAtMs: 0,
    };
    txs.addAttempt(1, attempt);
    const cancelled = { kind: 'cancelled' as const, requestId: request.requestId, blockNumber: 12 };
    expect(runs.advance(JOB, { number: 12, hash: '0xc' }, [cancelled])).toEqual([1]);
    txs.addAttempt(1, { ...attempt, hash: '0x2', isEmpty: true });

    expect(runs.rewind(JOB, 11)).toEqual([]);
    expect(runs.unfinished(0, 9)).toEqual([1]);
    expect(runs.run(1).generation).toBe(1);
    expect(txs.byKey('1:0:submit')?.isWanted).toBe(false);
    db.close();
  });
});
