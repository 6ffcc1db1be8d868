/** The pieces of which the OpenAPI document is made. */

export const whole = (description: string) => ({ type: 'integer', minimum: 0, description });
export const text = (description: string) => ({ type: 'string', description });
export const object = (properties: Record<string, object>) => ({
  type: 'object',
  required: Object.keys(properties),
  properties,
});
export const orNull = (schema: object) => ({ oneOf: [schema, { type: 'null' }] });
export const page = (items: object) =>
  object({ items: { type: 'array', items }, next: orNull(text('Cursor of the next page; null at the end.')) });

export const LIMIT = { name: 'limit', in: 'query', schema: { type: 'integer', minimum: 1, maximum: 200, default: 50 } };
export const IDENTITY = { name: 'identity', in: 'path', required: true, schema: { type: 'string' } };
export const cursor = (name: string) => ({
  name,
  in: 'query',
  schema: { type: 'string' },
  description: '`next` of a page.',
});

/** A path that is read with GET. */
export function get(summary: string, parameters: object[], schema: object, type = 'application/json') {
  const error = (description: string) => ({ description });
  return {
    get: {
      summary,
      parameters,
      responses: {
        200: { description: 'OK', content: { [type]: { schema } } },
        ...(parameters.length > 0 ? { 400: error('A parameter is wrong.') } : {}),
        ...(parameters.includes(IDENTITY) ? { 404: error('No such charger on record.') } : {}),
      },
    },
  };
}
