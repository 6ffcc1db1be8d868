import type { Logger } from '../runtime/log.ts';
import { type BatchExport, makeBatchExport } from './batch-export.ts';
import { type CatchUp, makeCatchUp } from './catch-up.ts';
import type { Changes } from './changes.ts';
import type { Database } from './database.ts';
import type { GatewayHealth } from './health.ts';
import { type Ingest, makeIngest } from './ingest.ts';
import { type Knowing, makeKnowing } from './knowing.ts';
import { makePeerReader } from './peers.ts';
import { type QueueReader, readQueue } from './queue.ts';
import type { RecordReader } from './record-reader.ts';
import type { AdapterSettings } from './settings.ts';

/** What there is once the chain has told which network this is. */
export interface Recording {
  network: string;
  ingest: Ingest;
  queue: QueueReader;
  knowing: Knowing;
  catchUp: CatchUp;
  batches: BatchExport;
}

export interface RecordingMeans {
  /** Which network it is of. */
  network: string;
  db: Database;
  reader: RecordReader;
  settings: AdapterSettings;
  counts: Parameters<typeof makeIngest>[3];
  /** Does what writes to the database, and notes whether it could. */
  writing: (work: () => void) => void;
  changes: Changes;
  /** Ends what is under way. */
  closing: AbortSignal;
  log: Logger;
  now: () => number;
}

/** Begins to record what gateways tell: from the queue, and from peers what the queue did not bring. */
export function startRecording(means: RecordingMeans): Recording {
  const { network, db, reader, settings, counts, writing, changes, closing, log, now } = means;
  const ingest = makeIngest(db, network, log, counts);
  let knowing: Knowing | undefined;
  const committed = () => {
    knowing?.committed();
    changes.committed();
  };
  const queue = readQueue({
    redisUrl: settings.REDIS_URL,
    operator: settings.OPERATOR_ACCOUNT,
    log,
    now,
    commit: (texts) => {
      writing(() => ingest.apply(texts, now()));
      committed();
    },
  });
  const { book, parkedOf, gapOf } = ingest;
  knowing = makeKnowing({ book, reader, queue, parkedOf, waitMs: settings.ANSWER_WAIT_MS, now });
  const catchUp = makeCatchUp({
    peers: settings.PEERS,
    reader: makePeerReader(closing),
    book,
    gapOf,
    apply: (texts) => {
      let leftOut = 0;
      writing(() => {
        leftOut = ingest.applyFromPeer(texts, now());
      });
      committed();
      return leftOut;
    },
    beginAfter: (anchor, texts) => {
      let isBegun = false;
      writing(() => {
        isBegun = ingest.beginAfter(anchor, texts, now());
      });
      committed();
      return isBegun;
    },
    log,
    now,
    closing,
  });
  return { network, ingest, queue, knowing, catchUp, batches: makeBatchExport(db, ingest.batchText) };
}

/** How each gateway that is registered, or on record, is doing. */
export function gatewayHealth({ book, parkedOf }: Ingest, reader: RecordReader, nowMs: number): GatewayHealth[] {
  const convicted = new Set(book.convicted());
  const accounts = new Set([...book.active(), ...book.rows().map((row) => row.account)]);
  return [...accounts].map((account) => {
    const lastMs = reader.lastWatermarkMs(account);
    return {
      account,
      lagMs: lastMs === 0 ? null : nowMs - lastMs,
      isFollowed: book.row(account).state === 'following',
      parked: parkedOf(account),
      isConvicted: convicted.has(account),
    };
  });
}
