import { ERROR_CLASSES, STATUS, type Status } from './status.ts';

/** OCPP 2.x `ConnectorStatusEnumType`, and the values of the variable `AvailabilityState`, as contracts see them. */
export const STATUS_OF_20: Readonly<Record<string, Status>> = {
  Available: STATUS.Available,
  Occupied: STATUS.Occupied,
  Reserved: STATUS.Reserved,
  Unavailable: STATUS.Unavailable,
  Faulted: STATUS.Faulted,
};

/** The status a word of OCPP 2.x stands for; undefined if it is none. */
export function statusOf20(reported: unknown): Status | undefined {
  return typeof reported === 'string' && Object.hasOwn(STATUS_OF_20, reported) ? STATUS_OF_20[reported] : undefined;
}

/** The error beside a status: OCPP 2.x tells what is wrong in another message, NotifyEvent. */
export function errorBeside(status: Status): number {
  return status === STATUS.Faulted ? ERROR_CLASSES.indexOf('OtherError') : 0;
}

/** No EVSE has more connectors; each costs a look-up when a status is asked for. */
export const MOST_PARTS = 16;

/** Whether a number can be that of a connector within an EVSE; 0 stands for the EVSE as a whole. */
export function isPart(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MOST_PARTS;
}
