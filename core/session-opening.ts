import type { ChargerFact } from './charger-fact.ts';
import { isAfter, type PlaceAt } from './place.ts';
import type { SessionEvent, SessionRecordAt, StartEvent } from './session-result.ts';
import { beginRegister } from './transaction20.ts';

/**
 * A message of a transaction that can show an idTag: in OCPP 1.6 only its start. In 2.x a car may be plugged in before
 * anybody shows a card: then the idToken comes in a later message, the last of them at worst.
 */
export type ShownFact = Extract<
  ChargerFact,
  { kind: 'transaction-started' | 'transaction-updated' | 'transaction-stopped' }
>;
export type ShownEvent = SessionEvent<ShownFact>;

export interface Beginning {
  /** Where the transaction began, with what the session's tag was answered. */
  start: StartEvent;
  /** Whether the transaction's own start is on record; else `start` is made of the message that showed the tag. */
  isTold: boolean;
}

/** The message by which a session opened: the first that showed its tag and was accepted, else the first that showed it. */
export function openingOf(shown: readonly ShownEvent[]): ShownEvent | undefined {
  return shown.find(({ fact }) => fact.outcome === 'Accepted') ?? shown[0];
}

/**
 * Where the transaction of a session began.
 *
 * A transaction has one session, that of the idTag which was accepted in it first: another card that is shown later, to
 * end it for instance, opens none. A charger that got no answer tells a start again: the first telling counts.
 *
 * @param isIts - whether a message is one that shows the session's tag
 * @returns undefined if the transaction is another session's
 */
export function beginningOf(
  record: Pick<SessionRecordAt, 'messagesOf'>,
  opening: ShownEvent,
  isIts: (event: ShownEvent) => boolean,
  counts: (event: PlaceAt) => boolean,
): Beginning | undefined {
  const { fact } = opening;
  const messages = inOrder([...record.messagesOf(fact.transactionId)].filter(counts));
  const first = messages.find((message) => message.fact.outcome === 'Accepted');
  if (first !== undefined && !isIts(first)) return undefined;
  if (fact.kind === 'transaction-started') return { start: { ...opening, fact }, isTold: true };
  for (const message of messages) {
    if (message.fact.kind !== 'transaction-started' || isAfter(message, opening)) continue;
    return { start: { ...message, fact: { ...message.fact, outcome: fact.outcome } }, isTold: true };
  }
  return { start: { ...opening, fact: madeStart(fact) }, isTold: false };
}

export function inOrder<Event extends PlaceAt>(events: Event[]): Event[] {
  return events.sort((one, other) => (isAfter(one, other) ? 1 : -1));
}

/** A start made of a later message: of a charger that lost it, because it was offline for too long. */
function madeStart(fact: Exclude<ShownFact, { kind: 'transaction-started' }>): StartEvent['fact'] {
  const { connector, transactionId, outcome, samples } = fact;
  const register = beginRegister(samples);
  const toldAt = fact.kind === 'transaction-updated' ? fact.updatedAt : fact.stoppedAt;
  return {
    kind: 'transaction-started',
    ...(connector === undefined ? {} : { connector }),
    transactionId,
    ...(register === undefined ? {} : { meterStartWh: register.registerWh }),
    startedAt: register?.takenAt ?? toldAt,
    outcome,
    // Those of the end are looked at as the end's.
    samples: fact.kind === 'transaction-updated' ? samples : [],
    ...(fact.detail === undefined ? {} : { detail: fact.detail }),
  };
}
