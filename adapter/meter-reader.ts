import type { TransactionId } from '../core/charger-fact.ts';
import type { MeterRecordAt, ReadingAt, StopReadingAt } from '../core/meter-reading.ts';
import { isAfter } from '../core/place.ts';
import type { Database } from './database.ts';
import type { RecordReader } from './record-reader.ts';

interface PlaceRow {
  epoch: number;
  account: string;
  chapter: number;
  at_ms: number;
  seq: number;
}

interface ReadingRow extends PlaceRow {
  register_wh: number;
  power_w: number;
  observed_at_sec: number;
  is_signed: number;
}

const PLACE = 'r.epoch, g.account, c.chapter, r.at_ms, r.seq';
const JOINS = 'JOIN connections c ON c.id = r.connection JOIN gateways g ON g.id = c.gateway';
const COLUMNS = `${PLACE}, r.register_wh, r.power_w, r.observed_at_sec, r.is_signed`;

/** Reads a charger's meter as of a time. */
export function makeMeterReader(db: Database, reader: Pick<RecordReader, 'at'>) {
  const selectCharger = db.prepare<{ id: number }>('SELECT id FROM chargers WHERE device_id = ?');
  const selectEpoch = db.prepare<{ epoch: number | null }>(
    'SELECT max(epoch) AS epoch FROM readings WHERE charger = ? AND connector = ? AND epoch <= ?',
  );
  const selectConnections = db.prepare<{ id: number }>(
    'SELECT id FROM connections WHERE charger = ? AND epoch = ? AND last_seq >= first_seq',
  );
  const selectReading = db.prepare<ReadingRow>(
    `SELECT ${COLUMNS} FROM readings r ${JOINS}
     WHERE r.charger = ? AND r.connector = ? AND r.epoch = ? AND r.connection = ? AND r.at_ms <= ?
     ORDER BY r.at_ms DESC, r.seq DESC LIMIT 1`,
  );
  const selectStopEpoch = db.prepare<{ epoch: number | null }>(
    `SELECT max(epoch) AS epoch FROM transaction_messages
     WHERE charger = ? AND connector IS NULL AND register_wh IS NOT NULL AND epoch <= ?`,
  );
  const selectStops = db.prepare<ReadingRow & { transaction_id: TransactionId }>(
    `SELECT ${COLUMNS}, r.transaction_id FROM transaction_messages r ${JOINS}
     WHERE r.charger = ? AND r.connector IS NULL AND r.register_wh IS NOT NULL AND r.epoch = ? AND r.at_ms <= ?
     ORDER BY r.at_ms DESC, g.account DESC, r.seq DESC`,
  );
  const selectEndEpoch = db.prepare<{ epoch: number | null }>(
    'SELECT max(epoch) AS epoch FROM connector_ends WHERE charger = ? AND connector = ? AND epoch <= ?',
  );
  const selectEnds = db.prepare<ReadingRow & { transaction_id: TransactionId }>(
    `SELECT ${COLUMNS}, r.transaction_id FROM connector_ends e
     JOIN transaction_messages r ON r.charger = e.charger AND r.transaction_id = e.transaction_id AND r.epoch = e.epoch
       AND r.connection = e.connection AND r.at_ms = e.at_ms AND r.seq = e.seq
     ${JOINS}
     WHERE e.charger = ? AND e.connector = ? AND e.epoch = ? AND e.at_ms <= ?
     ORDER BY e.at_ms DESC, g.account DESC, e.seq DESC`,
  );
  const selectStart = db.prepare<PlaceRow & { connector: number }>(
    `SELECT ${PLACE}, r.connector FROM transaction_messages r ${JOINS}
     WHERE r.charger = ? AND r.transaction_id = ? AND r.connector IS NOT NULL AND r.at_ms <= ?
     ORDER BY r.epoch DESC, r.at_ms DESC, g.account DESC, r.seq DESC LIMIT 1`,
  );

  function* readingsAt(charger: number, connector: number, maxEpoch: number, atMs: number): Iterable<ReadingAt> {
    for (let epoch = maxEpoch; ; epoch--) {
      const found = selectEpoch.get(charger, connector, epoch)?.epoch ?? undefined;
      if (found === undefined) return;
      epoch = found;
      const rows = selectConnections
        .all(charger, epoch)
        .map(({ id }) => selectReading.get(charger, connector, found, id, atMs))
        .filter((row) => row !== undefined);
      yield* rows.map(readingOf).sort((one, other) => (isAfter(one, other) ? -1 : 1));
    }
  }

  /** Epoch by epoch, so that what came after the time asked about costs no more than a step down the index. */
  function* epochByEpoch(
    epochUpTo: (epoch: number) => number | null | undefined,
    rowsOf: (epoch: number) => Iterable<ReadingRow & { transaction_id: TransactionId }>,
    charger: number,
    maxEpoch: number,
  ): Iterable<StopReadingAt> {
    for (let epoch = maxEpoch; ; epoch--) {
      const found = epochUpTo(epoch) ?? undefined;
      if (found === undefined) return;
      epoch = found;
      for (const row of rowsOf(epoch)) {
        const start = selectStart.get(charger, row.transaction_id, row.at_ms);
        yield {
          ...readingOf(row),
          start: start && {
            gateway: start.account,
            chapter: start.chapter,
            epoch: start.epoch,
            atMs: start.at_ms,
            seq: start.seq,
            connector: start.connector,
          },
        };
      }
    }
  }

  /** All of the charger: where a part of the record is missing, an end without a start on record may be any connector's. */
  const stopsAt = (charger: number, maxEpoch: number, atMs: number) =>
    epochByEpoch(
      (epoch) => selectStopEpoch.get(charger, epoch)?.epoch,
      (epoch) => selectStops.each(charger, epoch, atMs),
      charger,
      maxEpoch,
    );
  /** Those whose transaction was told to be at the connector, however many others there are. */
  const endsAt = (charger: number, connector: number, maxEpoch: number, atMs: number) =>
    epochByEpoch(
      (epoch) => selectEndEpoch.get(charger, connector, epoch)?.epoch,
      (epoch) => selectEnds.each(charger, connector, epoch, atMs),
      charger,
      maxEpoch,
    );

  return (deviceId: string, atMs: number): MeterRecordAt => {
    const charger = selectCharger.get(deviceId)?.id ?? 0;
    const { gateway, missedUntilMs } = reader.at(deviceId, atMs);
    return {
      gateway,
      missedUntilMs,
      readings: (connector, maxEpoch) => readingsAt(charger, connector, maxEpoch, atMs),
      stops: (connector, maxEpoch) =>
        missedUntilMs === 0 ? endsAt(charger, connector, maxEpoch, atMs) : stopsAt(charger, maxEpoch, atMs),
    };
  };
}

function readingOf(row: ReadingRow): ReadingAt {
  return {
    gateway: row.account,
    chapter: row.chapter,
    epoch: row.epoch,
    atMs: row.at_ms,
    seq: row.seq,
    registerWh: row.register_wh,
    powerW: row.power_w,
    observedAtSec: row.observed_at_sec,
    isSigned: row.is_signed === 1,
  };
}

export type MeterReader = ReturnType<typeof makeMeterReader>;
