import type { ChargerMessage, FirmwareStatus, ReplyFacts } from './charger-message.ts';
import { carryOut16 } from './commands16.ts';
import type { Dialect, Wording } from './dialect.ts';
import { asFields, asNumber, asText, asTimeMs, optional, timeText } from './json-fields.ts';

/** Stands for a transaction to which the CSMS gave no number (OCPP 1.6 errata 3.18). */
const NO_TRANSACTION_ID = -1;

/** OCPP 1.6J with its security whitepaper. */
export const ocpp16: Dialect = {
  subprotocol: 'ocpp1.6',
  statusWord: (status) => status,
  tells: (message) => {
    if (message.kind === 'meter') return message.occasion !== 'Begin' || message.signed !== undefined;
    return message.kind !== 'state' && message.kind !== 'problem' && message.kind !== 'reservationEnded';
  },
  encode: encode16,
  readReply: readReply16,
  command: carryOut16,
};

function encode16(message: ChargerMessage, wording: Wording): { action: string; payload: object } {
  switch (message.kind) {
    case 'boot':
      return {
        action: 'BootNotification',
        payload: {
          chargePointVendor: wording.model.vendor,
          chargePointModel: wording.model.model,
          chargePointSerialNumber: wording.model.serialNumber,
          firmwareVersion: wording.model.firmwareVersion,
        },
      };
    case 'heartbeat':
      return { action: 'Heartbeat', payload: {} };
    case 'status': {
      const { connector, status, errorCode } = message;
      const payload = { connectorId: connector, errorCode, status, timestamp: timeText(message.atMs) };
      return { action: 'StatusNotification', payload };
    }
    case 'authorize':
      return { action: 'Authorize', payload: { idTag: message.idTag } };
    case 'start': {
      const { connector, idTag, registerWh, reservationId } = message;
      const timestamp = timeText(message.atMs);
      const payload = { connectorId: connector, idTag, meterStart: registerWh, timestamp };
      return { action: 'StartTransaction', payload: { ...payload, ...optional('reservationId', reservationId) } };
    }
    case 'meter': {
      const transactionId = wording.transactionIdOf(message.transaction) ?? NO_TRANSACTION_ID;
      const meterValue = [{ timestamp: timeText(message.atMs), sampledValue: sampledValues(message) }];
      return { action: 'MeterValues', payload: { connectorId: message.connector, transactionId, meterValue } };
    }
    case 'stop':
      return { action: 'StopTransaction', payload: stopPayload(message, wording) };
    case 'firmware': {
      const { status, requestId } = message;
      return requestId === undefined
        ? { action: 'FirmwareStatusNotification', payload: { status: plainFirmwareStatus(status) } }
        : { action: 'SignedFirmwareStatusNotification', payload: { status, requestId } };
    }
    case 'log': {
      const { status, requestId } = message;
      if (requestId !== undefined) return { action: 'LogStatusNotification', payload: { status, requestId } };
      const plain = status === 'UploadFailure' ? 'UploadFailed' : status;
      return { action: 'DiagnosticsStatusNotification', payload: { status: plain } };
    }
    case 'security':
      return {
        action: 'SecurityEventNotification',
        payload: { type: message.event, timestamp: timeText(message.atMs) },
      };
    case 'signCertificate':
      return { action: 'SignCertificate', payload: { csr: message.csr } };
    case 'call':
      return { action: message.action, payload: message.payload };
    default:
      throw new RangeError(`OCPP 1.6 has no words for ${message.kind}`);
  }
}

function stopPayload(message: Extract<ChargerMessage, { kind: 'stop' }>, wording: Wording): object {
  const { idTag, registerWh, reason, atMs, signed } = message;
  const signedValue = (value: string, context: string) => ({
    timestamp: timeText(atMs),
    sampledValue: [
      { value, context, format: 'SignedData', measurand: 'Energy.Active.Import.Register', location: 'Outlet' },
    ],
  });
  const transactionData = signed && [
    signedValue(signed.begin, 'Transaction.Begin'),
    ...(signed.end === undefined ? [] : [signedValue(signed.end, 'Transaction.End')]),
  ];
  return {
    transactionId: wording.transactionIdOf(message.transaction) ?? NO_TRANSACTION_ID,
    idTag,
    meterStop: registerWh,
    timestamp: timeText(atMs),
    reason: reason === 'EnergyLimitReached' || reason === 'Timeout' ? 'Other' : reason,
    ...optional('transactionData', transactionData),
  };
}

function sampledValues({ reading, occasion, signed }: Extract<ChargerMessage, { kind: 'meter' }>) {
  const context = {
    Begin: 'Transaction.Begin',
    Periodic: 'Sample.Periodic',
    Clock: 'Sample.Clock',
    Trigger: 'Trigger',
  }[occasion];
  const measurand = 'Energy.Active.Import.Register';
  const common = { context, location: 'Outlet' };
  if (occasion === 'Begin' && signed) return [{ value: signed.begin, format: 'SignedData', measurand, ...common }];
  return [
    { value: String(reading.registerWh), measurand, unit: 'Wh', ...common },
    { value: String(reading.powerW), measurand: 'Power.Active.Import', unit: 'W', ...common },
  ];
}

/** OCPP 1.6 without its whitepaper has fewer words for it. */
function plainFirmwareStatus(status: FirmwareStatus): string {
  const fewer: Partial<Record<FirmwareStatus, string>> = {
    DownloadScheduled: 'Idle',
    InstallScheduled: 'Downloaded',
    SignatureVerified: 'Downloaded',
    InvalidSignature: 'InstallationFailed',
  };
  return fewer[status] ?? status;
}

function readReply16(message: ChargerMessage, payload: unknown): ReplyFacts {
  const { status, interval, transactionId, idTagInfo } = asFields(payload);
  const info = asFields(idTagInfo);
  const isRegistration = status === 'Accepted' || status === 'Pending' || status === 'Rejected';
  return {
    ...(message.kind === 'boot' && isRegistration ? { registration: status } : {}),
    ...(message.kind === 'boot' ? optional('intervalSec', asNumber(interval)) : {}),
    ...(message.kind === 'start' && Number.isInteger(transactionId) ? { transactionId: transactionId as number } : {}),
    ...(message.kind === 'signCertificate' ? { isAccepted: status === 'Accepted' } : {}),
    ...optional('authorization', asText(info.status)),
    ...optional('group', asText(info.parentIdTag)),
    ...optional('authorizedUntilMs', asTimeMs(info.expiryDate)),
  };
}
