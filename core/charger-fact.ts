import type { ChargerTime } from './charger-time.ts';
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

/** The answer an idTag got: OCPP 1.6 `AuthorizationStatus`, or undefined where the reply shows none. */
export type IdTagStatus = 'Accepted' | 'Blocked' | 'Expired' | 'Invalid' | 'ConcurrentTx';

/**
 * What a charger event says, independent of the OCPP version and in the system's units. Derived from frame and reply by
 * every reader for itself. No idTag is ever part of it.
 */
export type ChargerFact =
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
      /** 0 is the whole station. */
      connector: number;
      status: Status;
      /** The charger's own word for it. */
      reported: string;
      /** Index into `ERROR_CLASSES`. Beside status Available it is a warning. */
      errorClass: number;
      vendorErrorCode?: string;
      reportedAt: ChargerTime;
    }
  | { kind: 'authorised'; outcome: IdTagStatus | undefined }
  | {
      kind: 'transaction-started';
      connector: number;
      /** As the gateway assigned it. */
      transactionId: number;
      meterStartWh: number;
      startedAt: ChargerTime;
      outcome: IdTagStatus | undefined;
      reservationId?: number;
    }
  | {
      kind: 'transaction-stopped';
      transactionId: number;
      meterStopWh: number;
      stoppedAt: ChargerTime;
      /** OCPP 1.6 `Reason`, `Local` where the charger named none. */
      reason: string;
      samples: MeterSample[];
    }
  | { kind: 'meter'; connector: number; transactionId?: number; samples: MeterSample[] }
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
