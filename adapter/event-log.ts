import type { Batch } from '../core/batch.ts';
import { type ChargerEvent, encodeEvent } from '../core/charger-event.ts';
import type { ChargerFact } from '../core/charger-fact.ts';
import { deriveFacts } from '../core/derive-facts.ts';
import { deviceIdOf } from '../core/identity.ts';
import { subprotocolOf, versionOf } from '../core/ocpp-version.ts';
import type { ChainedEvent, ConnectionHead } from './custody.ts';
import type { Database } from './database.ts';
import { makeProjections, PROJECTED_TABLES } from './projections.ts';

/** Writes batches and what follows from their events. All of it inside a transaction that the caller holds. */
export interface EventLog {
  addChapter: (row: { gateway: number; batch: Batch; isMissed: boolean; reason: string }) => number;
  addBatch: (row: { gateway: number; chapter: number; batch: Batch; digest: string; isLate: boolean }) => number;
  /** @returns what the events said, in order */
  addEvents: (place: BatchPlace, events: readonly ChainedEvent[]) => ChargerFact[];
  connection: (gateway: number, charger: string, epoch: number) => ConnectionHead | undefined;
  hashOf: (gateway: number, charger: string, epoch: number, seq: number) => string | undefined;
  stored: (gateway: number, generation: number, number: number) => StoredBatch | undefined;
  /** A batch on record as it travelled, JSON; with `eventHashes` for `events` where one of them is emptied. */
  batchText: (id: number) => string;
  /** Takes a gateway's batches from one on out of what answers are made of. They stay in the tables. */
  voidFrom: (gateway: number, batchId: number) => void;
  /** The last batch of a gateway that counts. */
  lastBatch: (gateway: number) => { chapter: number; watermark_ms: number } | undefined;
  forget: () => void;
}

export interface BatchPlace {
  gateway: number;
  account: string;
  chapter: number;
  batchId: number;
  batch: Batch;
  isLate: boolean;
}

export interface StoredBatch {
  id: number;
  digest: string;
  signature: string;
}

interface Connection extends ConnectionHead {
  id: number;
  chapter: number;
  chargerId: number;
  closedAtMs: number | null;
  /** Null where the connection's opening is not on record. */
  subprotocol: string | null;
}

const MOST_CACHED = 50_000;

export function makeEventLog(db: Database, network: string): EventLog {
  const insertChapter = db.prepare(
    'INSERT INTO chapters (gateway, generation, first_number, begins_at_ms, is_missed, reason) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const insertBatch = db.prepare(
    `INSERT INTO batches (gateway, chapter, generation, number, previous, digest, booted_at_ms, watermark_ms, is_late,
       public_key, signature, event_count) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const selectCharger = db.prepare<{ id: number }>('SELECT id FROM chargers WHERE identity = ?');
  const insertCharger = db.prepare('INSERT INTO chargers (identity, device_id) VALUES (?, ?)');
  const selectConnection = db.prepare<{
    id: number;
    chapter: number;
    charger: number;
    last_seq: number;
    last_hash: Uint8Array;
    booted_at_ms: number;
    closed_at_ms: number | null;
    subprotocol: string | null;
  }>(
    `SELECT c.id, c.chapter, c.charger, c.last_seq, c.last_hash, c.booted_at_ms, c.closed_at_ms, c.subprotocol
     FROM connections c
     JOIN chargers ON chargers.id = c.charger WHERE chargers.identity = ? AND c.epoch = ? AND c.gateway = ?
     ORDER BY c.chapter DESC LIMIT 1`,
  );
  const insertConnection = db.prepare(
    `INSERT INTO connections (charger, epoch, gateway, chapter, booted_at_ms, opened_at_ms, first_seq, last_seq, last_hash,
       subprotocol) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const updateConnection = db.prepare(
    'UPDATE connections SET last_seq = ?, last_hash = ?, closed_at_ms = ? WHERE id = ?',
  );
  const insertEvent = db.prepare(
    `INSERT INTO events (connection, seq, batch, received_at_ms, at_ms, kind, frame, reply, hash)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const project = makeProjections(db);
  const selectHash = db.prepare<{ hash: Uint8Array }>(
    `SELECT e.hash FROM connections c JOIN chargers ON chargers.id = c.charger
     JOIN events e ON e.connection = c.id AND e.seq = ?
     WHERE chargers.identity = ? AND c.epoch = ? AND c.gateway = ?`,
  );
  const selectStored = db.prepare<StoredBatch>(
    'SELECT id, digest, signature FROM batches WHERE gateway = ? AND generation = ? AND number = ? AND is_void = 0',
  );
  const selectBatch = db.prepare<Record<string, string | number>>(
    'SELECT b.*, g.account FROM batches b JOIN gateways g ON g.id = b.gateway WHERE b.id = ?',
  );
  const selectBatchEvents = db.prepare<ChargerEvent & { hash: Uint8Array; isEmptied: number }>(
    `SELECT chargers.identity AS charger, c.epoch, e.seq, e.received_at_ms AS receivedAtMs, e.kind, e.frame, e.reply,
       e.hash, e.is_emptied AS isEmptied
     FROM events e JOIN connections c ON c.id = e.connection JOIN chargers ON chargers.id = c.charger
     WHERE e.batch = ? ORDER BY e.id`,
  );
  const selectLast = db.prepare<{ chapter: number; watermark_ms: number }>(
    `SELECT chapter, watermark_ms FROM batches WHERE gateway = ? AND is_void = 0
     ORDER BY watermark_ms DESC, id DESC LIMIT 1`,
  );
  const voiding = [
    'UPDATE batches SET is_void = 1 WHERE gateway = ?1 AND id >= ?2',
    ...PROJECTED_TABLES.map(
      (
        table,
      ) => `DELETE FROM ${table} WHERE (connection, seq) IN (SELECT e.connection, e.seq FROM events e JOIN batches b
       ON b.id = e.batch WHERE b.gateway = ?1 AND b.id >= ?2)`,
    ),
    `UPDATE connections SET closed_at_ms = NULL, last_seq = (SELECT min(e.seq) - 1 FROM events e
       WHERE e.connection = connections.id AND e.batch >= ?2)
     WHERE gateway = ?1 AND id IN (SELECT connection FROM events WHERE batch >= ?2)`,
  ].map((sql) => db.prepare(sql));

  const connections = new Map<string, Connection>();
  const readConnection = (gateway: number, charger: string, epoch: number): Connection | undefined => {
    const key = `${gateway} ${epoch} ${charger}`;
    const cached = connections.get(key);
    if (cached !== undefined) return cached;
    const row = selectConnection.get(charger, epoch, gateway);
    if (row === undefined) return undefined;
    if (connections.size >= MOST_CACHED) connections.clear();
    const connection: Connection = {
      id: row.id,
      chapter: row.chapter,
      chargerId: row.charger,
      seq: row.last_seq,
      hash: Buffer.from(row.last_hash).toString('hex'),
      bootedAtMs: row.booted_at_ms,
      closedAtMs: row.closed_at_ms,
      isClosed: row.closed_at_ms !== null,
      subprotocol: row.subprotocol,
    };
    connections.set(key, connection);
    return connection;
  };
  /** The row of a connection that opens or, after a break in the gateway's record, is met again. */
  const addConnection = (
    place: BatchPlace,
    event: ChargerEvent,
    hash: Buffer,
    atMs: number,
    known: Connection | undefined,
  ): Connection => {
    const { charger, epoch, seq } = event;
    const chargerId = selectCharger.get(charger)?.id ?? insertCharger.run(charger, deviceIdOf(charger));
    const { gateway, chapter, batch } = place;
    const { bootedAtMs } = batch;
    const subprotocol = (event.kind === 'open' ? subprotocolOf(event.frame) : known?.subprotocol) ?? null;
    const id = insertConnection.run(chargerId, epoch, gateway, chapter, bootedAtMs, atMs, seq, seq, hash, subprotocol);
    const added = { id, chapter, chargerId, seq, hash: '', bootedAtMs, closedAtMs: null, isClosed: false, subprotocol };
    connections.set(`${gateway} ${epoch} ${charger}`, added);
    return added;
  };

  return {
    addChapter: ({ gateway, batch, isMissed, reason }) =>
      insertChapter.run(gateway, batch.generation, batch.number, batch.watermarkMs, isMissed ? 1 : 0, reason),
    addBatch: ({ gateway, chapter, batch, digest, isLate }) =>
      insertBatch.run(
        gateway,
        chapter,
        batch.generation,
        batch.number,
        batch.previous,
        digest,
        batch.bootedAtMs,
        batch.watermarkMs,
        isLate ? 1 : 0,
        batch.publicKey,
        batch.signature,
        batch.events.length,
      ),
    addEvents: (place, events) => {
      const touched = new Set<Connection>();
      const facts: ChargerFact[] = [];
      for (const { event, hash } of events) {
        const atMs = place.isLate ? place.batch.watermarkMs : event.receivedAtMs;
        const hashBytes = Buffer.from(hash, 'hex');
        const known = readConnection(place.gateway, event.charger, event.epoch);
        const connection =
          known?.chapter === place.chapter ? known : addConnection(place, event, hashBytes, atMs, known);
        const { id, chargerId, subprotocol } = connection;
        const { seq, receivedAtMs, kind, frame, reply } = event;
        insertEvent.run(id, seq, place.batchId, receivedAtMs, atMs, kind, frame, reply, hashBytes);
        connection.seq = seq;
        connection.hash = hash;
        if (kind === 'close') {
          connection.closedAtMs = atMs;
          connection.isClosed = true;
        }
        touched.add(connection);
        for (const fact of deriveFacts(event, versionOf(subprotocol))) {
          facts.push(fact);
          project(fact, { charger: chargerId, epoch: event.epoch, connection: id, seq, atMs, receivedAtMs }, event);
        }
      }
      for (const { seq, hash, closedAtMs, id } of touched) {
        updateConnection.run(seq, Buffer.from(hash, 'hex'), closedAtMs, id);
      }
      return facts;
    },
    connection: readConnection,
    hashOf: (gateway, charger, epoch, seq) => {
      const row = selectHash.get(seq, charger, epoch, gateway);
      return row === undefined ? undefined : Buffer.from(row.hash).toString('hex');
    },
    stored: (gateway, generation, number) => selectStored.get(gateway, generation, number),
    batchText: (id) => {
      const row = selectBatch.get(id) ?? {};
      const events = selectBatchEvents.all(id);
      const isWhole = events.every(({ isEmptied }) => isEmptied === 0);
      return JSON.stringify({
        network,
        gateway: row.account,
        generation: row.generation,
        number: row.number,
        previous: row.previous,
        bootedAtMs: row.booted_at_ms,
        watermarkMs: row.watermark_ms,
        ...(isWhole
          ? { events: events.map(encodeEvent) }
          : { eventHashes: events.map((event) => Buffer.from(event.hash).toString('hex')) }),
        publicKey: row.public_key,
        signature: row.signature,
      });
    },
    voidFrom: (gateway, batchId) => {
      for (const statement of voiding) statement.run(gateway, batchId);
      connections.clear();
    },
    lastBatch: (gateway) => selectLast.get(gateway),
    forget: () => connections.clear(),
  };
}
