import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** A JSON schema, as far as the messages of OCPP use it. */
export interface Schema {
  $id?: string;
  $ref?: string;
  type?: string;
  format?: string;
  enum?: unknown[];
  items?: Schema;
  minItems?: number;
  minimum?: number;
  properties?: Record<string, Schema>;
  required?: string[];
  definitions?: Record<string, Schema>;
}

export type Version = 'ocpp1.6' | 'ocpp2.0.1' | 'ocpp2.1';

/** The schemas of a version's messages under one sort of name: `urn:Reset.req`, `urn:Reset.conf`. */
export function schemasOf(version: Version): Schema[] {
  const library = dirname(createRequire(import.meta.url).resolve('ocpp-rpc'));
  const file = join(library, 'lib', 'schemas', `${version.replaceAll('.', '_')}.json`);
  const schemas = JSON.parse(readFileSync(file, 'utf8'), withoutNoise) as Schema[];
  return schemas.map((schema) => ({
    ...schema,
    $id: schema.$id?.replace(/(?<!\.)Request$/, '.req').replace(/(?<!\.)Response$/, '.conf') ?? '',
  }));
}

/** The names of a version's messages. */
export function actionsOf(version: Version): string[] {
  return schemasOf(version).flatMap(({ $id }) => /^urn:(.+)\.req$/.exec($id ?? '')?.[1] ?? []);
}

/** The least payload that a schema takes. */
export function leastPayload(schema: Schema, root: Schema = schema): unknown {
  if (schema.$ref !== undefined) {
    const found = root.definitions?.[schema.$ref.split('/').at(-1) ?? ''];
    return found && leastPayload(found, root);
  }
  if (schema.enum) return schema.enum[0];
  switch (schema.type) {
    case 'object': {
      const required = schema.required ?? [];
      return Object.fromEntries(required.map((name) => [name, leastPayload(schema.properties?.[name] ?? {}, root)]));
    }
    case 'array':
      return Array.from({ length: schema.minItems ?? 0 }, () => leastPayload(schema.items ?? {}, root));
    case 'integer':
    case 'number':
      return schema.minimum ?? 1;
    case 'boolean':
      return true;
    default:
      if (schema.format === 'date-time') return '2030-01-01T00:00:00Z';
      return schema.format === 'uri' ? 'http://127.0.0.1:1/file' : 'x';
  }
}

/** Words of 2.1 have a keyword that is of objects only, of which the validator would warn at each. */
function withoutNoise(_key: string, value: unknown): unknown {
  if (typeof value === 'object' && value !== null && 'enum' in value)
    Reflect.deleteProperty(value, 'additionalProperties');
  return value;
}
