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

/** Why a transaction ended (OCPP 1.6 §7.36, those a charger here can have). */
export type StopReason = 'EVDisconnected' | 'Local' | 'Remote' | 'HardReset' | 'SoftReset' | 'DeAuthorized' | 'Other';

/** What a meter shows. */
export interface MeterReading {
  /** Energy register, whole Wh; never falls. */
  registerWh: number;
  /** Power now, W. */
  powerW: number;
}

/** What a charger tells its CSMS, in no version's words. `transaction` is the charger's own key for it. */
export type ChargerMessage =
  | { kind: 'boot'; reason: 'PowerUp' | 'RemoteReset' }
  | { kind: 'heartbeat' }
  | { kind: 'status'; connector: number; status: ConnectorStatus; errorCode: string; atMs: number }
  | { kind: 'authorize'; idTag: string }
  | { kind: 'start'; transaction: string; connector: number; idTag: string; registerWh: number; atMs: number }
  | { kind: 'meter'; transaction: string; connector: number; reading: MeterReading; atMs: number }
  | {
      kind: 'stop';
      transaction: string;
      connector: number;
      idTag: string;
      registerWh: number;
      atMs: number;
      reason: StopReason;
    };

/** Messages that money depends on: kept while offline, sent in order, again until they are answered. */
export function isTransactionMessage(message: ChargerMessage): boolean {
  return message.kind === 'start' || message.kind === 'meter' || message.kind === 'stop';
}

/** What a charger makes of the CSMS's answer. */
export interface ReplyFacts {
  /** BootNotification: whether the charger may talk, and how often it should be heard (or try again), s. */
  registration?: 'Accepted' | 'Pending' | 'Rejected';
  intervalSec?: number;
  /** What the CSMS says of an idTag. */
  authorization?: string;
  /** The CSMS's number for the transaction just started. */
  transactionId?: number;
}
