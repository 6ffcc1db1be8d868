/** A connector's status as contracts see it; 0 is Unknown so that unset storage never reads as Available. */
export const STATUS = {
  Unknown: 0,
  Available: 1,
  Occupied: 2,
  Charging: 3,
  Suspended: 4,
  Reserved: 5,
  Unavailable: 6,
  Faulted: 7,
} as const;

export type StatusName = keyof typeof STATUS;
export type Status = (typeof STATUS)[StatusName];

export const STATUS_NAMES = Object.keys(STATUS) as StatusName[];

/** OCPP 1.6 `ChargePointErrorCode` (§7.6) as a number; its place in the list is its number on chain, 0 is NoError. */
export const ERROR_CLASSES = [
  'NoError',
  'ConnectorLockFailure',
  'EVCommunicationError',
  'GroundFailure',
  'HighTemperature',
  'InternalError',
  'LocalListConflict',
  'OtherError',
  'OverCurrentFailure',
  'OverVoltage',
  'PowerMeterFailure',
  'PowerSwitchFailure',
  'ReaderFailure',
  'ResetFailure',
  'UnderVoltage',
  'WeakSignal',
] as const;

export type ErrorClassName = (typeof ERROR_CLASSES)[number];

/** The answer to `charger-status`. */
export interface ChargerStatus {
  status: Status;
  /** Index into `ERROR_CLASSES`. */
  errorClass: number;
  /** Unix seconds at which this was last known; 0 if never. */
  observedAtSec: number;
  /** Whether the charger was connected and heard from at the time asked about. */
  online: boolean;
}
