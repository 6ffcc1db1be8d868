import { expect } from '@jest/globals';
import type { TransactionId } from '../../core/charger-fact.ts';
import type { OcppVersion } from '../../core/ocpp-version.ts';
import { register, TIME, transactionEvent } from '../core/samples20.ts';

/** What a charger tells, in no version's words. It has a few transactions, from 0, each at a connector of its own, from 1. */
export type Told =
  | { kind: 'boot' }
  | { kind: 'heartbeat' }
  | { kind: 'authorize'; card: 'Accepted' | 'Blocked' | 'Expired' }
  | { kind: 'status'; status: 'Available' | 'Unavailable' | 'Faulted' }
  | { kind: 'meter'; of: number }
  | { kind: 'start'; of: number }
  /** `unknown`: of one that nobody began. */
  | { kind: 'stop'; of: number | 'unknown' };

/** When transactions begin: a time that can be believed, or what is told again after an end would be another one. */
const BEGUN = new Date(Date.now() - 60_000).toISOString();

/** The card that begins a transaction, and what it counts for. */
const cardOf = (of: number) => (of === 0 ? 'Blocked' : 'Accepted');

/**
 * A message as a version has it.
 *
 * @param id - of its transaction; undefined where OCPP 1.6 has not given it one yet
 */
export function worded(version: OcppVersion, told: Told, id: TransactionId | undefined): [string, object] {
  return version === 'ocpp1.6' ? worded16(told, id) : worded20(told, id);
}

/** The id by which a charger knows a transaction of itself. */
export function ownIdOf(version: OcppVersion, of: number | 'unknown'): TransactionId | undefined {
  if (version !== 'ocpp1.6') return `tx-${of}`;
  return of === 'unknown' ? -1 : undefined;
}

function worded16(told: Told, transactionId: TransactionId | undefined): [string, object] {
  switch (told.kind) {
    case 'boot':
      return ['BootNotification', { chargePointVendor: 'v', chargePointModel: 'm' }];
    case 'heartbeat':
      return ['Heartbeat', {}];
    case 'authorize':
      return ['Authorize', { idTag: told.card }];
    case 'status':
      return ['StatusNotification', { connectorId: 1, errorCode: 'NoError', status: told.status }];
    case 'meter': {
      const meterValue = [{ timestamp: TIME, sampledValue: [{ value: '7' }] }];
      return ['MeterValues', { connectorId: told.of + 1, transactionId, meterValue }];
    }
    case 'start': {
      const { of } = told;
      return ['StartTransaction', { connectorId: of + 1, idTag: cardOf(of), meterStart: of, timestamp: BEGUN }];
    }
    case 'stop':
      return ['StopTransaction', { transactionId, meterStop: 9, timestamp: TIME, idTag: 'Blocked' }];
  }
}

function worded20(told: Told, transactionId: TransactionId | undefined): [string, object] {
  const event = (...[eventType, seqNo, change]: Parameters<typeof transactionEvent>): [string, object] => [
    'TransactionEvent',
    transactionEvent(eventType, seqNo, { transactionInfo: { transactionId }, ...change }),
  ];
  const card = (idToken: string) => ({ idToken: { idToken, type: 'Central' } });
  const meter = (registerWh: number) => ({
    meterValue: [{ timestamp: TIME, sampledValue: [register(registerWh)] }],
  });
  switch (told.kind) {
    case 'boot':
      return ['BootNotification', { reason: 'PowerUp', chargingStation: { vendorName: 'v', model: 'm' } }];
    case 'heartbeat':
      return ['Heartbeat', {}];
    case 'authorize':
      return ['Authorize', card(told.card)];
    case 'status': {
      const { status: connectorStatus } = told;
      return ['StatusNotification', { timestamp: TIME, connectorStatus, evseId: 1, connectorId: 1 }];
    }
    case 'meter':
      return event('Updated', 1, meter(7));
    case 'start':
      return event('Started', 0, { evse: { id: told.of + 1 }, ...card(cardOf(told.of)), ...meter(told.of) });
    case 'stop':
      return event('Ended', 2, { ...card('Blocked'), ...meter(9) });
  }
}

/** What the gateway answers, where a start is given this id. */
export function answerOf(version: OcppVersion, told: Told, id: TransactionId | undefined): object {
  const info = version === 'ocpp1.6' ? 'idTagInfo' : 'idTokenInfo';
  const currentTime = expect.any(String);
  switch (told.kind) {
    case 'boot':
      return { status: 'Accepted', currentTime, interval: 300 };
    case 'heartbeat':
      return { currentTime };
    case 'authorize':
      return { [info]: { status: told.card } };
    case 'start': {
      const given = version === 'ocpp1.6' ? { transactionId: id } : {};
      return { [info]: { status: cardOf(told.of) }, ...given };
    }
    case 'stop':
      return { [info]: { status: 'Blocked' } };
    default:
      return {};
  }
}

/** What an operator reads of message and answer. */
export function factOf(version: OcppVersion, told: Told, transactionId: TransactionId | undefined): object {
  switch (told.kind) {
    case 'boot':
      return { kind: 'boot', vendor: 'v', model: 'm', registration: 'Accepted' };
    case 'heartbeat':
      return { kind: 'heartbeat' };
    case 'authorize':
      return { kind: 'authorised', outcome: told.card };
    case 'status':
      return { kind: 'status', connector: 1, reported: told.status };
    case 'meter': {
      if (version !== 'ocpp1.6') return { kind: 'transaction-updated', transactionId };
      return { kind: 'meter', connector: told.of + 1, ...(transactionId === undefined ? {} : { transactionId }) };
    }
    case 'start': {
      const { of } = told;
      const head = { kind: 'transaction-started', connector: of + 1, transactionId };
      return { ...head, meterStartWh: of, outcome: cardOf(of) };
    }
    case 'stop':
      return { kind: 'transaction-stopped', transactionId, meterStopWh: 9 };
  }
}
