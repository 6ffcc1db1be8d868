import type { ChargerCall } from '../core/charger-call.ts';
import { isObject } from '../core/json.ts';
import { registerIn, textIn, wholeIn } from '../core/meant-value.ts';
import type { Dialect, Facts, Need, Payload } from './dialect.ts';
import { OWN_CALLS_16 } from './own-calls16.ts';
import { TOLD_16 } from './told16.ts';

/** Seconds after which a charger that was told Pending is to ask again. */
export const PENDING_INTERVAL_SEC = 10;

const ANSWERS: Dialect['answers'] = {
  Authorize: ({ idTag }) => ({ idTagInfo: idTagInfo(idTag) }),
  BootNotification: ({ nowMs, heartbeatIntervalSec, isReady }) => ({
    status: isReady ? 'Accepted' : 'Pending',
    currentTime: new Date(nowMs).toISOString(),
    interval: isReady ? heartbeatIntervalSec : PENDING_INTERVAL_SEC,
  }),
  DataTransfer: () => ({ status: 'UnknownVendorId' }),
  DiagnosticsStatusNotification: () => ({}),
  FirmwareStatusNotification: () => ({}),
  Heartbeat: ({ nowMs }) => ({ currentTime: new Date(nowMs).toISOString() }),
  LogStatusNotification: () => ({}),
  MeterValues: () => ({}),
  SecurityEventNotification: () => ({}),
  SignCertificate: ({ isCertificateGranted }) => ({ status: isCertificateGranted === true ? 'Accepted' : 'Rejected' }),
  SignedFirmwareStatusNotification: () => ({}),
  StartTransaction: ({ idTag, transactionId }) => ({ idTagInfo: idTagInfo(idTag), transactionId }),
  StatusNotification: () => ({}),
  StopTransaction: ({ idTag }) => (idTag === undefined ? {} : { idTagInfo: idTagInfo(idTag) }),
};

/** The actions of OCPP 1.6 and its security whitepaper that a CSMS sends. */
const COMMANDS: ReadonlySet<string> = new Set([
  'CancelReservation',
  'CertificateSigned',
  'ChangeAvailability',
  'ChangeConfiguration',
  'ClearCache',
  'ClearChargingProfile',
  'DataTransfer',
  'DeleteCertificate',
  'ExtendedTriggerMessage',
  'GetCompositeSchedule',
  'GetConfiguration',
  'GetDiagnostics',
  'GetInstalledCertificateIds',
  'GetLocalListVersion',
  'GetLog',
  'InstallCertificate',
  'RemoteStartTransaction',
  'RemoteStopTransaction',
  'ReserveNow',
  'Reset',
  'SendLocalList',
  'SetChargingProfile',
  'SignedUpdateFirmware',
  'TriggerMessage',
  'UnlockConnector',
  'UpdateFirmware',
]);

/** Cards that do not count have nothing in common with those that do. OCPP 1.6 has no word for NoCredit. */
function idTagInfo(found: Facts['idTag']): object {
  const { status, parent } = found ?? {};
  const told = status === 'NoCredit' ? 'Blocked' : status;
  return { status: told, ...(status === 'Accepted' && parent !== undefined ? { parentIdTag: parent } : {}) };
}

function needOf(action: string, payload: Payload): Need | undefined {
  if (action === 'SignCertificate') return { csr: { text: payload.csr as string, callWith: certificateCall } };
  if (action === 'Authorize') return { idTag: payload.idTag as string };
  if (action === 'StopTransaction' && payload.idTag !== undefined) return { idTag: payload.idTag as string };
  if (action !== 'StartTransaction') return undefined;
  const { connectorId, idTag, timestamp, meterStart } = payload as unknown as Required<Need>['transaction'];
  return { idTag, transaction: { connectorId, idTag, timestamp, meterStart } };
}

function certificateCall(certificateChain: string): ChargerCall {
  return { action: 'CertificateSigned', payload: JSON.stringify({ certificateChain }) };
}

/** A StartTransaction's answer must have an id, which the next one of the same transaction is to get too. */
function suspectAnswer(action: string, payload: unknown): 'empty' | Need['transaction'] {
  if (action !== 'StartTransaction') return 'empty';
  if (!isObject(payload)) return undefined;
  const connectorId = wholeIn(payload.connectorId);
  const idTag = textIn(payload.idTag);
  const timestamp = textIn(payload.timestamp);
  const meterStart = registerIn(payload.meterStart);
  const isReadable =
    connectorId !== undefined && idTag !== undefined && timestamp !== undefined && meterStart !== undefined;
  return isReadable ? { connectorId, idTag, timestamp, meterStart } : undefined;
}

/** OCPP 1.6J, edition 2, and the messages of the security whitepaper. */
export const DIALECT_16: Dialect = {
  version: 'ocpp1.6',
  answers: ANSWERS,
  sends: new Set(),
  commands: COMMANDS,
  suspectAnswer,
  needOf,
  ...TOLD_16,
  ...OWN_CALLS_16,
  malformed: 'FormationViolation',
};
