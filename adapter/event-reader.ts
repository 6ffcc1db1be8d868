import type { ChargerEvent } from '../core/charger-event.ts';
import type { ChargerFact, MeterSample } from '../core/charger-fact.ts';
import { deriveFacts } from '../core/derive-facts.ts';
import { versionOf } from '../core/ocpp-version.ts';
import type { Database } from './database.ts';

/** An event as anybody may see it: what it says, without the frame, which may hold an idTag. */
export interface PublicEvent {
  /** Its place in this operator's record; grows. */
  cursor: number;
  charger: string;
  epoch: number;
  seq: number;
  /** When the gateway received it, Unix ms. */
  receivedAtMs: number;
  /** Since when it counts, Unix ms: later than it was received if it came after a silence of its gateway. */
  countsFromMs: number;
  /** Hash in its connection's chain, which the proof of the event shows. */
  hash: string;
  batch: { gateway: string; generation: number; number: number };
  facts: ChargerFact[];
  /** There where what it said is deleted for its age. */
  isPruned?: true;
}

interface EventRow extends Pick<ChargerEvent, 'kind' | 'frame' | 'reply'> {
  id: number;
  charger: string;
  epoch: number;
  seq: number;
  received_at_ms: number;
  at_ms: number;
  hash: Uint8Array;
  subprotocol: string | null;
  is_emptied: number;
  account: string;
  generation: number;
  number: number;
}

const SELECT = `SELECT e.id, h.identity AS charger, c.epoch, e.seq, e.received_at_ms, e.at_ms, e.kind, e.frame, e.reply,
  e.hash, e.is_emptied, c.subprotocol, g.account, b.generation, b.number
  FROM events e JOIN connections c ON c.id = e.connection JOIN chargers h ON h.id = c.charger
  JOIN batches b ON b.id = e.batch JOIN gateways g ON g.id = b.gateway WHERE b.is_void = 0`;

/** Reads events in the order in which they came on record. */
export function makeEventReader(db: Database) {
  const selectAfter = db.prepare<EventRow>(`${SELECT} AND e.id > ? ORDER BY e.id LIMIT ?`);
  const selectConnections = db.prepare<{ id: number; epoch: number }>(
    `SELECT c.id, c.epoch FROM connections c JOIN chargers h ON h.id = c.charger
     WHERE h.identity = ? AND (c.epoch, c.id) <= (?, ?) ORDER BY c.epoch DESC, c.id DESC`,
  );
  const selectOfConnection = db.prepare<EventRow>(
    `${SELECT} AND e.connection = ? AND e.seq < ? ORDER BY e.seq DESC LIMIT ?`,
  );
  const selectOne = db.prepare<EventRow>(`${SELECT} AND e.connection = ? AND e.seq = ?`);
  const selectLast = db.prepare<{ id: number | null }>('SELECT max(id) AS id FROM events');

  return {
    /** Events that came on record after one, the earliest first. */
    after: (cursor: number, limit: number): PublicEvent[] => selectAfter.all(cursor, limit).map(asPublic),
    /** What one event says, in public words, by the row of its connection; nothing where that is deleted. */
    factsAt: (connection: number, seq: number): { fact: ChargerFact; receivedAtMs: number }[] =>
      selectOne
        .all(connection, seq)
        .flatMap((row) => asPublic(row).facts.map((fact) => ({ fact, receivedAtMs: row.received_at_ms }))),
    last: (): number => selectLast.get()?.id ?? 0,
    /** A charger's events before a place in its connections, the latest first; `place` is the next page's. */
    ofCharger: (identity: string, before: EventPlace, limit: number): { events: PublicEvent[]; place?: EventPlace } => {
      const events: PublicEvent[] = [];
      for (const { id, epoch } of selectConnections.all(identity, before[0], before[1])) {
        const isFirst = epoch === before[0] && id === before[1];
        const seqBefore = isFirst ? before[2] : Number.MAX_SAFE_INTEGER;
        events.push(...selectOfConnection.all(id, seqBefore, limit - events.length).map(asPublic));
        const last = events.at(-1);
        if (events.length === limit && last !== undefined) return { events, place: [epoch, id, last.seq] };
      }
      return { events };
    },
  };
}

/** Epoch, row of the connection, seq. */
export type EventPlace = readonly [epoch: number, connection: number, seq: number];

function asPublic(row: EventRow): PublicEvent {
  const isPruned = row.is_emptied === 1;
  const facts = isPruned ? [] : deriveFacts({ ...row, receivedAtMs: row.received_at_ms }, versionOf(row.subprotocol));
  return {
    cursor: row.id,
    charger: row.charger,
    epoch: row.epoch,
    seq: row.seq,
    receivedAtMs: row.received_at_ms,
    countsFromMs: row.at_ms,
    hash: Buffer.from(row.hash).toString('hex'),
    batch: { gateway: row.account, generation: row.generation, number: row.number },
    facts: facts.map(asPublicFact),
    ...(isPruned ? { isPruned } : {}),
  };
}

/** A record that a meter signed may name who charged: it is left out, as is a charger's serial number. */
function asPublicFact(fact: ChargerFact): ChargerFact {
  if (fact.kind === 'boot') {
    const { serial: _, ...rest } = fact;
    return rest;
  }
  if (!('samples' in fact) || fact.samples === undefined) return fact;
  return { ...fact, samples: fact.samples.map(asPublicSample) };
}

function asPublicSample(sample: MeterSample): MeterSample {
  return sample.reading.kind === 'signed' ? { ...sample, reading: { kind: 'signed', data: '' } } : sample;
}

export type EventReader = ReturnType<typeof makeEventReader>;
