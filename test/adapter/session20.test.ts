import { describe, expect, it } from '@jest/globals';
import { sessionTag } from '../../core/request-approval.ts';
import { register, transactionEvent } from '../core/samples20.ts';
import { beginStory, DAY, iso, SESSION } from './session-story.ts';

const accepted = { idTokenInfo: { status: 'Accepted' } };
const idToken = { idToken: sessionTag(SESSION), type: 'Central' };

function begin() {
  const story = beginStory('ocpp2.0.1');
  const tell = (
    sec: number,
    type: 'Started' | 'Updated' | 'Ended',
    seqNo: number,
    change: object = {},
    result = {},
  ) => {
    story.call(
      sec,
      'TransactionEvent',
      transactionEvent(type, seqNo, { timestamp: iso(DAY + sec), ...change }),
      result,
    );
  };
  /** A register told at a second. */
  const at = (sec: number, value: number, context?: string) => ({
    meterValue: [{ timestamp: iso(DAY + sec), sampledValue: [register(value, context)] }],
  });
  return { ...story, tell, at };
}

describe('the result of a session at an OCPP 2.x charger', () => {
  it('rests on the registers that begin and end its transaction, at the EVSE that the start names', () => {
    const { tell, at, flush, told } = begin();
    tell(10, 'Started', 0, { evse: { id: 2, connectorId: 1 }, idToken, ...at(10, 500, 'Transaction.Begin') }, accepted);
    tell(100, 'Updated', 1, at(100, 1_000));
    tell(600, 'Ended', 2, at(600, 2_000, 'Transaction.End'));
    flush(610);
    expect(told(200)).toMatchObject({ verdict: 'Running', connector: 2, energyWh: 500, started: 10, ended: 0 });
    expect(told(605)).toMatchObject({ verdict: 'Done', connector: 2, energyWh: 1_500, stop: 'Local', ended: 600 });
  });

  it('takes the first and the last register within where start and end tell none, and the EVSE that is told later', () => {
    const { tell, at, flush, told } = begin();
    tell(10, 'Started', 0, { idToken }, accepted);
    tell(20, 'Updated', 1, { evse: { id: 3 }, ...at(20, 700) });
    tell(300, 'Updated', 2, at(300, 1_900));
    const transactionInfo = { transactionId: 'tx-1', stoppedReason: 'EnergyLimitReached' };
    tell(310, 'Ended', 3, { transactionInfo });
    flush(320);
    expect(told(315)).toMatchObject({ verdict: 'Done', connector: 3, energyWh: 1_200, stop: 'EnergyLimit' });
  });

  it('is unusable where no register was told at all', () => {
    const { tell, flush, verdict } = begin();
    tell(10, 'Started', 0, { evse: { id: 1 }, idToken }, accepted);
    tell(300, 'Ended', 1);
    flush(310);
    expect(verdict(305)).toBe('Unusable MeterUnusable');
  });

  it('is refused where the transaction began with an idToken that was not accepted', () => {
    const { tell, flush, verdict } = begin();
    tell(10, 'Started', 0, { evse: { id: 1 }, idToken }, { idTokenInfo: { status: 'Unknown' } });
    flush(20);
    expect(verdict(15)).toBe('Refused Rejected');
  });
});
