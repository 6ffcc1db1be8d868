import { describe, expect, it } from '@jest/globals';
import { Interface, Log, type Provider } from 'ethers';
import { ORACLE_ABI } from '../../core/abi.ts';
import { requestIdIn, takeIn } from '../../network/requests.ts';

const ledger = new Interface(ORACLE_ABI);
const WORD = `0x${'11'.repeat(32)}`;
const CONSUMER = `0x${'33'.repeat(20)}`;

// Seen: the ledger takes any bytes as parameters, and one question with none made `npm run ask` wait in vain for its own
// and the account of `npm start` read the same logs again and again.
describe('a question whose parameters are no connector', () => {
  it('is told like any other, of the charger as a whole', () => {
    const { data, topics } = ledger.encodeEventLog('Requested', [WORD, CONSUMER, WORD, 1, 1_767_225_600, 1, '0x']);
    const place = { blockNumber: 1, blockHash: WORD, transactionHash: WORD, transactionIndex: 0, index: 0 };
    const log = new Log({ address: CONSUMER, data, topics, removed: false, ...place }, {} as Provider);
    expect(takeIn(new Map(), log, 5)).toMatchObject({ kind: 'asked', request: { requestId: WORD, connector: 0 } });
  });
});

// Seen: with two questions of one contract in a block, the one that stood first was taken for the asker's own.
describe('the request that a tx asked', () => {
  it('is found by the tx’s own logs, and only the ledger’s', () => {
    const oracle = `0x${'aB'.repeat(20)}`;
    const { topics } = ledger.encodeEventLog('Requested', [WORD, CONSUMER, WORD, 1, 1_767_225_600, 1, '0x']);
    const another = [topics[0] as string, `0x${'22'.repeat(32)}`];
    const logs = [
      { address: CONSUMER, topics: another },
      { address: oracle, topics: [`0x${'44'.repeat(32)}`] },
      { address: oracle.toLowerCase(), topics },
    ];
    expect(requestIdIn(logs, oracle)).toBe(WORD);
    expect(requestIdIn(logs.slice(0, 2), oracle)).toBeUndefined();
  });
});
