import { cursor, get, IDENTITY, LIMIT, object, orNull, page, text, whole } from './openapi-shapes.ts';

const flag = (description: string) => ({ type: 'boolean', description });
const TRANSACTION_ID = {
  oneOf: [{ type: 'integer' }, { type: 'string' }],
  description: 'OCPP 1.6: as the gateway assigned it. OCPP 2.x: as the charger chose it.',
};
const TRANSACTION = object({
  charger: text('OCPP identity.'),
  cursor: text('Its place in the record.'),
  transactionId: {
    oneOf: [{ type: 'integer' }, { type: 'string' }],
    description: 'OCPP 1.6: as the gateway assigned it. OCPP 2.x: as the charger chose it.',
  },
  connector: orNull(whole('OCPP connectorId, of 2.x the EVSE; null where it is not known.')),
  idTagStatus: orNull(text('What the idTag was answered; the idTag itself is never shown.')),
  meterStartWh: orNull(whole('Register at the start, Wh; null where none was told.')),
  startedAt: orNull(whole('Unix seconds; null where nothing of its beginning is on record.')),
  missingMessages: orNull(whole('OCPP 2.x: messages of it that never came, by their numbers; null in OCPP 1.6.')),
  stop: orNull(
    object({
      meterStopWh: orNull(whole('Register at the end, Wh; null where none was told.')),
      stoppedAt: whole('Unix seconds.'),
      reason: text('OCPP 1.6 reason.'),
    }),
  ),
});

const RESULT = object({
  verdict: text('Done, Refused, Running, CannotKnow or Unusable.'),
  reason: text('Why, where it is neither done nor running.'),
  stop: text('Why it ended.'),
  connector: whole('OCPP connectorId, of 2.x the EVSE.'),
  energyWh: whole('Energy delivered, Wh.'),
  startedAt: whole('Unix seconds.'),
  endedAt: whole('Unix seconds; 0 if it has not ended.'),
  idleSec: whole('Seconds plugged in without charging.'),
  idTagCommitment: text('Commitment of the card that opened it; all zero if a contract did.'),
  evidence: text('Hash of the charger events this rests on.'),
});
const SESSION = {
  sessionId: text('Id on chain, 32 bytes as 0x-hex.'),
  openedBy: orNull(text('contract or card; null where no start is on record.')),
  asOf: whole('Up to when the record of its gateway goes, Unix seconds.'),
  result: orNull(RESULT),
};
const RESERVATION = object({
  reservationId: whole('As its manager chose it.'),
  connector: orNull(whole('0 for any of the charger; null where its beginning is not on record.')),
  state: text('Active, Used, Expired, Removed, NoTransaction or Cancelled.'),
  reservedAt: orNull(whole('Unix seconds; null where its beginning is not on record.')),
  until: orNull(whole('When it ends by itself, Unix seconds.')),
  endedAt: orNull(whole('Unix seconds; null while it is active.')),
  transactionId: orNull(TRANSACTION_ID),
});
const VARIABLE = object({
  key: text('OCPP 1.6: the key. OCPP 2.x: component and variable, with instances and place.'),
  attribute: text('Actual, Target, MinSet or MaxSet; of OCPP 1.6 always Actual.'),
  value: orNull(text('As the charger told it; null where it told none, or where it may be a secret.')),
  isSecret: flag('Whether a value is left out because it may be a secret.'),
  mutability: orNull(text('ReadOnly, WriteOnly or ReadWrite.')),
  observedAt: whole('When it was told, Unix seconds.'),
});
const STATE = orNull(
  object({
    status: text('In the words of OCPP 2.x.'),
    requestId: orNull(whole('Of the request it is about.')),
    observedAt: whole('When it was told, Unix seconds.'),
  }),
);
const BOOT = object({
  vendor: text('As the charger names it.'),
  model: text('As the charger names it.'),
  firmware: orNull(text('Version that runs.')),
  registration: text('What the gateway answered.'),
  observedAt: whole('When it told, Unix seconds.'),
});
const SECURITY_EVENT = object({
  cursor: text('Its place in the record.'),
  event: text('OCPP security event.'),
  reportedAt: orNull(whole("By the charger's clock, Unix seconds.")),
  clock: text('sound, late, skewed or missing.'),
  observedAt: whole('When its gateway received it, Unix seconds.'),
});

const STATE_PARAMETER = {
  name: 'state',
  in: 'query',
  schema: { type: 'string', enum: ['any', 'open', 'ended'], default: 'any' },
  description: 'Those without an end on record, or with one.',
};
const id = (name: string, description: string) => ({
  ...{ name, in: 'path', required: true, description },
  schema: { type: 'string', pattern: '^0x[0-9a-fA-F]{64}$' },
});
const LIMIT_20 = { name: 'limit', in: 'query', schema: { type: 'integer', minimum: 1, maximum: 20, default: 20 } };

/** What chargers did and what they tell of themselves. */
export const RECORD_PATHS = {
  '/v1/chargers/{identity}/transactions': get(
    "A charger's OCPP transactions, the latest first. A page may hold fewer than its limit and go on.",
    [IDENTITY, LIMIT, cursor('before'), STATE_PARAMETER],
    page(TRANSACTION),
  ),
  '/v1/cards/{commitment}/transactions': get(
    'Transactions that began with an RFID card, by its commitment on chain; empty where the operator has no pepper.',
    [id('commitment', 'Commitment of the idTag.'), LIMIT, cursor('before'), STATE_PARAMETER],
    page(TRANSACTION),
  ),
  '/v1/chargers/{identity}/sessions': get(
    "A charger's sessions, the latest first, each as this operator would answer for it. A page may hold fewer than its limit.",
    [IDENTITY, LIMIT_20, cursor('before')],
    page(
      object({
        ...SESSION,
        transactionId: TRANSACTION_ID,
        isOpen: flag('Whether it goes on.'),
      }),
    ),
  ),
  '/v1/chargers/{identity}/sessions/{session}': get(
    "One session, by a contract's request or as a card's session is named on chain.",
    [IDENTITY, id('session', 'Id of the session on chain.')],
    object(SESSION),
  ),
  '/v1/chargers/{identity}/reservations': get(
    "A charger's reservations, the highest id first.",
    [IDENTITY, LIMIT, cursor('before')],
    page(RESERVATION),
  ),
  '/v1/chargers/{identity}/configuration': get(
    'What a charger told last of each of its variables, by key.',
    [IDENTITY, LIMIT, cursor('after')],
    page(VARIABLE),
  ),
  '/v1/chargers/{identity}/maintenance': get(
    'What a charger told last of its firmware and of what it uploads.',
    [IDENTITY],
    object({ boot: orNull(BOOT), firmware: STATE, diagnostics: STATE, log: STATE }),
  ),
  '/v1/chargers/{identity}/security-events': get(
    "A charger's security events, the latest first.",
    [IDENTITY, LIMIT, cursor('before')],
    page(SECURITY_EVENT),
  ),
};
