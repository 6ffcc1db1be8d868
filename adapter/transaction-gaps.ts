import type { TransactionId } from '../core/charger-fact.ts';
import type { Database } from './database.ts';

/**
 * How many messages of a transaction are missing, by the numbers that OCPP 2.x gives them: between the first and the last on
 * record, and before the first where none of them is the start. Null for a transaction of OCPP 1.6, which numbers none.
 */
export function makeTransactionGaps(db: Database) {
  const select = db.prepare<{ first: number | null; last: number; told: number; starts: number }>(
    `SELECT min(m.seq_no) AS first, max(m.seq_no) AS last, count(DISTINCT m.seq_no) AS told, sum(m.kind = 'started') AS starts
     FROM transaction_messages m JOIN chargers ON chargers.id = m.charger
     WHERE chargers.device_id = ? AND m.transaction_id = ? AND m.seq_no IS NOT NULL`,
  );
  return (deviceId: string, transactionId: TransactionId): number | null => {
    const row = select.get(deviceId, transactionId);
    if (row === undefined || row.first === null) return null;
    const first = row.starts > 0 ? row.first : 0;
    return Math.max(row.last - first + 1 - row.told, 0);
  };
}
