import type { ChargerFact, IdTagStatus } from './charger-fact.ts';
import { readChargerTime } from './charger-time.ts';
import { type FactReaders, isConnector, unusable } from './fact-reader.ts';
import { isObject, type JsonObject, optionalText } from './json.ts';
import { wholeIn } from './meant-value.ts';
import { readMeterValues20 } from './meter20.ts';
import { readNotifyEvent } from './notify-event20.ts';
import {
  readChargingLimit,
  readChargingNeeds,
  readChargingProfiles,
  readClearedLimit,
  readCustomerInformation,
  readDisplayMessages,
  readFirmwarePublication,
  readMonitors,
  readReservationUpdate,
  readVariables,
} from './reports20.ts';
import { readCertificateRequest, readFirmwareStatus, readLogStatus, readSecurityEvent } from './station-messages.ts';
import { errorBeside, isPart, statusOf20 } from './status20.ts';
import { readTransactionEvent } from './transaction20.ts';

/**
 * What each message says that a charger sends in OCPP 2.0.1; total and pure.
 *
 * An EVSE is what the chain calls a connector, since an EVSE charges one car at a time: `evseId` is the connector's
 * number, 0 the station. A connector within an EVSE is a `part` of it.
 *
 * @see OCPP 2.0.1 part 2
 */
export const READERS_20: FactReaders = {
  Authorize: (_call, result) => ({ kind: 'authorised', outcome: idTokenStatus(result) }),
  BootNotification: readBoot,
  Heartbeat: () => ({ kind: 'heartbeat' }),
  MeterValues: readMeter,
  NotifyEvent: readNotifyEvent,
  StatusNotification: readStatus,
  TransactionEvent: (call, result, receivedAtMs) =>
    readTransactionEvent(call, receivedAtMs, isObject(call.idToken) ? idTokenStatus(result) : undefined),
  ClearedChargingLimit: readClearedLimit,
  DataTransfer: 'other',
  FirmwareStatusNotification: readFirmwareStatus,
  Get15118EVCertificate: 'other',
  GetCertificateStatus: 'other',
  LogStatusNotification: readLogStatus,
  NotifyChargingLimit: readChargingLimit,
  NotifyCustomerInformation: readCustomerInformation,
  NotifyDisplayMessages: readDisplayMessages,
  NotifyEVChargingNeeds: readChargingNeeds,
  NotifyEVChargingSchedule: 'other',
  NotifyMonitoringReport: readMonitors,
  NotifyReport: readVariables,
  PublishFirmwareStatusNotification: readFirmwarePublication,
  ReportChargingProfiles: readChargingProfiles,
  ReservationStatusUpdate: readReservationUpdate,
  SecurityEventNotification: readSecurityEvent,
  SignCertificate: readCertificateRequest,
};

/** The same for OCPP 2.1, which only adds messages. `NotifyPeriodicEventStream` comes as SEND, unanswered. */
export const READERS_21: FactReaders = {
  ...READERS_20,
  BatterySwap: 'other',
  ClosePeriodicEventStream: 'other',
  GetCertificateChainStatus: 'other',
  NotifyDERAlarm: 'other',
  NotifyDERStartStop: 'other',
  NotifyPeriodicEventStream: 'other',
  NotifyPriorityCharging: 'other',
  NotifySettlement: 'other',
  OpenPeriodicEventStream: 'other',
  PullDynamicScheduleUpdate: 'other',
  ReportDERControl: 'other',
  VatNumberValidation: 'other',
};

/** A transaction's id out of its text. */
export function transactionIdIn20(text: string): string {
  return text;
}

function readBoot(call: JsonObject, result: JsonObject): ChargerFact {
  const station = isObject(call.chargingStation) ? call.chargingStation : {};
  const { vendorName: vendor, model } = station;
  if (typeof vendor !== 'string' || typeof model !== 'string') return unusable('vendor or model is missing');
  const registration = result.status;
  if (registration !== 'Accepted' && registration !== 'Pending' && registration !== 'Rejected') {
    return unusable('the answer names no registration status');
  }
  return {
    kind: 'boot',
    vendor,
    model,
    registration,
    ...optionalText('serial', station.serialNumber),
    ...optionalText('firmware', station.firmwareVersion),
  };
}

function readStatus(call: JsonObject, _result: JsonObject, receivedAtMs: number): ChargerFact {
  const { connectorStatus: reported } = call;
  const connector = wholeIn(call.evseId);
  const part = wholeIn(call.connectorId);
  if (!isConnector(connector)) return unusable('evseId is no EVSE');
  if (!isPart(part)) return unusable('connectorId is no connector of an EVSE');
  const status = statusOf20(reported);
  if (status === undefined) return unusable('connectorStatus is none of OCPP 2.x');
  return {
    kind: 'status',
    connector,
    ...(part === 0 ? {} : { part }),
    status,
    reported: String(reported),
    errorClass: errorBeside(status),
    reportedAt: readChargerTime(call.timestamp, receivedAtMs),
  };
}

function readMeter(call: JsonObject, _result: JsonObject, receivedAtMs: number): ChargerFact {
  const connector = wholeIn(call.evseId);
  if (!isConnector(connector)) return unusable('evseId is no EVSE');
  return { kind: 'meter', connector, samples: readMeterValues20(call.meterValue, receivedAtMs) };
}

const SAME_IN_16: ReadonlySet<string> = new Set(['Accepted', 'Blocked', 'Expired', 'Invalid', 'ConcurrentTx']);

/** OCPP 2.x says in more words why an idToken does not count: in those of OCPP 1.6 it is Invalid. */
function idTokenStatus(result: JsonObject): IdTagStatus | undefined {
  const info = result.idTokenInfo;
  const status = isObject(info) ? info.status : undefined;
  if (typeof status !== 'string') return undefined;
  return SAME_IN_16.has(status) ? (status as IdTagStatus) : 'Invalid';
}
