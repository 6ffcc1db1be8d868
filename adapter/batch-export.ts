import { encodeEvent } from '../core/charger-event.ts';
import type { EventProof } from '../core/event-proof.ts';
import type { SealedBatch } from '../core/sealed-batch.ts';
import type { Database } from './database.ts';
import type { EventLog } from './event-log.ts';
import { pruned } from './pruned.ts';
import { makeRecordBeginning } from './record-beginning.ts';

/** Most characters of one page of batches; its last one may go over. */
const MOST_PAGE_CHARACTERS = 4_194_304;

/** Two batches that a gateway signed and that contradict each other, each as it travelled, JSON. */
export interface ContradictionOnRecord {
  gateway: string;
  kept: string;
  contradicting: string;
}

/** Where an operator begins that makes its record of a gateway of another's. */
export interface PeerBeginning {
  /** Of the batch after which it begins; the number is -1 where that is the first of the generation. */
  generation: number;
  number: number;
  /** That batch: the last of a process, whose signature vouches for the next one's place. Null where there is none. */
  anchor: SealedBatch | null;
}

interface ProofRow {
  id: number;
  batch: number;
  hash: Uint8Array;
  line_charger: string;
  epoch: number;
  seq: number;
  received_at_ms: number;
  kind: 'open' | 'close' | 'call' | 'suspect' | 'answer';
  frame: string;
  reply: string;
  previous_hash: Uint8Array | null;
  is_emptied: number;
}

/**
 * The record as gateways signed it: whole batches, from which another operator makes the same record, and proofs of single
 * events. Frames hold idTags, so both are for those whom the operator trusts with them.
 */
export function makeBatchExport(db: Database, batchText: EventLog['batchText']) {
  const selectIds = db.prepare<{ id: number }>(
    `SELECT b.id FROM batches b JOIN gateways g ON g.id = b.gateway
     WHERE g.account = ? AND b.is_void = 0 AND (b.generation, b.number) > (?, ?)
       AND b.booted_at_ms > coalesce((SELECT e.booted_at_ms FROM emptied e WHERE e.gateway = g.id), -1)
     ORDER BY b.generation, b.number LIMIT ?`,
  );
  const selectConvictions = db.prepare<ContradictionOnRecord>(
    'SELECT gateway, kept, contradicting FROM convictions ORDER BY gateway, at_ms',
  );
  const selectEvent = db.prepare<ProofRow>(
    `SELECT e.id, e.batch, e.hash, h.identity AS line_charger, c.epoch, e.seq, e.received_at_ms, e.kind, e.frame, e.reply,
       e.is_emptied, (SELECT p.hash FROM events p JOIN connections q ON q.id = p.connection
        WHERE q.charger = c.charger AND q.epoch = c.epoch AND q.gateway = c.gateway AND p.seq = e.seq - 1
        ORDER BY q.chapter DESC LIMIT 1) AS previous_hash
     FROM events e JOIN connections c ON c.id = e.connection JOIN chargers h ON h.id = c.charger
     JOIN batches b ON b.id = e.batch
     WHERE h.identity = ? AND c.epoch = ? AND e.seq = ? AND b.is_void = 0`,
  );
  const selectHashes = db.prepare<{ id: number; hash: Uint8Array }>(
    'SELECT id, hash FROM events WHERE batch = ? ORDER BY id',
  );

  const beginningOf = makeRecordBeginning(db);

  /** What a batch's signature is over, without the text of its events; by its row. */
  const sealed = (id: number): SealedBatch => {
    const { network, gateway, generation, number, previous, bootedAtMs, watermarkMs, publicKey, signature } =
      JSON.parse(batchText(id)) as SealedBatch;
    const eventHashes = selectHashes.all(id).map(({ hash }) => hexOf(hash));
    const header = { network, gateway, generation, number, previous, bootedAtMs, watermarkMs };
    return { ...header, eventHashes, publicKey, signature };
  };

  return {
    sealed,
    /** Where the record of a gateway begins that another operator can make its own of; undefined where there is none such. */
    beginning: (gateway: string): PeerBeginning | undefined => {
      const begin = beginningOf(gateway);
      if (begin === undefined) return undefined;
      const { generation, number, anchor } = begin;
      return { generation, number: number - 1, anchor: anchor === undefined ? null : sealed(anchor) };
    },
    /** Batches of a gateway after one, in order, each as it travelled; none whose messages are emptied. */
    batches: (gateway: string, generation: number, number: number, limit: number): string[] => {
      const texts: string[] = [];
      let characters = 0;
      for (const { id } of selectIds.all(gateway, generation, number, limit)) {
        if (characters >= MOST_PAGE_CHARACTERS) break;
        const text = batchText(id);
        characters += text.length;
        texts.push(text);
      }
      return texts;
    },
    convictions: (): ContradictionOnRecord[] => selectConvictions.all(),
    /**
     * The proof of an event; undefined if it, or the event before it, is not on record.
     *
     * @throws DevsenError `PRUNED` if its text is deleted for its age
     */
    proof: (charger: string, epoch: number, seq: number): EventProof | undefined => {
      const row = selectEvent.get(charger, epoch, seq);
      if (row === undefined || (row.seq > 0 && row.previous_hash === null)) return undefined;
      if (row.is_emptied === 1) throw pruned();
      return {
        ...sealed(row.batch),
        index: selectHashes.all(row.batch).findIndex(({ id }) => id === row.id),
        previousHash: row.previous_hash === null ? '0'.repeat(64) : hexOf(row.previous_hash),
        line: encodeEvent({
          charger: row.line_charger,
          epoch: row.epoch,
          seq: row.seq,
          receivedAtMs: row.received_at_ms,
          kind: row.kind,
          reply: row.reply,
          frame: row.frame,
        }),
      };
    },
  };
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

export type BatchExport = ReturnType<typeof makeBatchExport>;
