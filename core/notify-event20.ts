import type { ChargerFact } from './charger-fact.ts';
import { readChargerTime } from './charger-time.ts';
import { isConnector } from './fact-reader.ts';
import { isObject, type JsonObject, optionalText } from './json.ts';
import { isAbsent, wholeIn } from './meant-value.ts';
import { ERROR_CLASSES, type ErrorClassName } from './status.ts';
import { errorBeside, isPart, statusOf20 } from './status20.ts';

type StatusFact = Extract<ChargerFact, { kind: 'status' }>;
type FaultFact = Extract<ChargerFact, { kind: 'fault' }>;

/** Components of OCPP 2.x (part 2, appendix 3.1) by the class of error that a problem of theirs is; else `OtherError`. */
const ERROR_OF_COMPONENT: Readonly<Record<string, ErrorClassName>> = {
  ConnectorPlugRetentionLock: 'ConnectorLockFailure',
  CPPWMController: 'EVCommunicationError',
  ISO15118Ctrlr: 'EVCommunicationError',
  ConnectedEV: 'EVCommunicationError',
  RCD: 'GroundFailure',
  TemperatureSensor: 'HighTemperature',
  Controller: 'InternalError',
  LocalAuthListCtrlr: 'LocalListConflict',
  OverCurrentBreaker: 'OverCurrentFailure',
  OverCurrentProtection: 'OverCurrentFailure',
  OverCurrentProtectionRecloser: 'OverCurrentFailure',
  FiscalMetering: 'PowerMeterFailure',
  PowerContactor: 'PowerSwitchFailure',
  TokenReader: 'ReaderFailure',
};

/** Boolean variables that say whether something is wrong with their component. */
const PROBLEMS: ReadonlySet<string> = new Set(['Problem', 'Tripped', 'Overload']);

/**
 * What a NotifyEvent says of statuses and faults: for each connector of an EVSE its last `AvailabilityState`, and for each
 * EVSE whether something of it has a problem. None, if all of it is about other variables.
 *
 * @see OCPP 2.0.1 part 2, N07 and G05; OCPP 2.1 has `AvailabilityState` take the place of StatusNotification
 */
export function readNotifyEvent(call: JsonObject, _result: JsonObject, receivedAtMs: number): ChargerFact[] {
  const statuses = new Map<string, StatusFact>();
  const faults = new Map<number, FaultFact>();
  for (const event of Array.isArray(call.eventData) ? call.eventData : []) {
    if (!isObject(event) || !isObject(event.component) || !isObject(event.variable)) continue;
    const place = placeOf(event.component);
    if (place === undefined) continue;
    const status = statusIn(event, place, receivedAtMs);
    if (status !== undefined) statuses.set(`${place.connector} ${place.part}`, status);
    const fault = faultIn(event, place.connector, receivedAtMs);
    // What is wrong beats what is no longer wrong with another component.
    const known = faults.get(place.connector)?.errorClass ?? 0;
    if (fault !== undefined && (fault.errorClass > 0 || known === 0)) faults.set(place.connector, fault);
  }
  return [...statuses.values(), ...faults.values()];
}

interface Place {
  connector: number;
  part: number;
}

function placeOf({ evse }: JsonObject): Place | undefined {
  if (isAbsent(evse)) return { connector: 0, part: 0 };
  if (!isObject(evse)) return undefined;
  const connector = wholeIn(evse.id);
  const part = wholeIn(evse.connectorId ?? 0);
  return isConnector(connector) && isPart(part) ? { connector, part } : undefined;
}

function statusIn(event: JsonObject, { connector, part }: Place, receivedAtMs: number): StatusFact | undefined {
  const { actualValue, variable, timestamp } = event;
  if (!isObject(variable) || variable.name !== 'AvailabilityState') return undefined;
  const status = statusOf20(actualValue);
  if (status === undefined) return undefined;
  return {
    kind: 'status',
    connector,
    ...(part === 0 ? {} : { part }),
    status,
    reported: String(actualValue),
    errorClass: errorBeside(status),
    reportedAt: readChargerTime(timestamp, receivedAtMs),
  };
}

function faultIn(event: JsonObject, connector: number, receivedAtMs: number): FaultFact | undefined {
  const { component, variable, actualValue, cleared, trigger, techCode, timestamp } = event;
  if (!isObject(component) || !isObject(variable) || typeof variable.name !== 'string') return undefined;
  const isHot = variable.name === 'Temperature' && trigger === 'Alerting';
  if (!isHot && !PROBLEMS.has(variable.name)) return undefined;
  const isActive = cleared !== true && (isHot || String(actualValue).toLowerCase() === 'true');
  return {
    kind: 'fault',
    connector,
    errorClass: isActive ? ERROR_CLASSES.indexOf(isHot ? 'HighTemperature' : errorOf(component.name)) : 0,
    ...optionalText('vendorErrorCode', techCode),
    reportedAt: readChargerTime(timestamp, receivedAtMs),
  };
}

function errorOf(component: unknown): ErrorClassName {
  const isKnown = typeof component === 'string' && Object.hasOwn(ERROR_OF_COMPONENT, component);
  return isKnown ? (ERROR_OF_COMPONENT[component] as ErrorClassName) : 'OtherError';
}
