import type { ChargerEvent } from '../core/charger-event.ts';
import type { ChargerFact, TransactionId } from '../core/charger-fact.ts';
import { type Known, presenceAt } from '../core/charger-status.ts';
import { deriveFacts } from '../core/derive-facts.ts';
import { versionOf } from '../core/ocpp-version.ts';
import { isAfter, type PlaceAt } from '../core/place.ts';
import { sessionTag } from '../core/request-approval.ts';
import { inOrder, type ShownEvent } from '../core/session-opening.ts';
import type { SessionEvent, SessionRecordAt, StartEvent, StopEvent } from '../core/session-result.ts';
import { SESSION_STOP_CAUSES, stopCauseOf, stopMessagePrefix } from '../core/session-stop.ts';
import { startedTag } from '../core/started-tag.ts';
import type { Database } from './database.ts';
import { tagHash } from './projections.ts';
import { pruned } from './pruned.ts';
import type { RecordReader } from './record-reader.ts';

/** Most events that one session's result may rest on: they are read in one go, and nothing else is done meanwhile. */
const MOST_EVENTS = 20_000;

interface EventRow extends Pick<ChargerEvent, 'kind' | 'frame' | 'reply'> {
  epoch: number;
  account: string;
  chapter: number;
  atMs: number;
  seq: number;
  receivedAtMs: number;
  hash: Uint8Array;
  /** Null where the connection's opening is not on record. */
  subprotocol: string | null;
  isEmptied: number;
}

const COLUMNS = `c.epoch, g.account, c.chapter, e.at_ms AS atMs, e.seq, e.received_at_ms AS receivedAtMs, e.kind, e.frame,
  e.reply, e.hash, c.subprotocol, e.is_emptied AS isEmptied`;
const EVENT = `JOIN events e ON e.connection = t.connection AND e.seq = t.seq
  JOIN connections c ON c.id = t.connection JOIN gateways g ON g.id = c.gateway`;

/**
 * Reads sessions of a charger as of a time. Reading one throws DevsenError `PRUNED` where it rests on a message whose text
 * is deleted.
 *
 * @param commitmentOf - the network's commitment of an idTag; undefined if its pepper is not known
 */
export function makeSessionReader(
  db: Database,
  reader: Pick<RecordReader, 'at'>,
  commitmentOf: (idTag: string) => string | undefined,
) {
  const selectCharger = db.prepare<{ id: number }>('SELECT id FROM chargers WHERE device_id = ?');
  const selectBySession = db.prepare<EventRow>(
    `SELECT ${COLUMNS} FROM transaction_events t ${EVENT} WHERE t.session_id = ? AND t.charger = ? AND t.at_ms <= ?`,
  );
  const selectByTag = db.prepare<EventRow>(
    `SELECT ${COLUMNS} FROM transaction_events t ${EVENT} WHERE t.charger = ? AND t.tag_hash = ? AND t.at_ms <= ?`,
  );
  const selectOfTransaction = db.prepare<EventRow>(
    `SELECT ${COLUMNS} FROM transaction_events t ${EVENT}
     WHERE t.charger = ? AND t.transaction_id = ? AND t.at_ms <= ?`,
  );
  const selectConnections = db.prepare<{ id: number; epoch: number }>(
    'SELECT id, epoch FROM connections WHERE charger = ? AND epoch BETWEEN ? AND ? AND opened_at_ms <= ?',
  );
  const told = (
    table: string,
    key = 't.connector = ?2',
  ) => `SELECT t.seq FROM ${table} t WHERE t.charger = ?1 AND ${key}
    AND t.epoch = ?3 AND t.connection = ?4 AND t.at_ms BETWEEN ?5 AND ?6`;
  const selectTold = db.prepare<EventRow>(
    `SELECT ${COLUMNS} FROM events e JOIN connections c ON c.id = e.connection JOIN gateways g ON g.id = c.gateway
     WHERE e.connection = ?4 AND e.seq IN (${told('readings')} UNION ${told('signed_values')} UNION ${told('statuses')}
       UNION ${told('transaction_messages', "t.transaction_id = ?8 AND t.kind = 'updated'")}) LIMIT ?7`,
  );

  const selectConnectors = db.prepare<PlaceAt & { connector: number }>(
    `SELECT t.connector, t.epoch, g.account AS gateway, c.chapter, t.at_ms AS atMs, t.seq FROM transaction_messages t
     JOIN connections c ON c.id = t.connection JOIN gateways g ON g.id = c.gateway
     WHERE t.charger = ? AND t.transaction_id = ? AND t.connector IS NOT NULL AND t.at_ms <= ?`,
  );
  const selectGatewayStops = db.prepare<EventRow & { messageId: string }>(
    `SELECT ${COLUMNS}, t.message_id AS messageId FROM command_answers t ${EVENT}
     WHERE t.charger = ? AND t.message_id >= ? AND t.message_id < ? AND t.at_ms BETWEEN ? AND ?`,
  );

  return (deviceId: string, sessionId: string, atMs: number): SessionRecordAt => {
    const charger = selectCharger.get(deviceId)?.id ?? 0;
    const at = reader.at(deviceId, atMs);
    const rowOf = new WeakMap<SessionEvent, EventRow>();
    const eventOf = <Fact extends ChargerFact>(row: EventRow): SessionEvent<Fact> => {
      if (row.isEmptied === 1) throw pruned();
      const { epoch, account: gateway, chapter, seq, receivedAtMs } = row;
      const hash = `0x${Buffer.from(row.hash).toString('hex')}`;
      // Messages that tell of several connectors are none of a transaction; any other has one fact.
      const [fact] = deriveFacts(row, versionOf(row.subprotocol)) as readonly [Fact];
      const event = { gateway, chapter, epoch, atMs: row.atMs, seq, receivedAtMs, hash, fact };
      rowOf.set(event, row);
      return event;
    };
    /** Without what is deleted and lies before a break in its gateway's record, so that it does not count anyway. */
    const counted = (rows: EventRow[]) =>
      rows.filter((row) => row.isEmptied === 0 || at.gateway(row.account).chapter === row.chapter);
    const byCard = selectBySession.all(sessionId, charger, atMs);
    const rows = byCard.length > 0 ? byCard : selectByTag.all(charger, tagHash(sessionTag(sessionId)), atMs);

    const messagesOf = (transactionId: TransactionId): ShownEvent[] =>
      counted(selectOfTransaction.all(charger, String(transactionId), atMs)).map((row) =>
        eventOf<ShownEvent['fact']>(row),
      );
    /** OCPP 2.x may tell the EVSE after the start. */
    const connectorAfter = (from: StartEvent): number | undefined => {
      const told = selectConnectors
        .all(charger, from.fact.transactionId, atMs)
        .filter((row) => at.gateway(row.gateway).chapter === row.chapter && !isAfter(from, row));
      return inOrder(told)[0]?.connector;
    };
    const toldBetween: SessionRecordAt['told'] = (from, to): Known<SessionEvent[]> => {
      const { transactionId } = from.fact;
      const connector = from.fact.connector ?? connectorAfter(from) ?? -1;
      const toMs = Math.min(to?.atMs ?? atMs, atMs);
      const events: SessionEvent[] = [];
      for (const { id, epoch } of selectConnections.all(charger, from.epoch, to?.epoch ?? LAST_EPOCH, toMs)) {
        const room = MOST_EVENTS + 1 - events.length;
        const rows = selectTold.all(charger, connector, epoch, id, from.atMs, toMs, room, transactionId);
        events.push(...counted(rows).map((row) => eventOf(row)));
        if (events.length > MOST_EVENTS) return { isKnown: false, reason: 'the session has too many events' };
      }
      return { isKnown: true, answer: events };
    };
    return {
      startedBy: rows.length === 0 ? undefined : byCard.length > 0 ? 'card' : 'contract',
      shown: () => counted(rows).map((row) => eventOf<ShownEvent['fact']>(row)),
      messagesOf,
      stopsOf: (transactionId) => messagesOf(transactionId).filter(isStop),
      told: toldBetween,
      gatewayStops: (from, to) =>
        SESSION_STOP_CAUSES.flatMap((cause) => {
          const first = stopMessagePrefix(cause, sessionId);
          // '/' comes right after the '.' that the ids have before their number.
          const rows = selectGatewayStops.all(charger, first, `${first.slice(0, -1)}/`, from.atMs, to.atMs);
          const own = rows.filter(({ messageId }) => stopCauseOf(messageId, sessionId) === cause);
          return counted(own).map((row) => ({ ...eventOf(row), cause }));
        }),
      commitmentOf: (shown) => {
        const row = rowOf.get(shown);
        const tag = row && startedTag(row);
        return tag === undefined ? undefined : commitmentOf(tag);
      },
      presence: () => presenceAt(at, atMs),
      gateway: at.gateway,
      missedUntilMs: at.missedUntilMs,
    };
  };
}

function isStop(event: ShownEvent): event is StopEvent {
  return event.fact.kind === 'transaction-stopped';
}

/** Epochs are drawn from a clock, Unix ms. */
const LAST_EPOCH = Number.MAX_SAFE_INTEGER;

export type SessionReader = ReturnType<typeof makeSessionReader>;
