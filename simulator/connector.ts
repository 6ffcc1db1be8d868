import type { ChargerMessage, ChargingState, ConnectorStatus, MeterOccasion, StopReason } from './charger-message.ts';
import {
  type Awaited,
  type Car,
  type Card,
  type Connector,
  countEnergy,
  flowOf,
  isAtEnergyLimit,
  isSameCard,
  type Reservation,
  readMeter,
  registerOf,
  statusMessage,
  type Transaction,
} from './connector-state.ts';

export type ConnectorAction =
  | { kind: 'plug'; car: Car }
  | { kind: 'unplug' }
  /** A card that was authorised starts the transaction. */
  | ({ kind: 'start'; transaction: string; remoteStartId?: number } & Card)
  /** Somebody was let in who has to plug in yet; a transaction begins with that only where one is given. */
  | ({ kind: 'await'; transaction?: string } & Awaited)
  /** Nobody has plugged in. */
  | { kind: 'giveUp' }
  | { kind: 'stop'; reason: StopReason }
  /** Counts energy up to now and reports it. */
  | { kind: 'meter'; occasion?: MeterOccasion }
  | { kind: 'pause'; by: 'EV' | 'EVSE' }
  | { kind: 'resume' }
  /** Most power from now on, W; infinite takes the limit away. */
  | { kind: 'limit'; limitW: number }
  | { kind: 'limitEnergy'; energyLimitWh: number }
  | { kind: 'reserve'; reservation: Reservation }
  | { kind: 'unreserve' }
  | { kind: 'fault'; errorCode: string }
  | { kind: 'repair' }
  | { kind: 'setOperative'; isOperative: boolean }
  /** Puts a status in place, whatever was before: for a person at the command line. */
  | { kind: 'force'; status: ConnectorStatus; errorCode: string };

export interface ConnectorStep {
  connector: Connector;
  messages: ChargerMessage[];
  /** Why the action does nothing in this state. */
  refused?: string;
}

/** The connector after an action, and what the charger has to say about it. Pure. */
export function act(before: Connector, action: ConnectorAction, nowMs: number): ConnectorStep {
  const connector = countEnergy(before, nowMs);
  const refuse = (refused: string): ConnectorStep => ({ connector, messages: [], refused });
  switch (action.kind) {
    case 'plug':
      if (connector.car) return refuse('a car is plugged in already');
      if (connector.awaited) return arrive({ ...connector, car: action.car }, nowMs);
      if (connector.status !== 'Available' && connector.status !== 'Reserved')
        return refuse(`the connector is ${connector.status}`);
      return become({ ...connector, car: action.car, pausedBy: undefined }, 'Preparing', nowMs);
    case 'start':
      if (connector.transaction) return refuse('a transaction is running');
      if (connector.status !== 'Preparing') return refuse(`the connector is ${connector.status}`);
      if (connector.reservation && !isSameCard(connector.reservation, action))
        return refuse('the connector is reserved for another card');
      return begin(connector, action, nowMs);
    case 'await':
      return isFor(connector, action)
        ? letIn(connector, action, nowMs)
        : refuse(`the connector is ${connector.status}`);
    case 'giveUp':
      if (!connector.awaited) return refuse('nobody is waited for');
      return end(connector, idleStatus(connector), 'Timeout', nowMs);
    case 'stop':
      if (connector.awaited) return end(connector, idleStatus(connector), action.reason, nowMs);
      if (!connector.transaction) return refuse('no transaction is running');
      return end(connector, 'Finishing', action.reason, nowMs);
    case 'unplug':
      if (!connector.car) return refuse('no car is plugged in');
      if (connector.transaction)
        return end({ ...connector, car: undefined }, restStatus(connector), 'EVDisconnected', nowMs);
      return become({ ...connector, car: undefined }, restStatus(connector), nowMs);
    case 'meter':
      return report(connector, action.occasion ?? 'Periodic', nowMs);
    case 'pause':
      if (!connector.transaction) return refuse('no transaction is running');
      return settle({ ...connector, pausedBy: action.by }, nowMs);
    case 'resume':
      if (!connector.pausedBy) return refuse('nothing is paused');
      return settle({ ...connector, pausedBy: undefined }, nowMs);
    case 'limit':
      return settle({ ...connector, limitW: Math.max(0, action.limitW) }, nowMs);
    case 'limitEnergy': {
      const { transaction } = connector;
      if (!transaction) return refuse('no transaction is running');
      return settle({ ...connector, transaction: { ...transaction, energyLimitWh: action.energyLimitWh } }, nowMs);
    }
    case 'reserve':
      if (connector.status !== 'Available' && connector.reservation?.id !== action.reservation.id)
        return refuse(`the connector is ${connector.status}`);
      return become({ ...connector, reservation: action.reservation }, 'Reserved', nowMs);
    case 'unreserve': {
      if (!connector.reservation) return refuse('the connector is not reserved');
      const next = { ...connector, reservation: undefined };
      return connector.status === 'Reserved'
        ? become(next, idleStatus(next), nowMs)
        : { connector: next, messages: [] };
    }
    case 'fault':
      return breakDown(connector, action.errorCode, nowMs);
    case 'repair': {
      if (connector.status !== 'Faulted') return refuse('the connector has no fault');
      const { errorCode, number } = connector;
      const next = { ...connector, errorCode: 'NoError' };
      const mended: ChargerMessage = { kind: 'problem', connector: number, errorCode, isCleared: true, atMs: nowMs };
      return after(mended, become(next, next.car ? 'Finishing' : idleStatus(next), nowMs));
    }
    case 'setOperative': {
      const next = { ...connector, isOperative: action.isOperative };
      const isBusy = connector.car !== undefined || connector.awaited !== undefined;
      if (isBusy || connector.status === 'Faulted') return { connector: next, messages: [] };
      return become(next, idleStatus(next), nowMs);
    }
    case 'force':
      return become({ ...connector, awaited: undefined, errorCode: action.errorCode }, action.status, nowMs);
  }
}

/** Whether somebody may be let in who has yet to plug in. */
function isFor({ car, status, reservation }: Connector, card: Card): boolean {
  if (car) return false;
  return (
    status === 'Available' || (status === 'Reserved' && reservation !== undefined && isSameCard(reservation, card))
  );
}

function letIn(before: Connector, action: Extract<ConnectorAction, { kind: 'await' }>, nowMs: number): ConnectorStep {
  const { kind: _, transaction, ...awaited } = action;
  const waiting = { ...before, awaited };
  if (transaction === undefined) return become(waiting, 'Preparing', nowMs);
  return begin(waiting, { kind: 'start', transaction, ...awaited }, nowMs);
}

/** The car has come that was waited for. */
function arrive(connector: Connector, nowMs: number): ConnectorStep {
  const next = { ...connector, awaited: undefined };
  if (!next.transaction) return { connector: next, messages: [] };
  const flowing = become(next, flowOf(next), nowMs);
  return after(stateMessage(flowing.connector, next.transaction, nowMs), flowing);
}

function begin(before: Connector, action: Extract<ConnectorAction, { kind: 'start' }>, nowMs: number): ConnectorStep {
  const { kind, transaction: key, remoteStartId, ...card } = action;
  const { reservation, number, meterWh, awaited } = before;
  const transaction: Transaction = { ...card, key, startedAtMs: nowMs, startWh: meterWh };
  const running = { ...before, transaction, reservation: undefined };
  const next = become(running, awaited ? 'Preparing' : flowOf(running), nowMs);
  const start: ChargerMessage = {
    kind,
    ...(awaited === undefined ? {} : { isAwaiting: true }),
    transaction: key,
    connector: number,
    idTag: card.idTag,
    registerWh: registerOf(before),
    atMs: nowMs,
    ...(card.tokenType === undefined ? {} : { tokenType: card.tokenType }),
    ...(remoteStartId === undefined ? {} : { remoteStartId }),
    ...(reservation === undefined ? {} : { reservationId: reservation.id }),
  };
  return after(start, next);
}

function end(connector: Connector, status: ConnectorStatus, reason: StopReason, nowMs: number): ConnectorStep {
  const { transaction, number } = connector;
  const over = { ...connector, transaction: undefined, awaited: undefined, pausedBy: undefined };
  const next = become(over, status, nowMs);
  if (!transaction) return next;
  const { key, idTag, tokenType } = transaction;
  const stop: ChargerMessage = {
    kind: 'stop',
    transaction: key,
    connector: number,
    idTag,
    ...(tokenType === undefined ? {} : { tokenType }),
    registerWh: registerOf(connector),
    atMs: nowMs,
    reason,
  };
  return after(stop, next);
}

function report(connector: Connector, occasion: MeterOccasion, nowMs: number): ConnectorStep {
  const { transaction, number } = connector;
  if (!transaction) return { connector, messages: [] };
  const reading = readMeter(connector);
  const meter: ChargerMessage = {
    kind: 'meter',
    transaction: transaction.key,
    connector: number,
    reading,
    occasion,
    atMs: nowMs,
  };
  return after(meter, settle(connector, nowMs));
}

function breakDown(connector: Connector, errorCode: string, nowMs: number): ConnectorStep {
  const faulty = { ...connector, awaited: undefined, errorCode };
  const problem: ChargerMessage = {
    kind: 'problem',
    connector: connector.number,
    errorCode,
    isCleared: false,
    atMs: nowMs,
  };
  const next = connector.transaction ? end(faulty, 'Faulted', 'Other', nowMs) : become(faulty, 'Faulted', nowMs);
  return { ...next, messages: [...next.messages, problem] };
}

/** Tells if a running transaction's energy now flows, or stands still, otherwise than before. */
function settle(connector: Connector, nowMs: number): ConnectorStep {
  const { transaction, status } = connector;
  const state = flowOf(connector);
  if (!transaction || !isFlow(status) || status === state) return { connector, messages: [] };
  const next = become(connector, state, nowMs);
  return after(stateMessage(next.connector, transaction, nowMs), next);
}

function stateMessage(connector: Connector, { key }: Transaction, nowMs: number): ChargerMessage {
  const { number } = connector;
  const reading = readMeter(connector);
  const why = isAtEnergyLimit(connector) ? { isAtEnergyLimit: true } : {};
  return { kind: 'state', transaction: key, connector: number, state: flowOf(connector), reading, ...why, atMs: nowMs };
}

function isFlow(status: ConnectorStatus): status is ChargingState {
  return status === 'Charging' || status === 'SuspendedEV' || status === 'SuspendedEVSE';
}

function after(message: ChargerMessage, step: ConnectorStep): ConnectorStep {
  return { ...step, messages: [message, ...step.messages] };
}

function become(connector: Connector, status: ConnectorStatus, nowMs: number): ConnectorStep {
  const next = { ...connector, status };
  return { connector: next, messages: [statusMessage(next, nowMs)] };
}

function idleStatus({ isOperative, reservation }: Connector): ConnectorStatus {
  if (!isOperative) return 'Unavailable';
  return reservation ? 'Reserved' : 'Available';
}

/** What a connector is when the car has gone: a fault outlasts the car. */
function restStatus(connector: Connector): ConnectorStatus {
  return connector.status === 'Faulted' ? 'Faulted' : idleStatus(connector);
}
