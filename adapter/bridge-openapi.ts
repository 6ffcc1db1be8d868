import { COMMAND_QUERIES } from '../core/request-approval.ts';
import { EVIDENCE_QUERIES } from './evidence.ts';

const text = (description: string) => ({ type: 'string', description });
const whole = (description: string) => ({ type: 'integer', minimum: 0, description });
const bytes32 = (description: string) => ({ type: 'string', pattern: '^0x[0-9a-fA-F]{64}$', description });
/** One value, or a list in its place: then `result` is a list too. Lists make 50 questions at most together. */
const orList = (schema: object) => ({
  oneOf: [schema, { type: 'array', items: schema, minItems: 1, maxItems: 50 }],
});
const when = whole('As of when it is asked, Unix seconds.');
const DEVICE = orList(bytes32("keccak256 of the charger's OCPP identity."));

/** The parameters of each endpoint of the bridge; whole numbers may be decimal text too. */
const ENDPOINTS: Readonly<Record<string, Record<string, object>>> = {
  'charger-status': {
    deviceId: DEVICE,
    connector: orList(whole('OCPP connectorId; 0 is the station.')),
    asOf: orList(when),
  },
  'meter-reading': { deviceId: DEVICE, connector: orList(whole('OCPP connectorId.')), asOf: orList(when) },
  uptime: {
    deviceId: DEVICE,
    from: orList(whole('Unix seconds.')),
    to: orList(whole('Unix seconds.')),
    asOf: orList(when),
  },
  'session-result': { deviceId: DEVICE, sessionId: orList(bytes32('Id of the session.')), asOf: orList(when) },
  ...Object.fromEntries(
    COMMAND_QUERIES.map((name) => [
      name,
      {
        requestId: bytes32("The ledger's request."),
        deviceId: bytes32("keccak256 of the charger's OCPP identity."),
        params: text('As the ledger has them, 0x-hex.'),
        asOf: when,
      },
    ]),
  ),
};

const questionOf = ([name, properties]: [string, Record<string, object>]) => ({
  type: 'object',
  title: name,
  required: Object.keys(properties),
  properties: { endpoint: { const: name }, ...properties },
});
const ENDED = {
  type: 'object',
  title: 'ended-sessions',
  properties: { endpoint: { const: 'ended-sessions' }, step: { enum: ['ask', 'pay'], default: 'ask' } },
};
const EXPIRED = {
  type: 'object',
  title: 'expired-requests',
  properties: { endpoint: { const: 'expired-requests' } },
};

const AVAILABILITY = {
  type: 'object',
  title: 'availability-list',
  properties: {
    endpoint: { const: 'availability-list' },
    row: whole("Row of a cell of the factory's map, with `column`; without both, all chargers on record."),
    column: whole('Column of the cell.'),
    after: bytes32('`next` of a page.'),
    asOf: when,
  },
};
const EVIDENCE = {
  type: 'object',
  title: 'evidence',
  required: ['deviceId', 'asOf'],
  properties: {
    endpoint: { const: 'evidence' },
    query: {
      enum: EVIDENCE_QUERIES,
      default: 'session-result',
      description: 'Whose answer it is the evidence of; that endpoint says which of the others it needs.',
    },
    deviceId: bytes32("keccak256 of the charger's OCPP identity."),
    sessionId: bytes32('Id of the session.'),
    connector: whole('OCPP connectorId, of 2.x the EVSE.'),
    requestId: bytes32('Of what was asked of the charger.'),
    params: text('That, as the chain has it, 0x-hex.'),
    from: when,
    to: when,
    asOf: when,
    offset: whole('`next` of the part before, bytes.'),
  },
};

const SUCCESS = {
  type: 'object',
  required: ['jobRunID', 'statusCode', 'result', 'data', 'timestamps'],
  properties: {
    jobRunID: text('As `id` of the question.'),
    statusCode: { const: 200 },
    result: { description: 'ABI-encoded, 0x-hex; where a parameter was a list, a list of that.' },
    data: {
      type: 'object',
      description:
        'The result again, and what it says in plain fields; where a parameter was a list, `results`: pairs of `{id, data}`, ' +
        'the question alone, and its result.',
    },
    timestamps: {
      type: 'object',
      properties: {
        providerDataRequestedUnixMs: whole('When the question came.'),
        providerDataReceivedUnixMs: whole('When it was answered.'),
        providerIndicatedTimeUnixMs: whole('The time it is about.'),
      },
    },
  },
};
const PENDING = {
  type: 'object',
  required: ['jobRunID', 'pending'],
  properties: { jobRunID: text('As `id` of the question.'), pending: { const: true } },
};
const ERROR = {
  type: 'object',
  required: ['jobRunID', 'status', 'statusCode', 'error'],
  properties: {
    jobRunID: text('As `id` of the question.'),
    status: { const: 'errored' },
    statusCode: { type: 'integer', description: 'The same as the HTTP status.' },
    error: {
      type: 'object',
      required: ['name', 'message'],
      properties: { name: text('Code of the error.'), message: text('What was wrong.') },
    },
  },
};

const json = (description: string, schema: object) => ({
  description,
  content: { 'application/json': { schema } },
});

/** The bridge in terms of OpenAPI 3.1: what a job node asks. */
export const BRIDGE_PATHS = {
  '/': {
    post: {
      summary: "Chainlink's external adapter protocol.",
      security: [{ bridgeToken: [] }],
      requestBody: {
        required: true,
        ...json('A question; not over 65,536 bytes.', {
          type: 'object',
          properties: {
            id: text("The node's id of the run; 1 if there is none."),
            endpoint: text(
              'Here or in `data`; in any case of letters, with -, _ or spaces; charger-status if not given.',
            ),
            data: { oneOf: [...Object.entries(ENDPOINTS).map(questionOf), AVAILABILITY, EVIDENCE, ENDED, EXPIRED] },
            responseURL: text(
              'For commands: where the answer is sent later, once, by PATCH with exactly one of `value` and `error`.',
            ),
          },
        }),
      },
      responses: {
        200: json('The answer, not over 32,768 bytes; or that it is sent later.', { oneOf: [SUCCESS, PENDING] }),
        400: json('The question is wrong; the message names the field.', ERROR),
        401: json('Wrong or missing bridge token.', ERROR),
        404: json('No such endpoint.', ERROR),
        409: json('The chain showed another request under this id before.', ERROR),
        429: json('Too many questions; `Retry-After` says when to come again.', ERROR),
        503: json('Chain, Redis or database is away, or too many questions wait.', ERROR),
        504: json('This operator does not know (yet).', ERROR),
      },
    },
  },
};

export const BRIDGE_SECURITY = { bridgeToken: { type: 'http', scheme: 'bearer' } };
