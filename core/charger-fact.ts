import type { ChargerTime } from './charger-time.ts';
import type { StationFact } from './station-fact.ts';
import type { Status } from './status.ts';
import type { Unit } from './units.ts';

/** One measured value, in the system's units. */
export interface MeterSample {
  /** OCPP measurand, `Energy.Active.Import.Register` where the charger named none. */
  measurand: string;
  /** OCPP reading context, `Sample.Periodic` where the charger named none. */
  context: string;
  /** OCPP location, `Outlet` where the charger named none. */
  location: string;
  /** Phase the value was taken on; absent for the whole connector. */
  phase?: string;
  /** When the charger says it took the value. */
  takenAt: ChargerTime;
  /** What was read: a number in its unit, a record the meter signed (kept as it is), or nothing usable and why. */
  reading:
    | { kind: 'value'; value: number; unit: Unit }
    | { kind: 'signed'; data: string }
    | { kind: 'unusable'; reason: string };
}

/** The answer an idTag got: OCPP 1.6 `AuthorizationStatus`; those of 2.x that 1.6 has no name for are Invalid. */
export type IdTagStatus = 'Accepted' | 'Blocked' | 'Expired' | 'Invalid' | 'ConcurrentTx';

/** OCPP 1.6: the number the gateway assigned. OCPP 2.x: the text the charger chose. */
export type TransactionId = number | string;

/** What OCPP 2.x tells with each message of a transaction. */
export interface TransactionDetail {
  /** The message's place among those of its transaction, from 0; where one is left out, a message is missing. */
  seqNo: number;
  /** OCPP 2.x `triggerReason`, exact. */
  trigger: string;
  /** Whether it happened while the charger was offline. */
  isOffline: boolean;
  /** The id of the RequestStartTransaction that it follows. */
  remoteStartId?: number;
  /** What car and connector do: Charging, Suspended, or Occupied for neither. */
  state?: Status;
  /** The charger's own word for it: OCPP 2.x `ChargingStateEnumType`. */
  chargingState?: string;
}

/**
 * What a charger event says, independent of the OCPP version and in the system's units. Derived from frame and reply by
 * every reader for itself. No idTag is ever part of it.
 */
export type ChargerFact =
  | StationFact
  | { kind: 'opened' }
  | { kind: 'closed' }
  | {
      kind: 'boot';
      vendor: string;
      model: string;
      serial?: string;
      firmware?: string;
      /** What the gateway answered. */
      registration: 'Accepted' | 'Pending' | 'Rejected';
    }
  | { kind: 'heartbeat' }
  | {
      kind: 'status';
      /** 0 is the whole station; OCPP 2.x: the EVSE. */
      connector: number;
      /** OCPP 2.x: the connector within the EVSE; absent for the EVSE as a whole, and in OCPP 1.6. */
      part?: number;
      status: Status;
      /** The charger's own word for it. */
      reported: string;
      /** Index into `ERROR_CLASSES`. Beside status Available it is a warning. */
      errorClass: number;
      vendorErrorCode?: string;
      reportedAt: ChargerTime;
    }
  /** OCPP 2.x: something of a connector, an EVSE or the station has a problem, or has it no more. */
  | {
      kind: 'fault';
      /** 0 is the whole station. */
      connector: number;
      /** Index into `ERROR_CLASSES`; 0 once the problem is over. */
      errorClass: number;
      /** The component's own code for it. */
      vendorErrorCode?: string;
      reportedAt: ChargerTime;
    }
  | { kind: 'authorised'; outcome: IdTagStatus | undefined }
  | {
      kind: 'transaction-started';
      /** Absent in OCPP 2.x where the transaction begins before it is known. */
      connector?: number;
      transactionId: TransactionId;
      /** Absent in OCPP 2.x where the charger told no register with it. */
      meterStartWh?: number;
      startedAt: ChargerTime;
      /** Undefined where no idTag was shown. */
      outcome: IdTagStatus | undefined;
      reservationId?: number;
      /** OCPP 2.x only, as is `detail`. */
      samples?: MeterSample[];
      detail?: TransactionDetail;
    }
  /** OCPP 2.x: what happened between start and stop. */
  | {
      kind: 'transaction-updated';
      /** Told once within a transaction, with whichever message. */
      connector?: number;
      transactionId: TransactionId;
      /** Undefined where no idTag was shown with it. */
      outcome: IdTagStatus | undefined;
      reservationId?: number;
      samples: MeterSample[];
      updatedAt: ChargerTime;
      detail: TransactionDetail;
    }
  | {
      kind: 'transaction-stopped';
      /** OCPP 2.x only, and there only where it was not told before. */
      connector?: number;
      transactionId: TransactionId;
      /** OCPP 2.x: what an idToken was answered that was shown with it. */
      outcome?: IdTagStatus;
      /** Absent in OCPP 2.x where the charger told no register with it. */
      meterStopWh?: number;
      stoppedAt: ChargerTime;
      /** OCPP 1.6 `Reason`, `Local` where the charger named none; `EnergyLimit` where OCPP 2.x says so. */
      reason: string;
      samples: MeterSample[];
      detail?: TransactionDetail;
    }
  | { kind: 'meter'; connector: number; transactionId?: TransactionId; samples: MeterSample[] }
  /** The charger answered a command that the gateway passed on. */
  | {
      kind: 'answered';
      action: string;
      outcome: 'result' | 'error';
      /** The answer's `status`, or its CALLERROR code; absent where it has none. */
      status?: string;
    }
  /** A well-formed message that carries nothing the record projects. */
  | { kind: 'other'; action: string }
  /** Kept raw, believed in nothing. */
  | { kind: 'unusable'; action?: string; reason: string };
