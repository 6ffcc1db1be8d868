import type { ChargerEvent } from './charger-event.ts';
import type { ChargerFact, IdTagStatus } from './charger-fact.ts';
import { readChargerTime } from './charger-time.ts';
import { isObject, isWhole, type JsonObject, optionalText } from './json.ts';
import { readMeterValues } from './meter16.ts';
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

const CALL = 2;
const CALL_RESULT = 3;
const CALL_ERROR = 4;
const ID_TAG_STATUSES: ReadonlySet<string> = new Set(['Accepted', 'Blocked', 'Expired', 'Invalid', 'ConcurrentTx']);
const OTHER_ACTIONS: ReadonlySet<string> = new Set([
  'DataTransfer',
  'DiagnosticsStatusNotification',
  'FirmwareStatusNotification',
  'LogStatusNotification',
  'SecurityEventNotification',
  'SignCertificate',
  'SignedFirmwareStatusNotification',
]);

/** Payload of the CALL, payload of its CALLRESULT (empty if there was none) and when the CALL was received. */
type Reader = (call: JsonObject, result: JsonObject, receivedAtMs: number) => ChargerFact;

const READERS: Readonly<Record<string, Reader>> = {
  BootNotification: readBoot,
  Heartbeat: () => ({ kind: 'heartbeat' }),
  StatusNotification: readStatus,
  Authorize: (_call, result) => ({ kind: 'authorised', outcome: idTagStatus(result) }),
  StartTransaction: readStart,
  StopTransaction: readStop,
  MeterValues: readMeter,
};

/**
 * What an event of an OCPP 1.6J connection says.
 *
 * Total and pure: any text gives a fact, `unusable` with its reason at worst, and the same text gives the same fact
 * everywhere. A message the gateway answered with a CALLERROR, or kept as suspect, is `unusable`: it was not accepted.
 *
 * @see OCPP 1.6 §4, §6, §7; OCPP-J 1.6 §4.2
 */
export function deriveBody(event: Pick<ChargerEvent, 'kind' | 'frame' | 'reply' | 'receivedAtMs'>): ChargerFact {
  if (event.kind === 'open') return { kind: 'opened' };
  if (event.kind === 'close') return { kind: 'closed' };
  if (event.kind === 'answer') return readAnswer(event);
  const frame = parseArray(event.frame);
  if (frame === undefined || frame[0] !== CALL || typeof frame[2] !== 'string') {
    return { kind: 'unusable', reason: 'no CALL of OCPP-J' };
  }
  const action = frame[2];
  if (event.kind === 'suspect') return { kind: 'unusable', action, reason: 'breaks the schema of its action' };
  const call = frame[3];
  if (!isObject(call)) return { kind: 'unusable', action, reason: 'payload is no object' };
  const reply = parseArray(event.reply);
  if (reply === undefined || reply[0] !== CALL_RESULT || !isObject(reply[2])) {
    return { kind: 'unusable', action, reason: 'was not answered with a CALLRESULT' };
  }
  if (OTHER_ACTIONS.has(action)) return { kind: 'other', action };
  const read = Object.hasOwn(READERS, action) ? READERS[action] : undefined;
  if (read === undefined) return { kind: 'unusable', action, reason: 'action is none a charger sends in OCPP 1.6' };
  const fact = read(call, reply[2], event.receivedAtMs);
  return fact.kind === 'unusable' ? { ...fact, action } : fact;
}

function readAnswer({ frame, reply }: Pick<ChargerEvent, 'frame' | 'reply'>): ChargerFact {
  const call = parseArray(reply);
  if (call === undefined || call[0] !== CALL || typeof call[2] !== 'string')
    return unusable('answers no CALL of OCPP-J');
  const action = call[2];
  const answer = parseArray(frame);
  if (answer === undefined || answer[1] !== call[1]) return { ...unusable('answers another CALL'), action };
  const [type, , body] = answer;
  if (type === CALL_RESULT && isObject(body)) {
    return { kind: 'answered', action, outcome: 'result', ...optionalText('status', body.status) };
  }
  if (type !== CALL_ERROR) return { ...unusable('is no answer of OCPP-J'), action };
  return { kind: 'answered', action, outcome: 'error', ...optionalText('status', body) };
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
  const { connectorId: connector, status: reported, errorCode } = call;
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
  const { connectorId: connector, meterStart, reservationId } = call;
  if (!isConnector(connector) || connector === 0) return unusable('connectorId is no connector');
  if (!isWhole(meterStart)) return unusable('meterStart is no whole number of Wh');
  if (!isWhole(result.transactionId)) return unusable('the answer names no transactionId');
  return {
    kind: 'transaction-started',
    connector,
    transactionId: result.transactionId,
    meterStartWh: meterStart,
    startedAt: readChargerTime(call.timestamp, receivedAtMs),
    outcome: idTagStatus(result),
    ...(isWhole(reservationId) ? { reservationId } : {}),
  };
}

function readStop(call: JsonObject, _result: JsonObject, receivedAtMs: number): ChargerFact {
  const { transactionId, meterStop, reason } = call;
  if (!isWhole(transactionId)) return unusable('transactionId is no whole number');
  if (!isWhole(meterStop)) return unusable('meterStop is no whole number of Wh');
  return {
    kind: 'transaction-stopped',
    transactionId,
    meterStopWh: meterStop,
    stoppedAt: readChargerTime(call.timestamp, receivedAtMs),
    reason: typeof reason === 'string' ? reason : 'Local',
    samples: readMeterValues(call.transactionData, receivedAtMs),
  };
}

function readMeter(call: JsonObject, _result: JsonObject, receivedAtMs: number): ChargerFact {
  const { connectorId: connector, transactionId } = call;
  if (!isConnector(connector)) return unusable('connectorId is no connector');
  const samples = readMeterValues(call.meterValue, receivedAtMs);
  return { kind: 'meter', connector, ...(isWhole(transactionId) ? { transactionId } : {}), samples };
}

function unusable(reason: string): Extract<ChargerFact, { kind: 'unusable' }> {
  return { kind: 'unusable', reason };
}

/** Connector numbers travel to the chain as uint16. */
function isConnector(value: unknown): value is number {
  return isWhole(value) && value >= 0 && value <= 65_535;
}

function idTagStatus(result: JsonObject): IdTagStatus | undefined {
  const info = result.idTagInfo;
  const status = isObject(info) ? info.status : undefined;
  return typeof status === 'string' && ID_TAG_STATUSES.has(status) ? (status as IdTagStatus) : undefined;
}

function parseArray(text: string): unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
