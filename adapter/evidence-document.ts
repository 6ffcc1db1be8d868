import { type ChargerEventKind, encodeEvent } from '../core/charger-event.ts';
import type { EvidenceDocument } from '../core/evidence.ts';
import type { PlaceAt } from '../core/place.ts';
import type { SealedBatch } from '../core/sealed-batch.ts';
import type { Database } from './database.ts';
import { pruned } from './pruned.ts';

/** By which an event is found. */
export type EventPlaceAt = Pick<PlaceAt, 'gateway' | 'chapter' | 'epoch' | 'seq'>;

interface FoundRow {
  id: number;
  batch: number;
  identity: string;
  received_at_ms: number;
  kind: ChargerEventKind;
  frame: string;
  reply: string;
  is_emptied: number;
  previous_hash: Uint8Array | null;
}

/**
 * Puts evidence together from the record.
 *
 * @returns undefined where an event, or the one before it in its connection, is not on record
 * @throws DevsenError `PRUNED` where an event's text is deleted for its age
 */
export function makeEvidenceDocuments(db: Database) {
  const select = db.prepare<FoundRow>(
    `SELECT e.id, e.batch, h.identity, e.received_at_ms, e.kind, e.frame, e.reply, e.is_emptied,
       (SELECT p.hash FROM connections q JOIN events p ON p.connection = q.id AND p.seq = e.seq - 1
        WHERE q.charger = c.charger AND q.epoch = c.epoch AND q.gateway = c.gateway
        ORDER BY q.chapter DESC LIMIT 1) AS previous_hash
     FROM chargers h JOIN connections c ON c.charger = h.id JOIN gateways g ON g.id = c.gateway
     JOIN events e ON e.connection = c.id JOIN batches b ON b.id = e.batch
     WHERE h.device_id = ? AND c.epoch = ? AND g.account = ? AND c.chapter = ? AND e.seq = ? AND b.is_void = 0`,
  );
  const selectIds = db.prepare<{ id: number }>('SELECT id FROM events WHERE batch = ? ORDER BY id');

  return (
    deviceId: string,
    places: readonly EventPlaceAt[],
    sealed: (batch: number) => SealedBatch,
  ): EvidenceDocument | undefined => {
    const batches: SealedBatch[] = [];
    /** By row of the batch: which of the document's it is, and its events' rows. */
    const known = new Map<number, { n: number; ids: number[] }>();
    const batchOf = (id: number) => {
      const found = known.get(id) ?? { n: batches.length, ids: selectIds.all(id).map((row) => row.id) };
      if (!known.has(id)) {
        batches.push(sealed(id));
        known.set(id, found);
      }
      return found;
    };
    const events: EvidenceDocument['events'] = [];
    for (const { gateway, chapter, epoch, seq } of places) {
      const row = select.get(deviceId, epoch, gateway, chapter, seq);
      if (row === undefined || (seq > 0 && row.previous_hash === null)) return undefined;
      if (row.is_emptied === 1) throw pruned();
      const { n, ids } = batchOf(row.batch);
      const { identity: charger, received_at_ms: receivedAtMs, kind, reply, frame } = row;
      events.push({
        batch: n,
        index: ids.indexOf(row.id),
        previousHash: row.previous_hash === null ? '0'.repeat(64) : Buffer.from(row.previous_hash).toString('hex'),
        line: encodeEvent({ charger, epoch, seq, receivedAtMs, kind, reply, frame }),
      });
    }
    return { batches, events };
  };
}
