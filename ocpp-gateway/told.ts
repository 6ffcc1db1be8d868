import type { TransactionId } from '../core/charger-fact.ts';
import type { JsonObject } from '../core/json.ts';

/** What a charger's message is about, where more follows from it than its record and its answer. */
export type Subject = 'boot' | 'heartbeat' | 'card' | 'transaction' | 'meter' | 'status';

/** A transaction that a message tells of together with an idTag. */
export interface ToldStart {
  transactionId: TransactionId;
  /** Undefined where OCPP 2.x does not tell it yet. */
  connector: number | undefined;
  startWh?: number;
  /** Whether the transaction begins by the message; one that goes on or ends may have its idTag only now. */
  stage: 'begins' | 'goes-on' | 'ends';
  /** As the charger wrote it. */
  timestamp: unknown;
  /** Whether it happened while the charger was offline, as far as it says so. */
  isOffline: boolean;
}

/** Where a status is told of: an EVSE (1.6: a connector) and a part of it, 0 for it as a whole. */
export interface StatusPlace {
  connector: number;
  part: number;
}

/** A status as a charger words it. Nothing but the schema was checked. */
export type ToldStatus = Record<keyof StatusPlace | 'status', unknown>;

/** What the gateway reads of chargers' messages in one version of OCPP. Payloads have passed their schema but where it says so. */
export interface Told {
  /** By action. */
  subjects: ReadonlyMap<string, Subject>;
  /**
   * The transaction that a message is about, if it can begin one.
   *
   * @param transactionId - that the gateway gives it, where it is the gateway that does
   */
  startIn: (action: string, payload: JsonObject, transactionId?: number) => ToldStart | undefined;
  /** The id of the transaction that ends by a message, as it stands there; the payload may break its schema. */
  endIn: (action: string, payload: unknown) => { transactionId: unknown } | undefined;
  /** What stands in a message of meter values for the connector or EVSE that they are of. */
  meterPlaceIn: (payload: JsonObject) => unknown;
  /** The statuses that a message tells, as they are told; none if it tells none. */
  statusesIn: (action: string, payload: JsonObject) => ToldStatus[];
}

/** Whether more follows from a message once it is on record. */
export function hasSequel(subject: Subject | undefined): boolean {
  return subject !== undefined && subject !== 'heartbeat' && subject !== 'card';
}

/** Whether billing depends on a message: it is recorded raw even where it breaks its schema. */
export function isBilled(subject: Subject | undefined): boolean {
  return subject === 'transaction' || subject === 'meter';
}
