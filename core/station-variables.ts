import { isObject, type JsonObject } from './json.ts';
import { isSecretName, isSecretValue } from './secret-names.ts';
import type { StationVariable } from './station-fact.ts';
import { variableText } from './variable-key.ts';

const MUTABILITIES: ReadonlySet<unknown> = new Set(['ReadOnly', 'WriteOnly', 'ReadWrite']);

/** A variable of OCPP 2.x in a message that names it; undefined if the message names none. */
export function variableOf20(
  named: JsonObject,
  told: { attribute: unknown; value: unknown; mutability?: unknown },
): StationVariable | undefined {
  const key = variableText(named);
  if (key === undefined) return undefined;
  const { name } = named.variable as JsonObject;
  return {
    key,
    attribute: typeof told.attribute === 'string' ? told.attribute : 'Actual',
    ...shown(told.value, String(name)),
    ...(MUTABILITIES.has(told.mutability)
      ? { mutability: told.mutability as NonNullable<StationVariable['mutability']> }
      : {}),
  };
}

/** A row of the `configurationKey` of OCPP 1.6; undefined if it is none. */
export function variableOf16(row: unknown): StationVariable | undefined {
  if (!isObject(row) || typeof row.key !== 'string') return undefined;
  const mutability = typeof row.readonly === 'boolean' ? (row.readonly ? 'ReadOnly' : 'ReadWrite') : undefined;
  return {
    key: row.key,
    attribute: 'Actual',
    ...shown(row.value, row.key),
    ...(mutability === undefined ? {} : { mutability }),
  };
}

/** What of a value everybody may see. An empty one hides nothing. */
function shown(value: unknown, name: string): Pick<StationVariable, 'value' | 'isSecret'> {
  if (typeof value !== 'string') return {};
  return value !== '' && (isSecretName(name) || isSecretValue(value)) ? { isSecret: true } : { value };
}
