import { type Battery, chargedWh, chargePowerW } from './battery.ts';
import type { ChargerMessage, ChargingState, ConnectorStatus, MeterReading } from './charger-message.ts';

/** A car at a connector: its battery, and the most power it takes. */
export interface Car {
  battery: Battery;
  maxPowerW: number;
}

/** A card, and the group of cards that may end what it began. */
export interface Card {
  idTag: string;
  /** What sort of token it is, in OCPP 2.x's words. */
  tokenType?: string;
  group?: string;
}

export interface Transaction extends Card {
  key: string;
  startedAtMs: number;
  startWh: number;
  /** Energy after which no more flows, Wh. */
  energyLimitWh?: number;
}

/** A start that waits for somebody to plug in. */
export interface Awaited extends Card {
  remoteStartId?: number;
}

export interface Reservation extends Card {
  id: number;
  expiresAtMs: number;
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
  transaction: Transaction | undefined;
  reservation: Reservation | undefined;
  /** Set while a start waits for a car. */
  awaited: Awaited | undefined;
  /** Most power that charging profiles leave, W; without a limit infinite. */
  limitW: number;
  /** Who has paused the charging, apart from a full battery, a limit of 0 W and an energy limit. */
  pausedBy: 'EV' | 'EVSE' | undefined;
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
    reservation: undefined,
    awaited: undefined,
    limitW: Number.POSITIVE_INFINITY,
    pausedBy: undefined,
  };
}

/** What the connector's meter shows. */
export function readMeter(connector: Connector): MeterReading {
  const { car, limitW } = connector;
  const powerW =
    car && connector.status === 'Charging' ? Math.min(limitW, chargePowerW(car.battery, car.maxPowerW)) : 0;
  return { registerWh: registerOf(connector), powerW: Math.round(powerW) };
}

/** What has become whole, Wh; what rounding in steps of a minute has lost counts. */
export function registerOf({ meterWh }: Pick<Connector, 'meterWh'>): number {
  return Math.floor(meterWh + 1e-6);
}

/** Whether one card may go on with what the other began: idTags compare without regard to case. */
export function isSameCard(one: Card, other: Card): boolean {
  if (one.idTag.toLowerCase() === other.idTag.toLowerCase()) return true;
  return one.group !== undefined && one.group.toLowerCase() === other.group?.toLowerCase();
}

/** The status message that tells how the connector is now. */
export function statusMessage(connector: Connector, nowMs: number): ChargerMessage {
  const { number, status, errorCode } = connector;
  return { kind: 'status', connector: number, status, errorCode, atMs: nowMs };
}

/** Whether the transaction has had all the energy that the CSMS allows it. */
export function isAtEnergyLimit({ transaction, meterWh }: Pick<Connector, 'transaction' | 'meterWh'>): boolean {
  const { energyLimitWh = Number.POSITIVE_INFINITY, startWh = 0 } = transaction ?? {};
  return meterWh - startWh >= energyLimitWh;
}

/** How a transaction's energy flows now. */
export function flowOf(connector: Connector): ChargingState {
  const { car, limitW, pausedBy } = connector;
  if (pausedBy === 'EVSE' || limitW === 0 || isAtEnergyLimit(connector)) return 'SuspendedEVSE';
  if (pausedBy === 'EV' || !car || chargePowerW(car.battery, car.maxPowerW) === 0) return 'SuspendedEV';
  return 'Charging';
}

/** The connector with the energy counted that has flown up to now. */
export function countEnergy(connector: Connector, nowMs: number): Connector {
  const { car, status, countedAtMs, transaction, limitW, meterWh } = connector;
  const spanMs = Math.max(0, nowMs - countedAtMs);
  const counted = { ...connector, countedAtMs: Math.max(nowMs, countedAtMs) };
  if (!car || status !== 'Charging') return counted;
  const { energyLimitWh = Number.POSITIVE_INFINITY, startWh = 0 } = transaction ?? {};
  const roomWh = Math.max(0, startWh + energyLimitWh - meterWh);
  const deliveredWh = Math.min(roomWh, chargedWh(car.battery, car.maxPowerW, spanMs, limitW));
  const battery = { ...car.battery, levelWh: car.battery.levelWh + deliveredWh };
  return { ...counted, meterWh: meterWh + deliveredWh, car: { ...car, battery } };
}
