import { OPENAPI } from '../../adapter/openapi.ts';

interface Schema {
  type?: string;
  description?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
  oneOf?: Schema[];
}

interface Parameter {
  name: string;
  in: string;
  description?: string;
  schema: { minimum?: number; maximum?: number; default?: number };
}

/** `docs/api.md`, as the OpenAPI document has it. */
export function apiDocument(): string {
  const parts = Object.entries(OPENAPI.paths).map(([path, { get }]) => {
    const parameters = (get.parameters as Parameter[]).map(parameterLine);
    const [schema] = Object.values(get.responses[200].content).map((content) => content.schema) as [Schema];
    const fields = fieldRows(schema, '').map(([name, type, about]) => `| \`${name}\` | ${type} | ${about} |`);
    return [
      `## GET ${path}`,
      get.summary,
      ...(parameters.length > 0 ? [parameters.join('\n')] : []),
      ['| field | type | |', '|---|---|---|', ...fields].join('\n'),
    ].join('\n\n');
  });
  const { title, description } = OPENAPI.info;
  return `${[`# ${title}`, `${description} The same as OpenAPI: \`GET /openapi.json\`.`, ...parts].join('\n\n')}\n`;
}

function parameterLine({ name, in: where, description, schema }: Parameter): string {
  const range =
    schema.maximum === undefined ? '' : ` ${schema.minimum} to ${schema.maximum}, default ${schema.default}.`;
  return `- \`${name}\` (${where})${description === undefined ? '' : `: ${description}`}${range === '' ? '' : `:${range}`}`;
}

function fieldRows(schema: Schema, prefix: string): [string, string, string][] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const inner = field.oneOf?.[0] ?? field;
    const path = `${prefix}${name}${inner.type === 'array' ? '[]' : ''}`;
    const type = (field.oneOf ?? [field]).map((one) => one.type).join(' or ');
    const nested = inner.type === 'array' ? (inner.items ?? {}) : inner;
    return [
      [path, type, field.description ?? inner.description ?? ''] as [string, string, string],
      ...fieldRows(nested, `${path}.`),
    ];
  });
}
