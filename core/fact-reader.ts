import type { ChargerFact } from './charger-fact.ts';
import { isWhole, type JsonObject } from './json.ts';

/**
 * Reads one message of a charger: payload of the CALL, payload of its CALLRESULT (empty if there was none), and when the
 * CALL was received. Total and pure: any payload gives a fact, `unusable` with its reason at worst.
 */
export type FactReader = (
  call: JsonObject,
  result: JsonObject,
  receivedAtMs: number,
) => ChargerFact | readonly ChargerFact[];

/** The messages a charger sends in one version of OCPP; `other` carries nothing the record projects. */
export type FactReaders = Readonly<Record<string, FactReader | 'other'>>;

export function unusable(reason: string): Extract<ChargerFact, { kind: 'unusable' }> {
  return { kind: 'unusable', reason };
}

/** Connector numbers travel to the chain as uint16. */
export function isConnector(value: unknown): value is number {
  return isWhole(value) && value >= 0 && value <= 65_535;
}
