import type { ChargerMessage, ConnectorStatus, ReplyFacts, StopReason, TransactionMessage } from './charger-message.ts';
import { carryOut20 } from './commands20.ts';
import { carryOut21 } from './commands21.ts';
import type { Dialect, Wording } from './dialect.ts';
import { asFields, asNumber, asText, asTimeMs, optional, timeText } from './json-fields.ts';

const common: Omit<Dialect, 'subprotocol' | 'command'> = {
  statusWord: statusWord20,
  // the station as a whole has no StatusNotification, and the begin of a meter goes with the Started event
  tells: (message) => {
    if (message.kind === 'status') return message.connector > 0;
    return message.kind !== 'meter' || message.occasion !== 'Begin';
  },
  encode: encode20,
  readReply: readReply20,
};

/** OCPP 2.0.1. Each connector is an EVSE of its own, with one connector. */
export const ocpp201: Dialect = { ...common, subprotocol: 'ocpp2.0.1', command: carryOut20 };

/** OCPP 2.1: says the same, and answers more. */
export const ocpp21: Dialect = { ...common, subprotocol: 'ocpp2.1', command: carryOut21 };

function statusWord20(status: ConnectorStatus): string {
  switch (status) {
    case 'Available':
    case 'Reserved':
    case 'Unavailable':
    case 'Faulted':
      return status;
    default:
      return 'Occupied';
  }
}

function encode20(message: ChargerMessage, wording: Wording): { action: string; payload: object } {
  switch (message.kind) {
    case 'boot': {
      const { vendor, model, serialNumber, firmwareVersion } = wording.model;
      const chargingStation = { vendorName: vendor, model, serialNumber, firmwareVersion };
      return { action: 'BootNotification', payload: { reason: message.reason, chargingStation } };
    }
    case 'heartbeat':
      return { action: 'Heartbeat', payload: {} };
    case 'status': {
      const { connector: evseId, status } = message;
      const timestamp = timeText(message.atMs);
      const payload = { timestamp, connectorStatus: statusWord20(status), evseId, connectorId: 1 };
      return { action: 'StatusNotification', payload };
    }
    case 'problem':
      return { action: 'NotifyEvent', payload: problemPayload(message, wording) };
    case 'authorize':
      return { action: 'Authorize', payload: { idToken: tokenOf(message) } };
    case 'start':
    case 'meter':
    case 'state':
    case 'stop':
      return { action: 'TransactionEvent', payload: transactionPayload(message, wording) };
    case 'reservationEnded': {
      const payload = { reservationId: message.reservation, reservationUpdateStatus: message.how };
      return { action: 'ReservationStatusUpdate', payload };
    }
    case 'firmware': {
      const { status, requestId } = message;
      return { action: 'FirmwareStatusNotification', payload: { status, ...optional('requestId', requestId) } };
    }
    case 'log': {
      const { status, requestId } = message;
      return { action: 'LogStatusNotification', payload: { status, ...optional('requestId', requestId) } };
    }
    case 'security':
      return {
        action: 'SecurityEventNotification',
        payload: { type: message.event, timestamp: timeText(message.atMs) },
      };
    case 'signCertificate':
      return {
        action: 'SignCertificate',
        payload: { csr: message.csr, certificateType: 'ChargingStationCertificate' },
      };
    case 'call':
      return { action: message.action, payload: message.payload };
  }
}

function problemPayload(message: Extract<ChargerMessage, { kind: 'problem' }>, wording: Wording): object {
  const { connector, errorCode, isCleared, atMs } = message;
  return {
    generatedAt: timeText(atMs),
    seqNo: 0,
    eventData: [
      {
        eventId: wording.nextNumber(),
        timestamp: timeText(atMs),
        trigger: 'Alerting',
        actualValue: isCleared ? 'false' : 'true',
        cleared: isCleared,
        techCode: errorCode,
        eventNotificationType: 'HardWiredNotification',
        component: { name: 'Connector', evse: { id: connector, connectorId: 1 } },
        variable: { name: 'Problem' },
      },
    ],
  };
}

const STOP_WORDS: Readonly<Record<StopReason, { reason: string; trigger: string }>> = {
  DeAuthorized: { reason: 'DeAuthorized', trigger: 'Deauthorized' },
  EVDisconnected: { reason: 'EVDisconnected', trigger: 'EVCommunicationLost' },
  EmergencyStop: { reason: 'EmergencyStop', trigger: 'AbnormalCondition' },
  EnergyLimitReached: { reason: 'EnergyLimitReached', trigger: 'EnergyLimitReached' },
  HardReset: { reason: 'ImmediateReset', trigger: 'ResetCommand' },
  Local: { reason: 'Local', trigger: 'StopAuthorized' },
  Other: { reason: 'Other', trigger: 'AbnormalCondition' },
  PowerLoss: { reason: 'PowerLoss', trigger: 'AbnormalCondition' },
  Reboot: { reason: 'Reboot', trigger: 'ResetCommand' },
  Remote: { reason: 'Remote', trigger: 'RemoteStop' },
  SoftReset: { reason: 'ImmediateReset', trigger: 'ResetCommand' },
  Timeout: { reason: 'Timeout', trigger: 'EVConnectTimeout' },
  UnlockCommand: { reason: 'Other', trigger: 'UnlockCommand' },
};

const OCCASIONS = {
  Begin: { context: 'Transaction.Begin', trigger: 'Authorized' },
  Periodic: { context: 'Sample.Periodic', trigger: 'MeterValuePeriodic' },
  Clock: { context: 'Sample.Clock', trigger: 'MeterValueClock' },
  Trigger: { context: 'Trigger', trigger: 'Trigger' },
} as const;

function transactionPayload(message: TransactionMessage, wording: Wording): object {
  const { transaction, connector, atMs, seqNo = 0, isOffline } = message;
  const timestamp = timeText(atMs);
  const head = {
    timestamp,
    seqNo,
    ...(isOffline ? { offline: true } : {}),
    evse: { id: connector, connectorId: 1 },
  };
  const values = (context: string, registerWh: number, powerW: number | undefined, signed?: string) => ({
    meterValue: [{ timestamp, sampledValue: sampledValues(context, registerWh, powerW, signed, wording) }],
  });
  switch (message.kind) {
    case 'start': {
      const { remoteStartId, reservationId, registerWh, signed, isAwaiting } = message;
      return {
        eventType: 'Started',
        triggerReason: remoteStartId === undefined ? 'Authorized' : 'RemoteStart',
        ...head,
        transactionInfo: {
          transactionId: transaction,
          chargingState: isAwaiting ? 'Idle' : 'Charging',
          ...optional('remoteStartId', remoteStartId),
        },
        idToken: tokenOf(message),
        ...optional('reservationId', reservationId),
        ...values('Transaction.Begin', registerWh, undefined, signed?.begin),
      };
    }
    case 'meter': {
      const { context, trigger } = OCCASIONS[message.occasion];
      const { registerWh, powerW } = message.reading;
      return {
        eventType: 'Updated',
        triggerReason: trigger,
        ...head,
        transactionInfo: { transactionId: transaction },
        ...values(context, registerWh, powerW),
      };
    }
    case 'state': {
      const { registerWh, powerW } = message.reading;
      return {
        eventType: 'Updated',
        triggerReason: message.isAtEnergyLimit ? 'EnergyLimitReached' : 'ChargingStateChanged',
        ...head,
        transactionInfo: { transactionId: transaction, chargingState: message.state },
        ...values('Other', registerWh, powerW),
      };
    }
    case 'stop': {
      const { reason, registerWh, signed } = message;
      const words = STOP_WORDS[reason];
      const chargingState = reason === 'EVDisconnected' || reason === 'Timeout' ? 'Idle' : 'EVConnected';
      return {
        eventType: 'Ended',
        triggerReason: words.trigger,
        ...head,
        transactionInfo: { transactionId: transaction, chargingState, stoppedReason: words.reason },
        ...(reason === 'Local' ? { idToken: tokenOf(message) } : {}),
        ...values('Transaction.End', registerWh, undefined, signed?.end),
      };
    }
  }
}

function sampledValues(
  context: string,
  registerWh: number,
  powerW: number | undefined,
  signed: string | undefined,
  { meter }: Wording,
): object[] {
  const place = { context, location: 'Outlet' };
  const signedMeterValue = meter &&
    signed !== undefined && {
      signedMeterData: Buffer.from(signed, 'utf8').toString('base64'),
      signingMethod: meter.method,
      encodingMethod: 'OCMF',
      publicKey: meter.publicKey,
    };
  const register = {
    value: registerWh,
    measurand: 'Energy.Active.Import.Register',
    unitOfMeasure: { unit: 'Wh' },
    ...(signedMeterValue ? { signedMeterValue } : {}),
    ...place,
  };
  if (powerW === undefined) return [register];
  return [register, { value: powerW, measurand: 'Power.Active.Import', unitOfMeasure: { unit: 'W' }, ...place }];
}

/** A card's number is that of its chip where it looks like one. */
function tokenOf({ idTag, tokenType }: { idTag: string; tokenType?: string }): { idToken: string; type: string } {
  const type = tokenType ?? (/^([0-9a-f]{8}|[0-9a-f]{14}|[0-9a-f]{20})$/i.test(idTag) ? 'ISO14443' : 'KeyCode');
  return { idToken: idTag, type };
}

function readReply20(message: ChargerMessage, payload: unknown): ReplyFacts {
  const { status, interval, idTokenInfo, transactionLimit } = asFields(payload);
  const info = asFields(idTokenInfo);
  const isRegistration = status === 'Accepted' || status === 'Pending' || status === 'Rejected';
  return {
    ...(message.kind === 'boot' && isRegistration ? { registration: status } : {}),
    ...(message.kind === 'boot' ? optional('intervalSec', asNumber(interval)) : {}),
    ...(message.kind === 'signCertificate' ? { isAccepted: status === 'Accepted' } : {}),
    ...optional('authorization', asText(info.status)),
    ...optional('group', asText(asFields(info.groupIdToken).idToken)),
    ...optional('authorizedUntilMs', asTimeMs(info.cacheExpiryDateTime)),
    ...optional('energyLimitWh', asNumber(asFields(transactionLimit).maxEnergy)),
  };
}
