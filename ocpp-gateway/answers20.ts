import { isObject } from '../core/json.ts';
import { isFree } from '../core/started-tag.ts';
import { PENDING_INTERVAL_SEC } from './answers16.ts';
import { COMMANDS_20, COMMANDS_21 } from './commands20.ts';
import type { Dialect, Facts, Need, Payload } from './dialect.ts';
import { OWN_CALLS_20 } from './own-calls20.ts';
import { TOLD_20 } from './told20.ts';

/** For what this CSMS does not do: a code of OCPP 2.0.1 part 2, appendix 5. */
const UNSUPPORTED = { statusInfo: { reasonCode: 'UnsupportedRequest' } };

/** Nothing here can tell whether a contract of ISO 15118 is good: its certificate is not there to be checked against. */
const NO_CONTRACT = { idTokenInfo: { status: 'Invalid' }, certificateStatus: 'NoCertificateAvailable' };

const nothing = () => ({});

/** What OCPP 2.0.1 has a CSMS answer. */
const ANSWERS_20: Dialect['answers'] = {
  Authorize: ({ idTag }, payload) => (isByContract(payload) ? NO_CONTRACT : idTokenInfo(idTag, payload)),
  BootNotification: ({ nowMs, heartbeatIntervalSec, isReady }) => ({
    status: isReady ? 'Accepted' : 'Pending',
    currentTime: new Date(nowMs).toISOString(),
    interval: isReady ? heartbeatIntervalSec : PENDING_INTERVAL_SEC,
  }),
  ClearedChargingLimit: nothing,
  DataTransfer: () => ({ status: 'UnknownVendorId' }),
  FirmwareStatusNotification: nothing,
  // Contract certificates of ISO 15118 come from a certificate pool, which is none of this network's.
  Get15118EVCertificate: () => ({ status: 'Failed', exiResponse: '', ...UNSUPPORTED }),
  GetCertificateStatus: () => ({ status: 'Failed', ...UNSUPPORTED }),
  Heartbeat: ({ nowMs }) => ({ currentTime: new Date(nowMs).toISOString() }),
  LogStatusNotification: nothing,
  MeterValues: nothing,
  NotifyChargingLimit: nothing,
  NotifyCustomerInformation: nothing,
  NotifyDisplayMessages: nothing,
  // No schedule will be sent: the car charges as the station lets it.
  NotifyEVChargingNeeds: () => ({ status: 'Rejected', ...UNSUPPORTED }),
  NotifyEVChargingSchedule: () => ({ status: 'Accepted' }),
  NotifyEvent: nothing,
  NotifyMonitoringReport: nothing,
  NotifyReport: nothing,
  PublishFirmwareStatusNotification: nothing,
  ReportChargingProfiles: nothing,
  ReservationStatusUpdate: nothing,
  SecurityEventNotification: nothing,
  SignCertificate: ({ isCertificateGranted }) => ({ status: isCertificateGranted === true ? 'Accepted' : 'Rejected' }),
  StatusNotification: nothing,
  TransactionEvent: ({ idTag }, payload) => (payload.idToken === undefined ? {} : idTokenInfo(idTag, payload)),
};

/** What OCPP 2.1 adds. */
const ANSWERS_21: Dialect['answers'] = {
  ...ANSWERS_20,
  BatterySwap: nothing,
  ClosePeriodicEventStream: nothing,
  GetCertificateChainStatus: ({ nowMs }, { certificateStatusRequests }) => ({
    certificateStatus: (certificateStatusRequests as Payload[]).map(({ certificateHashData, source }) => ({
      certificateHashData,
      source,
      status: 'Failed',
      nextUpdate: new Date(nowMs).toISOString(),
    })),
  }),
  NotifyDERAlarm: nothing,
  NotifyDERStartStop: nothing,
  NotifyEVChargingNeeds: () => ({ status: 'NoChargingProfile' }),
  NotifyPriorityCharging: nothing,
  NotifySettlement: nothing,
  OpenPeriodicEventStream: () => ({ status: 'Accepted' }),
  PullDynamicScheduleUpdate: () => ({ status: 'Rejected', ...UNSUPPORTED }),
  ReportDERControl: nothing,
  TransactionEvent: ({ idTag }, payload) =>
    payload.idToken === undefined ? {} : { ...idTokenInfo(idTag, payload), ...transactionLimit(idTag) },
  VatNumberValidation: (_facts, { vatNumber, evseId }) => ({
    vatNumber,
    status: 'Rejected',
    ...UNSUPPORTED,
    ...(evseId === undefined ? {} : { evseId }),
  }),
};

/** OCPP 2.x calls Unknown what 1.6 calls Invalid. Where a charger lets everybody charge, nobody is asked about. */
function idTokenInfo(found: Facts['idTag'], { idToken }: Payload): object {
  if (isFree(idToken)) return { idTokenInfo: { status: 'Accepted' } };
  const { status, parent } = found ?? {};
  const isGroup = status === 'Accepted' && parent !== undefined;
  const group = isGroup ? { groupIdToken: { idToken: parent, type: 'Central' } } : {};
  return { idTokenInfo: { status: status === 'Invalid' ? 'Unknown' : status, ...group } };
}

/** OCPP 2.1 has the charger itself end a transaction at an energy. One that JSON cannot tell exactly is as good as none. */
function transactionLimit(found: Facts['idTag']): object {
  const limitWh = found?.energyLimitWh;
  if (limitWh === undefined || limitWh > Number.MAX_SAFE_INTEGER) return {};
  return { transactionLimit: { maxEnergy: limitWh } };
}

/** Whether a car shows a contract's certificate, or what to ask its issuer about: its idToken alone does not count then. */
function isByContract({ certificate, iso15118CertificateHashData: hashes }: Payload): boolean {
  return certificate !== undefined || hashes !== undefined;
}

function needOf(action: string, payload: Payload): Need | undefined {
  if (action === 'SignCertificate') return certificateNeed(payload);
  if (action !== 'Authorize' && action !== 'TransactionEvent') return undefined;
  if (action === 'Authorize' && isByContract(payload)) return undefined;
  const { idToken } = payload;
  return isObject(idToken) && !isFree(idToken) ? { idTag: idToken.idToken as string } : undefined;
}

/** The CA signs certificates of charging stations; those of a V2G hierarchy are another's. */
function certificateNeed({
  csr,
  certificateType = 'ChargingStationCertificate',
  requestId,
}: Payload): Need | undefined {
  if (certificateType !== 'ChargingStationCertificate') return undefined;
  const beside = { certificateType, ...(requestId === undefined ? {} : { requestId }) };
  const callWith = (certificateChain: string) => ({
    action: 'CertificateSigned',
    payload: JSON.stringify({ certificateChain, ...beside }),
  });
  return { csr: { text: csr as string, callWith } };
}

export const DIALECT_20: Dialect = {
  version: 'ocpp2.0.1',
  answers: ANSWERS_20,
  sends: new Set(),
  commands: COMMANDS_20,
  suspectAnswer: () => 'empty',
  needOf,
  ...TOLD_20,
  ...OWN_CALLS_20,
  malformed: 'RpcFrameworkError',
};

export const DIALECT_21: Dialect = {
  ...DIALECT_20,
  version: 'ocpp2.1',
  answers: ANSWERS_21,
  sends: new Set(['NotifyPeriodicEventStream']),
  commands: COMMANDS_21,
};
