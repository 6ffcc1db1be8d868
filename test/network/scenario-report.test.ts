import { describe, expect, it } from '@jest/globals';
import { must, mustEqual } from '../../network/scenarios/check.ts';
import { type Line, sums } from '../../network/scenarios/ledger.ts';
import { ledgerText, sessionsText } from '../../network/scenarios/report.ts';
import { plainPaint } from '../../network/terminal.ts';

const LINES: Line[] = [
  line('driver', 10_000_000n, 8_560_000n, [
    { txHash: '0xaa', amount: -5_000_000n },
    { txHash: '0xbb', amount: 3_560_000n },
  ]),
  line('owner', 0n, 1_440_000n, [{ txHash: '0xbb', amount: 1_440_000n }]),
  line('bystander', 0n, 0n, []),
];

function line(party: string, before: bigint, after: bigint, movements: Line['movements']): Line {
  return { party, token: 'EURL', decimals: 6, before, after, movements };
}

describe('the ledger that npm start -- --once ends with', () => {
  it('shows who has what, the txs that made the difference, and the sum; who never had anything is left out', () => {
    expect(ledgerText(LINES, plainPaint).split('\n')).toEqual([
      'party   token  before  after  change  by',
      'driver  EURL   10      8.56   -1.44   2 txs, the last 0xbb',
      'owner   EURL   0       1.44   +1.44   0xbb',
      'sum     EURL   10      10     0',
    ]);
  });

  it('sums up by token', () => {
    expect(sums([...LINES, { ...line('driver', 5n, 4n, []), token: 'LINK', decimals: 18 }])).toEqual([
      { token: 'EURL', decimals: 6, before: 10_000_000n, after: 10_000_000n },
      { token: 'LINK', decimals: 18, before: 5n, after: 4n },
    ]);
  });
});

describe('the list of paid sessions', () => {
  it('shows amounts in the token of each, and the tx that settled it', () => {
    const session = { identity: 'CP-LIS', connector: 1, sessionId: '0x01', energyWh: 767n, stop: 'Remote' };
    const paid = { cost: 1_347_483n, fee: 13_474n, refunded: 22_302_517n, txHash: '0xcc', symbol: 'EURL', decimals: 6 };
    expect(sessionsText([{ ...session, ...paid }]).split('\n')[1]).toBe(
      'CP-LIS/1  0.767 kWh  Remote    1.347483 EURL  0.013474  22.302517  0xcc',
    );
  });
});

describe('a scenario that finds something else than it should', () => {
  it('says what was expected and what was there', () => {
    expect(() => mustEqual('faults in the history', 2n, 1n)).toThrow('faults in the history: expected "1", found "2"');
    expect(() => mustEqual('what came back', [5n], [])).toThrow('what came back: expected [], found ["5"]');
    expect(() => mustEqual('the same', { a: 1n }, { a: 1n })).not.toThrow();
    expect(() => must('all LINK is still there', false)).toThrow('it is not so that all LINK is still there');
  });
});
