import type { TransactionId } from '../core/charger-fact.ts';
import type { EvseRecordAt } from '../core/evse-status.ts';
import type { PlaceAt } from '../core/place.ts';
import type { Status } from '../core/status.ts';
import type { Database } from './database.ts';

type Key = readonly (string | number)[];

interface PlacedRow {
  at_ms: number;
  seq: number;
  received_at_ms: number;
}

/**
 * Reads what is on record of a charger's connectors as of a time. Each list holds the latest row of every connection, the
 * latest connection first: a few steps down an index for each, however long the record is.
 */
export function makeEvseReader(db: Database) {
  const selectOfEpoch = db.prepare<{ id: number; account: string; chapter: number }>(
    `SELECT c.id, g.account, c.chapter FROM connections c JOIN gateways g ON g.id = c.gateway
     WHERE c.charger = ? AND c.epoch = ? AND c.last_seq >= c.first_seq ORDER BY g.account DESC`,
  );
  const selectPart = db.prepare<{ part: number | null }>(
    'SELECT min(part) AS part FROM statuses WHERE charger = ? AND connector = ? AND part > ?',
  );

  /** The latest rows of a table that match a key, whose columns its index begins with. */
  const latestOf = <Row extends PlacedRow>(table: string, key: readonly string[], columns: string, where = '') => {
    const matches = ['charger', ...key].map((column) => `${column} = ?`).join(' AND ');
    const selectEpoch = db.prepare<{ epoch: number | null }>(
      `SELECT max(epoch) AS epoch FROM ${table} WHERE ${matches} AND epoch <= ?`,
    );
    const selectRow = db.prepare<Row>(
      `SELECT at_ms, seq, received_at_ms ${columns} FROM ${table}
       WHERE ${matches} AND epoch = ? AND connection = ? AND at_ms <= ? ${where} ORDER BY at_ms DESC, seq DESC LIMIT 1`,
    );
    return function* rows(charger: number, values: Key, maxEpoch: number, atMs: number): Iterable<Row & PlaceAt> {
      for (let epoch = maxEpoch; ; epoch--) {
        const found = selectEpoch.get(charger, ...values, epoch)?.epoch ?? undefined;
        if (found === undefined) return;
        epoch = found;
        for (const { id, account: gateway, chapter } of selectOfEpoch.all(charger, epoch)) {
          const row = selectRow.get(charger, ...values, epoch, id, atMs);
          if (row !== undefined) yield { ...row, gateway, chapter, epoch, atMs: row.at_ms };
        }
      }
    };
  };

  const statuses = latestOf<PlacedRow & { status: number; error_class: number }>(
    'statuses',
    ['connector', 'part'],
    ', status, error_class',
  );
  const boots = latestOf('boots', [], '');
  const faults = latestOf<PlacedRow & { error_class: number }>('faults', ['connector'], ', error_class');
  const transactions = latestOf<PlacedRow & { transaction_id: TransactionId }>(
    'transaction_messages',
    ['connector'],
    ', transaction_id',
  );
  const states = latestOf<PlacedRow & { kind: string; state: number | null }>(
    'transaction_messages',
    ['transaction_id'],
    ', kind, state',
    `AND (state IS NOT NULL OR kind = 'stopped')`,
  );

  function* partsOf(charger: number, connector: number): Iterable<number> {
    for (let part = 0; ; ) {
      const next = selectPart.get(charger, connector, part)?.part ?? undefined;
      if (next === undefined) return;
      part = next;
      yield part;
    }
  }

  return (charger: number, atMs: number): Omit<EvseRecordAt, 'missedUntilMs'> => ({
    parts: (connector) => partsOf(charger, connector),
    statuses: (connector, maxEpoch, part) =>
      mapped(statuses(charger, [connector, part], maxEpoch, atMs), (row) => ({
        ...row,
        receivedAtMs: row.received_at_ms,
        status: row.status as Status,
        errorClass: row.error_class,
      })),
    boots: (maxEpoch) => boots(charger, [], maxEpoch, atMs),
    faults: (connector, maxEpoch) =>
      mapped(faults(charger, [connector], maxEpoch, atMs), (row) => ({
        ...row,
        receivedAtMs: row.received_at_ms,
        errorClass: row.error_class,
      })),
    transactions: (connector, maxEpoch) =>
      mapped(transactions(charger, [connector], maxEpoch, atMs), (row) => ({
        ...row,
        transactionId: row.transaction_id,
      })),
    states: (transactionId, maxEpoch) =>
      mapped(states(charger, [transactionId], maxEpoch, atMs), (row) => ({
        ...row,
        receivedAtMs: row.received_at_ms,
        state: row.kind === 'stopped' ? undefined : (row.state as Status),
      })),
  });
}

function* mapped<From, To>(rows: Iterable<From>, map: (row: From) => To): Iterable<To> {
  for (const row of rows) yield map(row);
}
