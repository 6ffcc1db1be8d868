import { describe, expect, it } from '@jest/globals';
import { DIALECT_16 } from '../../ocpp-gateway/answers16.ts';
import { answerTo, chargerActions, type Facts, isAnswered } from '../../ocpp-gateway/dialect.ts';
import { payloadCheck } from '../../ocpp-gateway/payload-checks.ts';

const answer16 = (action: string, facts: Facts) => answerTo(DIALECT_16, action, facts, {});
const isAnswered16 = (action: string) => isAnswered(DIALECT_16, action);
const needOf16 = DIALECT_16.needOf;
const NOW = Date.parse('2026-03-01T12:00:00.000Z');
const facts = (more: Partial<Facts> = {}): Facts => ({
  nowMs: NOW,
  heartbeatIntervalSec: 300,
  isReady: true,
  idTag: { status: 'Accepted' },
  transactionId: 7,
  ...more,
});

describe('an answer of OCPP 1.6', () => {
  it.each(chargerActions(DIALECT_16))('to %s is what its schema demands, whatever the facts', (action) => {
    for (const isReady of [true, false]) {
      for (const status of ['Accepted', 'Blocked', 'Expired', 'Invalid', 'ConcurrentTx', 'NoCredit'] as const) {
        const idTag = { status, parent: 'P0123456789ABCDEF012' };
        const payload = JSON.parse(JSON.stringify(answer16(action, facts({ isReady, idTag }))));
        expect(payloadCheck('ocpp1.6', action, 'response')(payload)).toBeUndefined();
      }
    }
  });

  it('to BootNotification gives time and interval, and is Pending while nothing can be kept', () => {
    expect(answer16('BootNotification', facts())).toEqual({
      status: 'Accepted',
      currentTime: '2026-03-01T12:00:00.000Z',
      interval: 300,
    });
    expect(answer16('BootNotification', facts({ isReady: false }))).toEqual({
      status: 'Pending',
      currentTime: '2026-03-01T12:00:00.000Z',
      interval: 10,
    });
  });

  it('calls a card Blocked whose user can pay for nothing', () => {
    expect(answer16('Authorize', facts({ idTag: { status: 'NoCredit' } }))).toEqual({
      idTagInfo: { status: 'Blocked' },
    });
  });

  it('to StartTransaction always gives a transactionId, also to a blocked card', () => {
    expect(answer16('StartTransaction', facts({ idTag: { status: 'Blocked' } }))).toEqual({
      idTagInfo: { status: 'Blocked' },
      transactionId: 7,
    });
  });

  it('names what a card has in common with others of its user only if the card counts', () => {
    const parent = 'P0123456789ABCDEF012';
    for (const action of ['Authorize', 'StartTransaction', 'StopTransaction']) {
      expect(answer16(action, facts({ idTag: { status: 'Accepted', parent } }))).toMatchObject({
        idTagInfo: { status: 'Accepted', parentIdTag: parent },
      });
      expect(answer16(action, facts({ idTag: { status: 'Expired', parent } }))).toHaveProperty('idTagInfo', {
        status: 'Expired',
      });
    }
  });

  it('to StopTransaction without an idTag is empty', () => {
    const { idTag: _, ...without } = facts();
    expect(answer16('StopTransaction', without)).toEqual({});
  });

  it('exists for what chargers send, is NotSupported for what only a CSMS sends, else NotImplemented', () => {
    expect(isAnswered16('Heartbeat')).toBe('yes');
    expect(isAnswered16('Reset')).toBe('NotSupported');
    expect(isAnswered16('MakeCoffee')).toBe('NotImplemented');
    expect(isAnswered16('constructor')).toBe('NotImplemented');
  });
});

describe('what a call needs looked up', () => {
  it('is card and transaction for a start, the card for the others that carry one, nothing for the rest', () => {
    const start = { connectorId: 1, idTag: 'A', meterStart: 5, timestamp: '2026-03-01T12:00:00Z' };
    expect(needOf16('StartTransaction', start)).toEqual({
      idTag: 'A',
      transaction: { connectorId: 1, idTag: 'A', meterStart: 5, timestamp: '2026-03-01T12:00:00Z' },
    });
    expect(needOf16('Authorize', { idTag: 'A' })).toEqual({ idTag: 'A' });
    expect(needOf16('StopTransaction', { transactionId: 1, idTag: 'A' })).toEqual({ idTag: 'A' });
    expect(needOf16('StopTransaction', { transactionId: 1 })).toBeUndefined();
    expect(needOf16('MeterValues', {})).toBeUndefined();
  });
});

describe('the schema check of OCPP 1.6', () => {
  const status = (more: object) =>
    payloadCheck(
      'ocpp1.6',
      'StatusNotification',
    )({ connectorId: 1, errorCode: 'NoError', status: 'Available', ...more });

  it.each([
    '2026-03-01T12:00:00Z',
    '2026-03-01T12:00:00.123456Z',
    '2026-03-01T12:00:00+01:00',
    '2026-03-01t12:00:00z',
    '2016-12-31T23:59:60Z',
  ])('takes the timestamp %s', (timestamp) => {
    expect(status({ timestamp })).toBeUndefined();
  });

  it.each(['2026-03-01T12:00:00', '2026-03-01', '2026-13-01T12:00:00Z', '2026-03-01T24:00:00Z', '', 'now'])(
    'finds the timestamp %p wrong',
    (timestamp) => {
      expect(status({ timestamp })).toEqual({
        code: 'PropertyConstraintViolation',
        description: 'payload/timestamp must match format "date-time"',
      });
    },
  );

  it.each([
    [{ connectorId: '1' }, 'TypeConstraintViolation', 'payload/connectorId must be integer'],
    [{ status: 'Idle' }, 'PropertyConstraintViolation', 'payload/status must be equal to one of the allowed values'],
    [{ info: 'x'.repeat(51) }, 'PropertyConstraintViolation', 'payload/info must NOT have more than 50 characters'],
    [{ secret: 'x' }, 'FormationViolation', 'payload must NOT have additional properties'],
    [{ status: undefined }, 'OccurenceConstraintViolation', "payload must have required property 'status'"],
  ])('names what OCPP-J names for %j and does not repeat the payload', (more, code, description) => {
    expect(status(more)).toEqual({ code, description });
  });

  it.each([null, [], 'x', 7, undefined])('finds the payload %p of the wrong type', (payload) => {
    expect(payloadCheck('ocpp1.6', 'Heartbeat')(payload)?.code).toBe('TypeConstraintViolation');
  });
});
