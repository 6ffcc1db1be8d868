import type { ChargerTime } from './charger-time.ts';

/** A message's place in a report that a charger tells in several; `isLast` once it says that nothing more follows. */
export interface ReportPart {
  /** Of the request that it answers. */
  requestId: number;
  /** From 0; 0 too where the version has no number for it. */
  part: number;
  isLast: boolean;
}

/** A setting of a charger, or something that it tells of itself. */
export interface StationVariable {
  /** OCPP 1.6: the key, as the charger writes it. OCPP 2.x: see `variableText`. */
  key: string;
  /** OCPP 2.x `AttributeEnumType`: `Actual`, `Target`, `MinSet` or `MaxSet`; in 1.6 always `Actual`. */
  attribute: string;
  /** As the charger tells it; absent where it tells none, or where it is nobody's business. */
  value?: string;
  /** Absent where the charger did not tell. */
  mutability?: 'ReadOnly' | 'WriteOnly' | 'ReadWrite';
  /** Set if a value was told that may be a password or an idTag, and is left out for that. */
  isSecret?: true;
}

/**
 * What a charger tells of itself rather than of charging: the same in every version of OCPP. What may name a person, or
 * open a door, is in none of them: see `isSecretName`.
 */
export type StationFact =
  /** Told in an answer to GetConfiguration or GetVariables, or in a report. */
  | { kind: 'variables'; variables: StationVariable[]; report?: ReportPart; reportedAt: ChargerTime }
  /** What a charger watches of its own variables; OCPP 2.x only. */
  | {
      kind: 'monitors';
      monitors: {
        id: number;
        /** Of the variable; see `variableText`. */
        key: string;
        /** OCPP 2.x `MonitorEnumType`. */
        monitor: string;
        value: number;
        /** 0 danger to 9 debug. */
        severity: number;
      }[];
      report: ReportPart;
      reportedAt: ChargerTime;
    }
  /** The text itself is personal and stays in the frame; OCPP 2.x only. */
  | { kind: 'customer-information'; report: ReportPart; reportedAt: ChargerTime }
  | {
      kind: 'display-messages';
      messages: { id: number; priority: string; state?: string }[];
      report: ReportPart;
    }
  /** Free text that came with it stays in the frame. */
  | { kind: 'security-event'; event: string; reportedAt: ChargerTime }
  | {
      kind: 'firmware-status';
      /** In the words of OCPP 2.x `FirmwareStatusEnumType`, of which 1.6 has some. */
      status: string;
      /** Of the update; absent where the version has none. */
      requestId?: number;
    }
  /** A local controller offers a firmware to other chargers; OCPP 2.x only. */
  | { kind: 'firmware-publication'; status: string; requestId?: number }
  | {
      kind: 'upload-status';
      /** Of OCPP 1.6 GetDiagnostics, or of GetLog. */
      what: 'diagnostics' | 'log';
      /** In the words of OCPP 2.x `UploadLogStatusEnumType`. */
      status: string;
      requestId?: number;
    }
  /** The charger accepted a reservation. */
  | {
      kind: 'reserved';
      reservationId: number;
      /** 0 for any of the charger. */
      connector: number;
      /** When it ends by itself, Unix seconds; absent if that is no time. */
      untilSec?: number;
    }
  /** The charger dropped a reservation: by itself, or `Cancelled` as it was told to. One that is used is told by its transaction. */
  | { kind: 'reservation-ended'; reservationId: number; reason: 'Expired' | 'Removed' | 'NoTransaction' | 'Cancelled' }
  /** Somebody else than the gateway limits the charger's power, or does so no more; OCPP 2.x only. */
  | {
      kind: 'charging-limit';
      /** 0 for the whole charger. */
      connector: number;
      /** Who: OCPP 2.x `ChargingLimitSourceEnumType`. */
      source: string;
      isCleared: boolean;
    }
  | {
      kind: 'charging-profiles';
      /** 0 for the whole charger. */
      connector: number;
      /** Who set them: OCPP 2.x `ChargingLimitSourceEnumType`. */
      source: string;
      profiles: { id: number; stackLevel: number; purpose: string; profileKind: string }[];
      report: ReportPart;
    }
  /** The car said what it needs; OCPP 2.x only. */
  | {
      kind: 'charging-needs';
      connector: number;
      /** OCPP 2.x `EnergyTransferModeEnumType`. */
      transfer: string;
      /** Energy it asks for, Wh; absent if it did not tell. */
      energyWh?: number;
    }
  /** The charger asked for a certificate. */
  | { kind: 'certificate-requested'; isGranted: boolean };
