import { type Battery, chargedWh, chargePowerW } from './battery.ts';
import type { ChargerMessage, ConnectorStatus, MeterReading, StopReason } from './charger-message.ts';

/** A car at a connector: its battery, and the most power it takes. */
export interface Car {
  battery: Battery;
  maxPowerW: number;
}

/** One connector's whole state. It is a value: `act` makes the next one. */
export interface Connector {
  number: number;
  status: ConnectorStatus;
  errorCode: string;
  isOperative: boolean;
  car: Car | undefined;
  /** Energy register with its fraction, Wh; what is reported is its whole part. */
  meterWh: number;
  /** When energy was last counted, Unix ms. */
  countedAtMs: number;
  transaction: { key: string; idTag: string } | undefined;
}

export type ConnectorAction =
  | { kind: 'plug'; car: Car }
  | { kind: 'unplug' }
  /** An idTag that was authorised starts (or, while charging, stops) the transaction. */
  | { kind: 'start'; transaction: string; idTag: string }
  | { kind: 'stop'; reason: StopReason }
  /** Counts energy up to now and reports it. */
  | { kind: 'meter' }
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

export function makeConnector(number: number, meterWh: number, nowMs: number): Connector {
  return {
    number,
    status: 'Available',
    errorCode: 'NoError',
    isOperative: true,
    car: undefined,
    meterWh,
    countedAtMs: nowMs,
    transaction: undefined,
  };
}

/** What the connector's meter shows. */
export function readMeter(connector: Connector): MeterReading {
  const { car } = connector;
  const powerW = car && connector.status === 'Charging' ? chargePowerW(car.battery, car.maxPowerW) : 0;
  return { registerWh: Math.floor(connector.meterWh), powerW: Math.round(powerW) };
}

/** The connector after an action, and what the charger has to say about it. Pure. */
export function act(before: Connector, action: ConnectorAction, nowMs: number): ConnectorStep {
  const connector = countEnergy(before, nowMs);
  const refuse = (refused: string): ConnectorStep => ({ connector, messages: [], refused });
  switch (action.kind) {
    case 'plug':
      if (connector.car) return refuse('a car is plugged in already');
      if (connector.status !== 'Available') return refuse(`the connector is ${connector.status}`);
      return become({ ...connector, car: action.car }, 'Preparing', nowMs);
    case 'start':
      if (connector.transaction) return refuse('a transaction is running');
      if (connector.status !== 'Preparing') return refuse(`the connector is ${connector.status}`);
      return begin(connector, action.transaction, action.idTag, nowMs);
    case 'stop':
      if (!connector.transaction) return refuse('no transaction is running');
      return end(connector, 'Finishing', action.reason, nowMs);
    case 'unplug':
      if (!connector.car) return refuse('no car is plugged in');
      if (connector.transaction)
        return end({ ...connector, car: undefined }, restStatus(connector), 'EVDisconnected', nowMs);
      return become({ ...connector, car: undefined }, restStatus(connector), nowMs);
    case 'meter':
      return report(connector, nowMs);
    case 'fault': {
      const faulty = { ...connector, errorCode: action.errorCode };
      return connector.transaction ? end(faulty, 'Faulted', 'Other', nowMs) : become(faulty, 'Faulted', nowMs);
    }
    case 'repair':
      if (connector.status !== 'Faulted') return refuse('the connector has no fault');
      return become({ ...connector, errorCode: 'NoError' }, connector.car ? 'Finishing' : idleStatus(connector), nowMs);
    case 'setOperative': {
      const next = { ...connector, isOperative: action.isOperative };
      if (connector.car || connector.status === 'Faulted') return { connector: next, messages: [] };
      return become(next, idleStatus(next), nowMs);
    }
    case 'force':
      return become({ ...connector, errorCode: action.errorCode }, action.status, nowMs);
  }
}

/** The status message that tells how the connector is now. */
export function statusMessage(connector: Connector, nowMs: number): ChargerMessage {
  const { number, status, errorCode } = connector;
  return { kind: 'status', connector: number, status, errorCode, atMs: nowMs };
}

function begin(connector: Connector, key: string, idTag: string, nowMs: number): ConnectorStep {
  const next = become({ ...connector, transaction: { key, idTag } }, 'Charging', nowMs);
  const registerWh = Math.floor(connector.meterWh);
  const start: ChargerMessage = {
    kind: 'start',
    transaction: key,
    connector: connector.number,
    idTag,
    registerWh,
    atMs: nowMs,
  };
  return { ...next, messages: [start, ...next.messages] };
}

function end(connector: Connector, status: ConnectorStatus, reason: StopReason, nowMs: number): ConnectorStep {
  const { transaction, number, meterWh } = connector;
  const next = become({ ...connector, transaction: undefined }, status, nowMs);
  if (!transaction) return next;
  const { key, idTag } = transaction;
  const registerWh = Math.floor(meterWh);
  const stop: ChargerMessage = {
    kind: 'stop',
    transaction: key,
    connector: number,
    idTag,
    registerWh,
    atMs: nowMs,
    reason,
  };
  return { ...next, messages: [stop, ...next.messages] };
}

function report(connector: Connector, nowMs: number): ConnectorStep {
  const { transaction, car, number } = connector;
  if (!transaction) return { connector, messages: [] };
  const reading = readMeter(connector);
  const meter: ChargerMessage = {
    kind: 'meter',
    transaction: transaction.key,
    connector: number,
    reading,
    atMs: nowMs,
  };
  const isFull = connector.status === 'Charging' && car !== undefined && reading.powerW === 0;
  const next = isFull ? become(connector, 'SuspendedEV', nowMs) : { connector, messages: [] };
  return { ...next, messages: [meter, ...next.messages] };
}

function become(connector: Connector, status: ConnectorStatus, nowMs: number): ConnectorStep {
  const next = { ...connector, status };
  return { connector: next, messages: [statusMessage(next, nowMs)] };
}

function idleStatus(connector: Connector): ConnectorStatus {
  return connector.isOperative ? 'Available' : 'Unavailable';
}

/** What a connector is when the car has gone: a fault outlasts the car. */
function restStatus(connector: Connector): ConnectorStatus {
  return connector.status === 'Faulted' ? 'Faulted' : idleStatus(connector);
}

function countEnergy(connector: Connector, nowMs: number): Connector {
  const { car, status, countedAtMs } = connector;
  const spanMs = Math.max(0, nowMs - countedAtMs);
  const counted = { ...connector, countedAtMs: Math.max(nowMs, countedAtMs) };
  if (!car || status !== 'Charging') return counted;
  const deliveredWh = chargedWh(car.battery, car.maxPowerW, spanMs);
  const battery = { ...car.battery, levelWh: car.battery.levelWh + deliveredWh };
  return { ...counted, meterWh: connector.meterWh + deliveredWh, car: { ...car, battery } };
}
