import { RECORD_PATHS } from './openapi-record.ts';
import { cursor, get, IDENTITY, LIMIT, object, orNull, page, text, whole } from './openapi-shapes.ts';

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

const GATEWAY = object({
  account: text('Account in UserDEVSEN.'),
  isFollowed: { type: 'boolean', description: 'Whether its record goes on here without a break.' },
  toldUpTo: whole('Its last watermark, Unix seconds.'),
  isConvicted: { type: 'boolean', description: 'Whether it signed batches that contradict each other.' },
});
const EVENT = object({
  cursor: whole("Its place in this operator's record; grows."),
  charger: text('OCPP identity.'),
  epoch: whole('Connection; grows with each of the charger.'),
  seq: whole('Place in the connection, from 0.'),
  receivedAtMs: whole('When the gateway received it, Unix ms.'),
  countsFromMs: whole('Since when it counts, Unix ms: later if it came after a silence of its gateway.'),
  hash: text("Hash in its connection's chain."),
  batch: object({
    gateway: text('Account of the gateway that signed it.'),
    generation: whole("Chain of batches it is in: Unix ms of the chain's beginning."),
    number: whole('Place of its batch in that chain.'),
  }),
  facts: { type: 'array', items: { type: 'object' }, description: 'What it says, in Wh, W, A, V and s; no idTag.' },
  isPruned: { type: 'boolean', description: 'There, and true, where what it said is deleted for its age.' },
});

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
    '/v1/gateways': get('Gateways on record.', [], object({ items: { type: 'array', items: GATEWAY } })),
    '/v1/chargers/{identity}/events': get(
      "A charger's events, the latest connection first, the latest first in each.",
      [IDENTITY, LIMIT, cursor('before')],
      page(EVENT),
    ),
    '/v1/changes': get(
      'Events as they come on record, as server-sent events: `id` is the cursor, `data` this as JSON.',
      [
        { name: 'charger', in: 'query', schema: { type: 'string' }, description: 'Those of one charger only.' },
        {
          name: 'after',
          in: 'query',
          schema: { type: 'integer' },
          description: 'Begins after this cursor; the header `Last-Event-ID` does the same.',
        },
      ],
      EVENT,
      'text/event-stream',
    ),
    '/v1/chargers/{identity}': get(
      'A charger and its connectors.',
      [IDENTITY],
      object({ ...CHARGER, connectors: { type: 'array', items: CONNECTOR } }),
    ),
    ...RECORD_PATHS,
  },
};
