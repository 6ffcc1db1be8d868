import type { ChargerFact, TransactionId } from '../core/charger-fact.ts';
import type { StationVariable } from '../core/station-fact.ts';
import type { FactPlace, Writer } from './projections.ts';

/**
 * Tables of what chargers tell of themselves and of reservations; no answer to the chain is made of them. A charger may
 * repeat itself within one message, so of rows with one place the last stays.
 */
export const STATION_TABLES = ['station_facts', 'variables', 'reservation_messages'] as const;

/** Kinds by which `station_facts` finds an event again. */
export type StationFactKind = 'security-event' | 'firmware-status' | 'diagnostics' | 'log';

/** What a message tells of a reservation. */
interface ReservationMessage {
  reservationId: number;
  kind: 'reserved' | 'used' | 'ended';
  connector?: number;
  untilSec?: number;
  reason?: string;
  transactionId?: TransactionId;
}

/** Writes what a charger told of itself; no secret and no idTag is in any of it. */
export function makeStationProjections(db: Writer, tables: readonly string[]) {
  const insert = (table: (typeof STATION_TABLES)[number], columns: readonly string[]) => {
    if (!tables.includes(table)) return undefined;
    const all = ['charger', 'epoch', 'connection', 'at_ms', 'seq', 'received_at_ms', ...columns];
    return db.prepare(`INSERT OR REPLACE INTO ${table} (${all.join(', ')}) VALUES (${all.map(() => '?').join(', ')})`);
  };
  const facts = insert('station_facts', ['kind']);
  const variables = insert('variables', ['key', 'attribute', 'value', 'mutability', 'is_secret']);
  const reservations = insert('reservation_messages', [
    ...['reservation_id', 'kind', 'connector', 'until_sec', 'reason', 'transaction_id'],
  ]);

  return (fact: ChargerFact, place: FactPlace): void => {
    const where = [place.charger, place.epoch, place.connection, place.atMs, place.seq, place.receivedAtMs] as const;
    const kind = stationFactKind(fact);
    if (kind !== undefined) facts?.run(...where, kind);
    if (fact.kind === 'variables') {
      for (const { key, attribute, value, mutability, isSecret } of fact.variables as StationVariable[]) {
        variables?.run(...where, key, attribute, value ?? null, mutability ?? null, isSecret ? 1 : 0);
      }
    }
    const told = reservationMessage(fact);
    if (told === undefined) return;
    const { reservationId, connector = null, untilSec = null, reason = null, transactionId = null } = told;
    reservations?.run(...where, reservationId, told.kind, connector, untilSec, reason, transactionId);
  };
}

function stationFactKind(fact: ChargerFact): StationFactKind | undefined {
  if (fact.kind === 'upload-status') return fact.what;
  return fact.kind === 'security-event' || fact.kind === 'firmware-status' ? fact.kind : undefined;
}

function reservationMessage(fact: ChargerFact): ReservationMessage | undefined {
  switch (fact.kind) {
    case 'reserved':
      return fact;
    case 'reservation-ended':
      return { reservationId: fact.reservationId, kind: 'ended', reason: fact.reason };
    case 'transaction-started':
    case 'transaction-updated': {
      const { reservationId, transactionId, connector } = fact;
      if (reservationId === undefined) return undefined;
      return { reservationId, kind: 'used', transactionId, ...(connector === undefined ? {} : { connector }) };
    }
    default:
      return undefined;
  }
}
