/** What a charger's CALL needs to be looked up before it can be answered. */
export interface Need {
  /** The card whose state is asked for. */
  idTag?: string;
  /** The certificate signing request to be granted or not. */
  csr?: string;
  /** A transaction id: the same for the same transaction, however often it is asked for. */
  transaction?: { connectorId: number; idTag: string; timestamp: string; meterStart: number };
}

/** `AuthorizationStatus` of OCPP 1.6, without ConcurrentTx. */
export type IdTagVerdict = 'Accepted' | 'Blocked' | 'Expired' | 'Invalid';

/** All an answer depends on, beside the CALL itself. */
export interface Facts {
  nowMs: number;
  heartbeatIntervalSec: number;
  /** Whether what a charger reports can be kept and passed on now. */
  isReady: boolean;
  idTag?: IdTagVerdict;
  transactionId?: number;
  /** Whether the certificate that is asked for will be issued; not set where no CA is configured. */
  isCertificateGranted?: boolean;
}

/** Seconds after which a charger that was told Pending is to ask again. */
const PENDING_INTERVAL_SEC = 10;

type Payload = Record<string, unknown>;

const ANSWERS: Record<string, (facts: Facts) => object> = {
  Authorize: ({ idTag }) => ({ idTagInfo: { status: idTag } }),
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
  StartTransaction: ({ idTag, transactionId }) => ({ idTagInfo: { status: idTag }, transactionId }),
  StatusNotification: () => ({}),
  StopTransaction: ({ idTag }) => (idTag === undefined ? {} : { idTagInfo: { status: idTag } }),
};

/** The actions of OCPP 1.6 and its security whitepaper that a charger sends. */
export const CHARGER_ACTIONS_16 = Object.keys(ANSWERS);

/** The actions that only a CSMS sends: known, but nothing a charger can ask for. */
const CSMS_ACTIONS_16: ReadonlySet<string> = new Set([
  'CancelReservation',
  'CertificateSigned',
  'ChangeAvailability',
  'ChangeConfiguration',
  'ClearCache',
  'ClearChargingProfile',
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

/** The actions of OCPP 1.6 and its security whitepaper that a CSMS sends. */
export const COMMANDS_16: readonly string[] = ['DataTransfer', ...CSMS_ACTIONS_16].sort();

/** What billing depends on: recorded raw even where it breaks its schema. */
const TRANSACTION_ACTIONS_16 = new Set(['StartTransaction', 'StopTransaction', 'MeterValues']);

export function isTransactionAction16(action: string): boolean {
  return TRANSACTION_ACTIONS_16.has(action);
}

/** Whether an action is for the gateway to answer: `yes`, or the CALLERROR code that says why not. */
export function isAnswered16(action: string): 'yes' | 'NotSupported' | 'NotImplemented' {
  if (Object.hasOwn(ANSWERS, action)) return 'yes';
  return CSMS_ACTIONS_16.has(action) ? 'NotSupported' : 'NotImplemented';
}

/**
 * @param payload - has passed the action's schema
 * @returns undefined if the CALL can be answered at once
 */
export function needOf16(action: string, payload: Payload): Need | undefined {
  if (action === 'SignCertificate') return { csr: payload.csr as string };
  if (action === 'Authorize') return { idTag: payload.idTag as string };
  if (action === 'StopTransaction' && payload.idTag !== undefined) return { idTag: payload.idTag as string };
  if (action !== 'StartTransaction') return undefined;
  const { connectorId, idTag, timestamp, meterStart } = payload as unknown as Required<Need>['transaction'];
  return { idTag, transaction: { connectorId, idTag, timestamp, meterStart } };
}

/** The payload of the CALLRESULT; `facts` must hold what `needOf16` asked for. */
export function answer16(action: string, facts: Facts): object {
  const answer = ANSWERS[action];
  if (answer === undefined) throw new RangeError(`no answer to ${action}`);
  return answer(facts);
}
