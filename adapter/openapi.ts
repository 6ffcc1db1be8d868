const whole = (description: string) => ({ type: 'integer', minimum: 0, description });
const text = (description: string) => ({ type: 'string', description });
const object = (properties: Record<string, object>) => ({
  type: 'object',
  required: Object.keys(properties),
  properties,
});
const orNull = (schema: object) => ({ oneOf: [schema, { type: 'null' }] });
const page = (items: object) =>
  object({ items: { type: 'array', items }, next: orNull(text('Cursor of the next page; null at the end.')) });

const CHARGER = { identity: text('OCPP identity.'), id: text('Id on chain, 32 bytes as 0x-hex.') };
const STATUS = object({
  name: text('Status as contracts see it.'),
  error: text('OCPP 1.6 error code.'),
  observedAt: whole('When it was last known, Unix seconds; 0 if never.'),
  online: { type: 'boolean', description: 'Whether the charger was connected and heard from.' },
});
const METER = object({
  registerWh: whole('Meter register, Wh.'),
  powerW: whole('Power told with it, W.'),
  observedAt: whole('When it was read, Unix seconds.'),
  signed: { type: 'boolean', description: 'Whether a record that the meter signed came with it.' },
});
const CONNECTOR = object({
  connector: whole('OCPP connectorId, of 2.x the EVSE; 0 is the station.'),
  asOf: whole('Up to when the record of its gateway goes, Unix seconds.'),
  status: orNull(STATUS),
  meter: orNull(METER),
});
const TRANSACTION = object({
  cursor: text('Its place in the record.'),
  transactionId: {
    oneOf: [{ type: 'integer' }, { type: 'string' }],
    description: 'OCPP 1.6: as the gateway assigned it. OCPP 2.x: as the charger chose it.',
  },
  connector: orNull(whole('OCPP connectorId, of 2.x the EVSE; null where it is not known.')),
  idTagStatus: orNull(text('What the idTag was answered; the idTag itself is never shown.')),
  meterStartWh: orNull(whole('Register at the start, Wh; null where none was told.')),
  startedAt: whole('Unix seconds.'),
  stop: orNull(
    object({
      meterStopWh: orNull(whole('Register at the end, Wh; null where none was told.')),
      stoppedAt: whole('Unix seconds.'),
      reason: text('OCPP 1.6 reason.'),
    }),
  ),
});

const LIMIT = { name: 'limit', in: 'query', schema: { type: 'integer', minimum: 1, maximum: 200, default: 50 } };
const IDENTITY = { name: 'identity', in: 'path', required: true, schema: { type: 'string' } };
const cursor = (name: string) => ({ name, in: 'query', schema: { type: 'string' }, description: '`next` of a page.' });

function get(summary: string, parameters: object[], schema: object) {
  const error = (description: string) => ({ description });
  return {
    get: {
      summary,
      parameters,
      responses: {
        200: { description: 'OK', content: { 'application/json': { schema } } },
        ...(parameters.length > 0 ? { 400: error('A parameter is wrong.') } : {}),
        ...(parameters.includes(IDENTITY) ? { 404: error('No such charger on record.') } : {}),
      },
    },
  };
}

/** The public read API, OpenAPI 3.1. */
export const OPENAPI = {
  openapi: '3.1.0',
  info: {
    title: "An operator's record of chargers",
    version: '1',
    description: 'What one operator has on record. Answers may be kept for a second. No idTag is shown.',
  },
  paths: {
    '/v1/chargers': get('Chargers on record, by identity.', [LIMIT, cursor('after')], page(object(CHARGER))),
    '/v1/chargers/{identity}': get(
      'A charger and its connectors.',
      [IDENTITY],
      object({ ...CHARGER, connectors: { type: 'array', items: CONNECTOR } }),
    ),
    '/v1/chargers/{identity}/transactions': get(
      "A charger's OCPP transactions, the latest first.",
      [IDENTITY, LIMIT, cursor('before')],
      page(TRANSACTION),
    ),
  },
};
