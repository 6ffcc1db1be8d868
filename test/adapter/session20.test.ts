import { describe, expect, it } from '@jest/globals';
import { idTagCommitment } from '../../core/identity.ts';
import { sessionTag } from '../../core/request-approval.ts';
import { stopMessageId } from '../../core/session-stop.ts';
import { register, transactionEvent } from '../core/samples20.ts';
import { makeTestGateway } from '../support/batches.ts';
import { makeTestRecord, TEST_PEPPER } from './record.ts';
import { beginStory, CHARGER, DAY, iso, ms, SESSION, tellStory } from './session-story.ts';

const OTHER = `0x${'07'.repeat(32)}`;
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

  it.each([
    ['EnergyLimit', 'limit', 'Accepted'],
    ['Idle', 'idle', 'Accepted'],
    ['Remote', 'idle', 'Rejected'],
  ] as const)('was stopped by %s where the gateway asked for cause %s and was answered %s', (stop, cause, status) => {
    const { tell, at, answer, flush, told } = begin();
    tell(10, 'Started', 0, { evse: { id: 2 }, idToken, ...at(10, 500, 'Transaction.Begin') }, accepted);
    answer(590, stopMessageId(cause, SESSION, 0), { status });
    const transactionInfo = { transactionId: 'tx-1', stoppedReason: 'Remote' };
    tell(600, 'Ended', 1, { transactionInfo, ...at(600, 2_000, 'Transaction.End') });
    flush(610);
    expect(told(605)).toMatchObject({ verdict: 'Done', energyWh: 1_500, stop });
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

  it('begins where its transaction did, though its idToken was shown later', () => {
    const { tell, at, flush, told, verdict } = begin();
    tell(10, 'Started', 0, { evse: { id: 2 }, ...at(10, 500, 'Transaction.Begin') });
    tell(40, 'Updated', 1, { idToken, triggerReason: 'Authorized', ...at(40, 500) }, accepted);
    tell(100, 'Updated', 2, at(100, 1_000));
    tell(600, 'Ended', 3, { idToken, ...at(600, 2_000, 'Transaction.End') }, accepted);
    flush(610);
    expect(verdict(39)).toBe('CannotKnow NoRecord');
    expect(told(200)).toMatchObject({ verdict: 'Running', connector: 2, energyWh: 500, started: 10 });
    expect(told(605)).toMatchObject({ verdict: 'Done', connector: 2, energyWh: 1_500, started: 10, ended: 600 });
  });

  it('is done where its idToken was shown only at the end', () => {
    const { tell, at, flush, told } = begin();
    tell(10, 'Started', 0, { evse: { id: 1 }, ...at(10, 500, 'Transaction.Begin') });
    tell(600, 'Ended', 1, { idToken, ...at(600, 2_000, 'Transaction.End') }, accepted);
    flush(610);
    expect(told(605)).toMatchObject({ verdict: 'Done', connector: 1, energyWh: 1_500, started: 10, ended: 600 });
  });

  it('begins by the first idToken that was accepted, and is refused while none was', () => {
    const { tell, flush, verdict } = begin();
    tell(10, 'Started', 0, { evse: { id: 1 } });
    tell(20, 'Updated', 1, { idToken }, { idTokenInfo: { status: 'Blocked' } });
    tell(30, 'Updated', 2, { idToken }, accepted);
    flush(40);
    expect([20, 30].map((sec) => verdict(sec))).toEqual(['Refused Rejected', 'Running None']);
  });

  it('is none in a transaction that another card was accepted in before', () => {
    const { tell, flush, verdict, cardSession } = begin();
    const card = { idToken: { idToken: 'ADA', type: 'ISO14443' } };
    tell(10, 'Started', 0, { evse: { id: 1 }, ...card }, accepted);
    tell(30, 'Updated', 1, { idToken }, accepted);
    flush(40);
    expect(verdict(35)).toBe('CannotKnow NoRecord');
    // The connection's opening is its event 0.
    expect([1, 2].map((seq) => verdict(35, cardSession(seq)))).toEqual(['Running None', 'CannotKnow NoRecord']);
  });

  it("is a card's by the message that shows the card, and no one's while none was shown", () => {
    const { record, tell, at, flush, verdict, cardSession } = begin();
    const card = { idToken: { idToken: 'ADA', type: 'ISO14443' } };
    tell(10, 'Started', 0, { evse: { id: 1 }, ...at(10, 500, 'Transaction.Begin') });
    tell(40, 'Updated', 1, card, accepted);
    tell(600, 'Ended', 2, { ...card, ...at(600, 2_000, 'Transaction.End') }, accepted);
    flush(610);
    const verdicts = [1, 2, 3].map((seq) => verdict(605, cardSession(seq)));
    expect(verdicts).toEqual(['CannotKnow NoRecord', 'Done None', 'CannotKnow NoRecord']);
    const known = record.session(CHARGER, cardSession(2), DAY + 605);
    expect(known).toMatchObject({ answer: { energyWh: 1_500n, idTag: idTagCommitment('ada', TEST_PEPPER) } });
  });

  it('begins with the message that shows its idToken where the start of the transaction was lost', () => {
    const { tell, at, flush, told } = begin();
    tell(40, 'Updated', 4, { evse: { id: 2 }, idToken, ...at(40, 700) }, accepted);
    tell(600, 'Ended', 5, at(600, 2_000, 'Transaction.End'));
    flush(610);
    expect(told(605)).toMatchObject({ verdict: 'Done', connector: 2, energyWh: 1_300, started: 40, ended: 600 });
  });

  it('is whole where all but the end was lost, if the end tells the register and the time of the beginning', () => {
    const { tell, at, flush, told } = begin();
    const [[first], [last]] = [at(10, 500, 'Transaction.Begin'), at(600, 2_000, 'Transaction.End')].map(
      ({ meterValue }) => meterValue,
    ) as [object[], object[]];
    tell(600, 'Ended', 9, { evse: { id: 2 }, idToken, meterValue: [first, last] }, accepted);
    flush(610);
    expect(told(605)).toMatchObject({ verdict: 'Done', connector: 2, energyWh: 1_500, started: 10, ended: 600 });
  });

  it('is not known to an operator that may have missed the start of its transaction', () => {
    const gateway = makeTestGateway({ bootedAtMs: ms(DAY) });
    const record = makeTestRecord([gateway.listed()]);
    let isListening = true;
    const take: typeof record.apply = (...batches) => isListening && record.apply(...batches);
    const { open, call, flush } = tellStory(gateway, take, 'ocpp2.0.1');
    isListening = false;
    flush(5);
    isListening = true;
    flush(6);
    record.ingest.giveUpGaps(Number.MAX_SAFE_INTEGER, 0);
    gateway.restart(ms(DAY + 10));
    open(11);
    const tell = (sec: number, type: 'Started' | 'Updated', transactionId: string, change: object) => {
      const payload = transactionEvent(type, 0, { timestamp: iso(DAY + sec), transactionInfo: { transactionId } });
      call(sec, 'TransactionEvent', { ...payload, ...change }, accepted);
    };
    tell(400, 'Updated', 'tx-1', { idToken });
    tell(410, 'Started', 'tx-2', {});
    tell(420, 'Updated', 'tx-2', { idToken: { ...idToken, idToken: sessionTag(OTHER) } });
    flush(430);
    const isKnown = (session: string) => record.session(CHARGER, session, DAY + 429).isKnown;
    expect([SESSION, OTHER].map(isKnown)).toEqual([false, true]);
    expect(record.count('transaction_events')).toBe(3);
  });

  it('is nothing that a transaction without a start and without an idToken changes', () => {
    const { tell, at, flush, record, told, verdict } = begin();
    const lost = { transactionInfo: { transactionId: 'tx-0' } };
    tell(5, 'Updated', 7, { ...lost, evse: { id: 1 }, ...at(5, 100) });
    tell(8, 'Ended', 8, { ...lost, ...at(8, 200, 'Transaction.End') });
    expect(verdict(9)).toBe('CannotKnow NoRecord');
    tell(10, 'Started', 0, { evse: { id: 1 }, idToken, ...at(10, 500, 'Transaction.Begin') }, accepted);
    tell(600, 'Ended', 1, at(600, 2_000, 'Transaction.End'));
    flush(610);
    expect(told(605)).toMatchObject({ verdict: 'Done', energyWh: 1_500 });
    expect(record.count('transaction_messages')).toBe(4);
  });

  it('counts as idle what the car does not take, by chargingState, whatever statuses say meanwhile', () => {
    const { tell, at, call, flush, told } = begin();
    const state = (chargingState: string) => ({ transactionInfo: { transactionId: 'tx-1', chargingState } });
    tell(10, 'Started', 0, { evse: { id: 1 }, idToken, ...state('EVConnected'), ...at(10, 500) }, accepted);
    tell(40, 'Updated', 1, state('Charging'));
    tell(100, 'Updated', 2, state('SuspendedEVSE'));
    tell(160, 'Updated', 3, state('SuspendedEV'));
    call(170, 'StatusNotification', {
      evseId: 1,
      connectorId: 1,
      connectorStatus: 'Occupied',
      timestamp: iso(DAY + 170),
    });
    tell(200, 'Updated', 4, state('Charging'));
    tell(300, 'Updated', 5, state('EVConnected'));
    tell(320, 'Updated', 6, state('Idle'));
    tell(400, 'Ended', 7, { ...state('Idle'), ...at(400, 900, 'Transaction.End') });
    flush(410);
    // 40 s from 160 on and 100 s from 300 on: not before the car charged, and not while the charger paused.
    expect(told(405)).toMatchObject({ verdict: 'Done', idleSec: 140 });
    expect(told(180)).toMatchObject({ verdict: 'Running', idleSec: 20 });
  });
});
