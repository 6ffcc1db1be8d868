import type { ChargerFact } from './charger-fact.ts';
import { isConnector } from './fact-reader.ts';
import { isObject, isWhole, type JsonObject } from './json.ts';
import type { StationVariable } from './station-fact.ts';
import { variableOf16, variableOf20 } from './station-variables.ts';

/**
 * What a charger's answer to a command tells of the charger, beside that it answered. The versions' own names tell them
 * apart: no command has the same name and another meaning.
 *
 * @param call - payload of the command
 * @param result - payload of the answer
 */
export function factsInAnswer(action: string, call: JsonObject, result: JsonObject): ChargerFact[] {
  switch (action) {
    case 'GetConfiguration':
      return variables(rowsOf(result.configurationKey).map(variableOf16));
    case 'GetVariables':
      return variables(rowsOf(result.getVariableResult).map(read));
    case 'ReserveNow':
      return result.status === 'Accepted' ? reserved(call) : [];
    case 'CancelReservation': {
      const { reservationId } = call;
      if (result.status !== 'Accepted' || !isWhole(reservationId)) return [];
      return [{ kind: 'reservation-ended', reservationId, reason: 'Cancelled' }];
    }
    default:
      return [];
  }
}

function variables(read: (StationVariable | undefined)[]): ChargerFact[] {
  const known = read.filter((variable) => variable !== undefined);
  return known.length === 0 ? [] : [{ kind: 'variables', variables: known, reportedAt: { clock: 'missing' } }];
}

function read(row: JsonObject): StationVariable | undefined {
  if (row.attributeStatus !== 'Accepted') return undefined;
  return variableOf20(row, { attribute: row.attributeType, value: row.attributeValue });
}

/** OCPP 1.6: `reservationId`, `connectorId`, `expiryDate`. OCPP 2.x: `id`, `evseId` or none, `expiryDateTime`. */
function reserved(call: JsonObject): ChargerFact[] {
  const reservationId = call.reservationId ?? call.id;
  const connector = call.connectorId ?? call.evseId ?? 0;
  const until = call.expiryDate ?? call.expiryDateTime;
  if (!isWhole(reservationId) || !isConnector(connector)) return [];
  const untilMs = typeof until === 'string' ? Date.parse(until) : Number.NaN;
  const end = Number.isNaN(untilMs) ? {} : { untilSec: Math.floor(untilMs / 1000) };
  return [{ kind: 'reserved', reservationId, connector, ...end }];
}

function rowsOf(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
