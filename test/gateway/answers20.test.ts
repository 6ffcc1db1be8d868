import { describe, expect, it } from '@jest/globals';
import { DIALECT_20, DIALECT_21 } from '../../ocpp-gateway/answers20.ts';
import { answerTo, type IdTagFinding } from '../../ocpp-gateway/dialect.ts';
import { payloadCheck } from '../../ocpp-gateway/payload-checks.ts';
import { transactionEvent } from '../core/samples20.ts';

const idToken = { idToken: '04A2', type: 'ISO14443' };
const parent = 'P0123456789ABCDEF012';

describe('an answer of OCPP 2.x', () => {
  /** What a TransactionEvent is answered; it is checked against its schema. */
  const answered = (dialect: typeof DIALECT_20, idTag: IdTagFinding, change: object = { idToken }) => {
    const facts = { nowMs: 0, heartbeatIntervalSec: 300, isReady: true, idTag };
    const answer = answerTo(dialect, 'TransactionEvent', facts, transactionEvent('Started', 0, change));
    expect(payloadCheck(dialect.version, 'TransactionEvent', 'response')(answer)).toBeUndefined();
    return answer;
  };

  it('names what a card has in common with others of its user only if the card counts', () => {
    const group = { groupIdToken: { idToken: parent, type: 'Central' } };
    for (const dialect of [DIALECT_20, DIALECT_21]) {
      expect(answered(dialect, { status: 'Accepted', parent })).toEqual({
        idTokenInfo: { status: 'Accepted', ...group },
      });
      expect(answered(dialect, { status: 'Invalid', parent })).toEqual({ idTokenInfo: { status: 'Unknown' } });
      for (const status of ['ConcurrentTx', 'NoCredit'] as const) {
        expect(answered(dialect, { status })).toEqual({ idTokenInfo: { status } });
      }
    }
    const nobody = { idToken: { idToken: '', type: 'NoAuthorization' } };
    expect(answered(DIALECT_21, { status: 'Invalid' }, nobody)).toEqual({ idTokenInfo: { status: 'Accepted' } });
  });

  it('hands a session’s limit of energy to the charger where its version has a word for it', () => {
    const found: IdTagFinding = { status: 'Accepted', energyLimitWh: 5_000 };
    expect(answered(DIALECT_21, found)).toMatchObject({ transactionLimit: { maxEnergy: 5_000 } });
    expect(answered(DIALECT_20, found)).toEqual({ idTokenInfo: { status: 'Accepted' } });
    expect(answered(DIALECT_21, found, {})).toEqual({});
    // A contract may set as good as none.
    const [most, more] = [2 ** 53 - 1, Number(2n ** 256n - 1n)];
    expect(answered(DIALECT_21, { ...found, energyLimitWh: most })).toHaveProperty('transactionLimit.maxEnergy', most);
    expect(answered(DIALECT_21, { ...found, energyLimitWh: more })).toEqual({ idTokenInfo: { status: 'Accepted' } });
  });
});
