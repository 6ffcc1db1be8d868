import type { TransactionId } from '../core/charger-fact.ts';
import { chargerStatusAt } from '../core/charger-status.ts';
import { meterReadingAt } from '../core/meter-reading.ts';
import { ERROR_CLASSES, STATUS_NAMES } from '../core/status.ts';
import type { Database } from './database.ts';
import type { MeterReader } from './meter-reader.ts';
import type { RecordReader } from './record-reader.ts';
import { makeTransactionGaps } from './transaction-gaps.ts';

export interface PublicCharger {
  /** OCPP identity. */
  identity: string;
  /** Its id on chain. */
  id: string;
}

interface TransactionRow {
  epoch: number;
  at_ms: number;
  seq: number;
  transaction_id: TransactionId;
  connector: number | null;
  outcome: string | null;
  register_wh: number | null;
  observed_at_sec: number;
}

/** What anybody may read of an operator's record: its own view, which no other operator need share. */
export function makePublicRecord(db: Database, reader: RecordReader, meter: MeterReader) {
  const selectChargers = db.prepare<{ identity: string; device_id: string }>(
    'SELECT identity, device_id FROM chargers WHERE identity > ? ORDER BY identity LIMIT ?',
  );
  const selectCharger = db.prepare<{ identity: string; device_id: string }>(
    'SELECT identity, device_id FROM chargers WHERE identity = ?',
  );
  const selectGateway = db.prepare<{ account: string }>(
    `SELECT g.account FROM connections c JOIN gateways g ON g.id = c.gateway JOIN chargers ON chargers.id = c.charger
     WHERE chargers.identity = ? ORDER BY c.epoch DESC LIMIT 1`,
  );
  const selectConnectors = db.prepare<{ connector: number }>(
    `SELECT DISTINCT s.connector FROM statuses s JOIN chargers ON chargers.id = s.charger
     WHERE chargers.identity = ? ORDER BY s.connector`,
  );
  const selectTransactions = db.prepare<TransactionRow>(
    `SELECT r.epoch, r.at_ms, r.seq, r.transaction_id, r.connector, r.outcome, r.register_wh, r.observed_at_sec
     FROM transaction_starts r JOIN chargers ON chargers.id = r.charger
     WHERE chargers.device_id = ? AND (r.epoch, r.at_ms, r.seq) < (?, ?, ?)
     ORDER BY r.epoch DESC, r.at_ms DESC, r.seq DESC LIMIT ?`,
  );
  const selectStop = db.prepare<{ register_wh: number | null; observed_at_sec: number; reason: string }>(
    `SELECT p.register_wh, p.observed_at_sec, p.reason FROM transaction_stops p JOIN chargers ON chargers.id = p.charger
     WHERE chargers.device_id = ?1 AND p.transaction_id = ?2 AND (p.epoch, p.at_ms) >= (?3, ?4)
     ORDER BY p.epoch, p.at_ms LIMIT 1`,
  );
  const selectGateways = db.prepare<{ account: string; state: string; watermark_ms: number; is_convicted: number }>(
    `SELECT account, state, watermark_ms,
       EXISTS (SELECT 1 FROM convictions c WHERE c.gateway = account) AS is_convicted FROM gateways ORDER BY account`,
  );
  const missingOf = makeTransactionGaps(db);
  const asPublic = (row: { identity: string; device_id: string }): PublicCharger => ({
    identity: row.identity,
    id: row.device_id,
  });

  return {
    /** Gateways on record, up to when each has told, and whether it was proven false. */
    gateways: () =>
      selectGateways.all().map((row) => ({
        account: row.account,
        isFollowed: row.state === 'following',
        toldUpTo: Math.floor(row.watermark_ms / 1000),
        isConvicted: row.is_convicted === 1,
      })),
    /** Chargers on record whose identity comes after another, in order. */
    chargers: (after: string, limit: number): PublicCharger[] => selectChargers.all(after, limit).map(asPublic),
    charger: (identity: string): PublicCharger | undefined => {
      const row = selectCharger.get(identity);
      return row && asPublic(row);
    },
    /** Its connectors as of the last time its gateway told. */
    connectors: (identity: string) => {
      const row = selectCharger.get(identity);
      const account = selectGateway.get(identity)?.account;
      if (row === undefined || account === undefined) return [];
      const atMs = reader.lastWatermarkMs(account);
      return selectConnectors.all(identity).map(({ connector }) => {
        const status = chargerStatusAt(reader.at(row.device_id, atMs), connector, atMs);
        const reading = meterReadingAt(meter(row.device_id, atMs), connector, atMs);
        return {
          connector,
          asOf: Math.floor(atMs / 1000),
          status: status.isKnown
            ? {
                name: STATUS_NAMES[status.answer.status],
                error: ERROR_CLASSES[status.answer.errorClass],
                observedAt: status.answer.observedAtSec,
                online: status.answer.online,
              }
            : null,
          meter:
            reading.isKnown && reading.answer.observedAtSec > 0
              ? {
                  registerWh: reading.answer.registerWh,
                  powerW: reading.answer.powerW,
                  observedAt: reading.answer.observedAtSec,
                  signed: reading.answer.isSigned,
                }
              : null,
        };
      });
    },
    /** Its transactions, the latest first, before a place in its record. */
    transactions: (id: string, [epoch, atMs, seq]: readonly [number, number, number], limit: number) =>
      selectTransactions.all(id, epoch, atMs, seq, limit).map((row) => {
        const stop = selectStop.get(id, row.transaction_id, row.epoch, row.at_ms);
        return {
          cursor: `${row.epoch}-${row.at_ms}-${row.seq}`,
          transactionId: row.transaction_id,
          connector: row.connector,
          idTagStatus: row.outcome,
          meterStartWh: row.register_wh,
          startedAt: row.observed_at_sec,
          missingMessages: missingOf(id, row.transaction_id),
          stop: stop ? { meterStopWh: stop.register_wh, stoppedAt: stop.observed_at_sec, reason: stop.reason } : null,
        };
      }),
  };
}

export type PublicRecord = ReturnType<typeof makePublicRecord>;
