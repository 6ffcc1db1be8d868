import type { ChargerFact, IdTagStatus } from './charger-fact.ts';
import { readChargerTime } from './charger-time.ts';
import { type FactReaders, isConnector, unusable } from './fact-reader.ts';
import { isObject, isWhole, type JsonObject, optionalText } from './json.ts';
import { isAbsent, registerIn, wholeIn } from './meant-value.ts';
import { readMeterValues } from './meter16.ts';
import {
  readCertificateRequest,
  readDiagnosticsStatus,
  readFirmwareStatus,
  readLogStatus,
  readSecurityEvent,
} from './station-messages.ts';
import { ERROR_CLASSES, STATUS, type Status } from './status.ts';

/** OCPP 1.6 `ChargePointStatus` (§7.7) as contracts see it. */
export const STATUS_OF_16: Readonly<Record<string, Status>> = {
  Available: STATUS.Available,
  Preparing: STATUS.Occupied,
  Charging: STATUS.Charging,
  SuspendedEVSE: STATUS.Suspended,
  SuspendedEV: STATUS.Suspended,
  Finishing: STATUS.Occupied,
  Reserved: STATUS.Reserved,
  Unavailable: STATUS.Unavailable,
  Faulted: STATUS.Faulted,
};

/** OCPP 1.6 `Reason` (§7.36). */
const REASONS: ReadonlySet<string> = new Set([
  'DeAuthorized',
  'EmergencyStop',
  'EVDisconnected',
  'HardReset',
  'Local',
  'Other',
  'PowerLoss',
  'Reboot',
  'Remote',
  'SoftReset',
  'UnlockCommand',
]);

const ID_TAG_STATUSES: ReadonlySet<string> = new Set(['Accepted', 'Blocked', 'Expired', 'Invalid', 'ConcurrentTx']);

/** What each message says that a charger sends in OCPP 1.6 or its security whitepaper; total and pure. */
export const READERS_16: FactReaders = {
  BootNotification: readBoot,
  Heartbeat: () => ({ kind: 'heartbeat' }),
  StatusNotification: readStatus,
  Authorize: (_call, result) => ({ kind: 'authorised', outcome: idTagStatus(result) }),
  StartTransaction: readStart,
  StopTransaction: readStop,
  MeterValues: readMeter,
  DataTransfer: 'other',
  DiagnosticsStatusNotification: readDiagnosticsStatus,
  FirmwareStatusNotification: readFirmwareStatus,
  LogStatusNotification: readLogStatus,
  SecurityEventNotification: readSecurityEvent,
  SignCertificate: readCertificateRequest,
  SignedFirmwareStatusNotification: readFirmwareStatus,
};

/** A transaction's id out of its text. */
export function transactionIdIn16(text: string): number {
  return Number(text);
}

function readBoot(call: JsonObject, result: JsonObject): ChargerFact {
  const { chargePointVendor: vendor, chargePointModel: model } = call;
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
    ...optionalText('serial', call.chargePointSerialNumber),
    ...optionalText('firmware', call.firmwareVersion),
  };
}

function readStatus(call: JsonObject, _result: JsonObject, receivedAtMs: number): ChargerFact {
  const { status: reported, errorCode } = call;
  const connector = wholeIn(call.connectorId);
  if (!isConnector(connector)) return unusable('connectorId is no connector');
  if (typeof reported !== 'string' || !Object.hasOwn(STATUS_OF_16, reported)) {
    return unusable('status is none of OCPP 1.6');
  }
  const errorClass = typeof errorCode === 'string' ? (ERROR_CLASSES as readonly string[]).indexOf(errorCode) : -1;
  if (errorClass < 0) return unusable('errorCode is none of OCPP 1.6');
  return {
    kind: 'status',
    connector,
    status: STATUS_OF_16[reported] as Status,
    reported,
    errorClass,
    ...optionalText('vendorErrorCode', call.vendorErrorCode),
    reportedAt: readChargerTime(call.timestamp, receivedAtMs),
  };
}

function readStart(call: JsonObject, result: JsonObject, receivedAtMs: number): ChargerFact {
  const connector = wholeIn(call.connectorId);
  const meterStartWh = registerIn(call.meterStart);
  const reservationId = wholeIn(call.reservationId);
  if (!isConnector(connector) || connector === 0) return unusable('connectorId is no connector');
  if (meterStartWh === undefined) return unusable('meterStart is no register in Wh');
  if (!isWhole(result.transactionId)) return unusable('the answer names no transactionId');
  return {
    kind: 'transaction-started',
    connector,
    transactionId: result.transactionId,
    meterStartWh,
    startedAt: readChargerTime(call.timestamp, receivedAtMs),
    outcome: idTagStatus(result),
    ...(reservationId === undefined ? {} : { reservationId }),
  };
}

function readStop(call: JsonObject, _result: JsonObject, receivedAtMs: number): ChargerFact {
  const transactionId = wholeIn(call.transactionId);
  const meterStopWh = registerIn(call.meterStop);
  if (transactionId === undefined) return unusable('transactionId is no whole number');
  if (meterStopWh === undefined) return unusable('meterStop is no register in Wh');
  return {
    kind: 'transaction-stopped',
    transactionId,
    meterStopWh,
    stoppedAt: readChargerTime(call.timestamp, receivedAtMs),
    reason: reasonOf(call.reason),
    samples: readMeterValues(call.transactionData, receivedAtMs),
  };
}

function readMeter(call: JsonObject, _result: JsonObject, receivedAtMs: number): ChargerFact {
  const connector = wholeIn(call.connectorId);
  const transactionId = wholeIn(call.transactionId);
  if (!isConnector(connector)) return unusable('connectorId is no connector');
  if (transactionId === undefined && !isAbsent(call.transactionId)) return unusable('transactionId is no whole number');
  const samples = readMeterValues(call.meterValue, receivedAtMs);
  return { kind: 'meter', connector, ...(transactionId === undefined ? {} : { transactionId }), samples };
}

/** Chargers have reasons of their own. */
function reasonOf(reason: unknown): string {
  if (typeof reason !== 'string') return 'Local';
  return REASONS.has(reason) ? reason : 'Other';
}

function idTagStatus(result: JsonObject): IdTagStatus | undefined {
  const info = result.idTagInfo;
  const status = isObject(info) ? info.status : undefined;
  return typeof status === 'string' && ID_TAG_STATUSES.has(status) ? (status as IdTagStatus) : undefined;
}
