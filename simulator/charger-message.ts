/** A connector's status in OCPP 1.6's words (§7.7); a dialect translates it where a version has fewer. */
export type ConnectorStatus =
  | 'Available'
  | 'Preparing'
  | 'Charging'
  | 'SuspendedEVSE'
  | 'SuspendedEV'
  | 'Finishing'
  | 'Reserved'
  | 'Unavailable'
  | 'Faulted';

export const CONNECTOR_STATUSES: readonly ConnectorStatus[] = [
  'Available',
  'Preparing',
  'Charging',
  'SuspendedEVSE',
  'SuspendedEV',
  'Finishing',
  'Reserved',
  'Unavailable',
  'Faulted',
];

/** How a running transaction's energy flows. */
export type ChargingState = Extract<ConnectorStatus, 'Charging' | 'SuspendedEV' | 'SuspendedEVSE'>;

/** Why a transaction ended (OCPP 1.6 §7.36), and the reasons that only later versions have a word for. */
export type StopReason =
  | 'DeAuthorized'
  | 'EVDisconnected'
  | 'EmergencyStop'
  | 'EnergyLimitReached'
  | 'HardReset'
  | 'Local'
  | 'Other'
  | 'PowerLoss'
  | 'Reboot'
  | 'Remote'
  | 'SoftReset'
  | 'Timeout'
  | 'UnlockCommand';

/** What a meter shows. */
export interface MeterReading {
  /** Energy register, whole Wh; never falls. */
  registerWh: number;
  /** Power now, W. */
  powerW: number;
}

/** Why a meter is reported: the transaction's beginning, its interval, the clock's, or because somebody asked. */
export type MeterOccasion = 'Begin' | 'Periodic' | 'Clock' | 'Trigger';

/** OCMF texts of what the meter signed at a transaction's begin, and at its end once there is one. */
export interface SignedReadings {
  begin: string;
  end?: string;
}

/** What every message about a transaction has. */
interface OfTransaction {
  /** The charger's own key for it, a UUID. */
  transaction: string;
  connector: number;
  /** When it happened, Unix ms; a replay keeps it. */
  atMs: number;
  /** Counts a transaction's messages from 0; given when the message is put into the queue. */
  seqNo?: number;
  /** Whether the charger was offline when it happened. */
  isOffline?: boolean;
  signed?: SignedReadings;
}

/** What a charger tells its CSMS, in no version's words. */
export type ChargerMessage =
  | { kind: 'boot'; reason: BootReason }
  | { kind: 'heartbeat' }
  | { kind: 'status'; connector: number; status: ConnectorStatus; errorCode: string; atMs: number }
  /** Something broke or was mended. */
  | { kind: 'problem'; connector: number; errorCode: string; isCleared: boolean; atMs: number }
  | { kind: 'authorize'; idTag: string; tokenType?: string }
  | ({
      kind: 'start';
      idTag: string;
      tokenType?: string;
      registerWh: number;
      remoteStartId?: number;
      reservationId?: number;
      /** No car is plugged in yet. */
      isAwaiting?: boolean;
    } & OfTransaction)
  | ({ kind: 'meter'; reading: MeterReading; occasion: MeterOccasion } & OfTransaction)
  | ({
      kind: 'state';
      state: ChargingState;
      reading: MeterReading;
      /** No more energy flows because the CSMS allows the transaction no more. */
      isAtEnergyLimit?: boolean;
    } & OfTransaction)
  | ({ kind: 'stop'; idTag: string; tokenType?: string; registerWh: number; reason: StopReason } & OfTransaction)
  | { kind: 'reservationEnded'; reservation: number; how: 'Expired' | 'Removed' }
  /** `requestId` is that of a signed update or a later version's; without it the message is 1.6's own. */
  | { kind: 'firmware'; status: FirmwareStatus; requestId?: number }
  | { kind: 'log'; status: LogStatus; requestId?: number }
  | { kind: 'security'; event: string; atMs: number }
  | { kind: 'signCertificate'; csr: string }
  /** What only one version has, in its own words. */
  | { kind: 'call'; action: string; payload: object };

export type BootReason = 'PowerUp' | 'RemoteReset' | 'FirmwareUpdate' | 'Triggered';

export type FirmwareStatus =
  | 'Downloaded'
  | 'DownloadFailed'
  | 'Downloading'
  | 'DownloadScheduled'
  | 'Idle'
  | 'InstallationFailed'
  | 'Installing'
  | 'Installed'
  | 'InstallScheduled'
  | 'InvalidSignature'
  | 'SignatureVerified';

export type LogStatus = 'Idle' | 'Uploaded' | 'UploadFailure' | 'Uploading';

const OF_TRANSACTION: ReadonlySet<ChargerMessage['kind']> = new Set(['start', 'meter', 'state', 'stop']);

export type TransactionMessage = Extract<ChargerMessage, OfTransaction>;

/** Messages that money depends on: kept while offline, sent in order, again until they are answered. */
export function isTransactionMessage(message: ChargerMessage): message is TransactionMessage {
  return OF_TRANSACTION.has(message.kind);
}

/** What a charger makes of the CSMS's answer. */
export interface ReplyFacts {
  /** BootNotification: whether the charger may talk, and how often it should be heard (or try again), s. */
  registration?: 'Accepted' | 'Pending' | 'Rejected';
  intervalSec?: number;
  /** What the CSMS says of an idTag, the group it is in, and until when (Unix ms). */
  authorization?: string;
  group?: string;
  authorizedUntilMs?: number;
  /** The CSMS's number for the transaction just started. */
  transactionId?: number;
  /** Most energy the CSMS allows the transaction, Wh. */
  energyLimitWh?: number;
  /** Whether the CSMS takes the request for a certificate. */
  isAccepted?: boolean;
}
