import type { ChargerFact } from '../core/charger-fact.ts';
import type { Database } from './database.ts';
import type { EventReader } from './event-reader.ts';
import type { StationFactKind } from './station-tables.ts';

/** A reservation as a charger's messages tell of it. */
export interface PublicReservation {
  reservationId: number;
  /** 0 for any of the charger; null where its beginning is not on record. */
  connector: number | null;
  state: 'Active' | 'Used' | 'Expired' | 'Removed' | 'NoTransaction' | 'Cancelled';
  /** Unix seconds; null where its beginning is not on record. */
  reservedAt: number | null;
  until: number | null;
  /** Unix seconds; null while it is active. */
  endedAt: number | null;
  /** The transaction that used it. */
  transactionId: number | string | null;
}

interface ReservationRow {
  kind: 'reserved' | 'used' | 'ended';
  received_at_ms: number;
  connector: number | null;
  until_sec: number | null;
  reason: string | null;
  transaction_id: number | string | null;
}

interface VariableRow {
  received_at_ms: number;
  value: string | null;
  mutability: string | null;
  is_secret: number;
}

/** Where a row's event stands. */
interface PlaceRow {
  epoch: number;
  at_ms: number;
  connection: number;
  seq: number;
}

const ENDS: ReadonlySet<string> = new Set(['Expired', 'Removed', 'NoTransaction', 'Cancelled']);

/** What anybody may read of what a charger tells of itself. Values that may be secret are in no table. */
export function makeStationRecord(db: Database, events: Pick<EventReader, 'factsAt'>) {
  const selectCharger = db.prepare<{ id: number }>('SELECT id FROM chargers WHERE identity = ?');
  const selectNextKey = db.prepare<{ key: string; attribute: string }>(
    `SELECT key, attribute FROM variables WHERE charger = ? AND (key, attribute) > (?, ?) ORDER BY key, attribute LIMIT 1`,
  );
  const selectVariable = db.prepare<VariableRow>(
    `SELECT received_at_ms, value, mutability, is_secret FROM variables
     WHERE charger = ? AND key = ? AND attribute = ? ORDER BY epoch DESC, at_ms DESC, seq DESC LIMIT 1`,
  );
  const selectReservationId = db.prepare<{ id: number | null }>(
    'SELECT max(reservation_id) AS id FROM reservation_messages WHERE charger = ? AND reservation_id < ?',
  );
  const selectReservation = db.prepare<ReservationRow>(
    `SELECT kind, received_at_ms, connector, until_sec, reason, transaction_id FROM reservation_messages
     WHERE charger = ? AND reservation_id = ? ORDER BY epoch DESC, at_ms DESC, seq DESC LIMIT 100`,
  );
  const selectFacts = db.prepare<PlaceRow>(
    `SELECT epoch, at_ms, connection, seq FROM station_facts WHERE charger = ? AND kind = ? AND (epoch, at_ms, seq) < (?, ?, ?)
     ORDER BY epoch DESC, at_ms DESC, seq DESC LIMIT ?`,
  );
  const selectBoot = db.prepare<PlaceRow>(
    `SELECT epoch, at_ms, connection, seq FROM boots WHERE charger = ? ORDER BY epoch DESC, at_ms DESC, seq DESC LIMIT 1`,
  );
  const idOf = (identity: string) => selectCharger.get(identity)?.id ?? 0;

  /** An event's facts of one kind, each with when its gateway received it. */
  const factsOf = <Kind extends ChargerFact['kind']>({ connection, seq }: PlaceRow, kind: Kind) =>
    events
      .factsAt(connection, seq)
      .flatMap(({ fact, receivedAtMs }) =>
        fact.kind === kind ? [{ ...(fact as Extract<ChargerFact, { kind: Kind }>), receivedAtMs }] : [],
      );
  const latest = (charger: number, kind: StationFactKind) => {
    const [row] = selectFacts.all(charger, kind, Number.MAX_SAFE_INTEGER, 0, 0, 1);
    const told = row && factsOf(row, kind === 'firmware-status' ? kind : 'upload-status')[0];
    if (told === undefined) return null;
    const { status, requestId = null, receivedAtMs } = told;
    return { status, requestId, observedAt: secOf(receivedAtMs) };
  };

  return {
    /** What it last told of each variable after one, by key and attribute. */
    configuration: (identity: string, after: readonly [string, string], limit: number) => {
      const charger = idOf(identity);
      const items = [];
      for (let [key, attribute] = after; items.length < limit; ) {
        const next = selectNextKey.get(charger, key, attribute);
        const row = next && selectVariable.get(charger, next.key, next.attribute);
        if (next === undefined || row === undefined) break;
        ({ key, attribute } = next);
        const { value, mutability, is_secret, received_at_ms } = row;
        items.push({ key, attribute, value, isSecret: is_secret === 1, mutability, observedAt: secOf(received_at_ms) });
      }
      return items;
    },
    /** Its reservations, the highest id first, below one. @param nowSec - up to when its gateway told, Unix seconds */
    reservations: (identity: string, before: number, limit: number, nowSec: number): PublicReservation[] => {
      const charger = idOf(identity);
      const items: PublicReservation[] = [];
      for (let id = before; items.length < limit; ) {
        const found = selectReservationId.get(charger, id)?.id ?? undefined;
        if (found === undefined) break;
        id = found;
        items.push(reservationOf(id, selectReservation.all(charger, id), nowSec));
      }
      return items;
    },
    /** Firmware and uploads: what it told last of each. */
    maintenance: (identity: string) => {
      const charger = idOf(identity);
      const place = selectBoot.get(charger);
      const boot = place && factsOf(place, 'boot')[0];
      return {
        boot: boot
          ? {
              vendor: boot.vendor,
              model: boot.model,
              firmware: boot.firmware ?? null,
              registration: boot.registration,
              observedAt: secOf(boot.receivedAtMs),
            }
          : null,
        firmware: latest(charger, 'firmware-status'),
        diagnostics: latest(charger, 'diagnostics'),
        log: latest(charger, 'log'),
      };
    },
    /** Its security events before a place, the latest first. */
    securityEvents: (identity: string, [epoch, atMs, seq]: readonly [number, number, number], limit: number) =>
      selectFacts.all(idOf(identity), 'security-event', epoch, atMs, seq, limit).flatMap((row) =>
        factsOf(row, 'security-event').map(({ event, reportedAt, receivedAtMs }) => ({
          cursor: `${row.epoch}-${row.at_ms}-${row.seq}`,
          event,
          reportedAt: reportedAt.atSec ?? null,
          clock: reportedAt.clock,
          observedAt: secOf(receivedAtMs),
        })),
      ),
  };
}

/** @param rows - what was told of it, the latest first */
function reservationOf(reservationId: number, rows: readonly ReservationRow[], nowSec: number): PublicReservation {
  const begun = rows.findIndex(({ kind }) => kind === 'reserved');
  // An id may be given again; a message from before the last beginning is of another reservation.
  const since = begun < 0 ? rows : rows.slice(0, begun);
  const begin = rows[begun];
  const end = since.find(({ kind }) => kind === 'used') ?? since[0];
  const common = {
    reservationId,
    connector: begin?.connector ?? null,
    reservedAt: begin === undefined ? null : secOf(begin.received_at_ms),
    until: begin?.until_sec ?? null,
    transactionId: end?.transaction_id ?? null,
  };
  if (end !== undefined) {
    const reason = end.reason !== null && ENDS.has(end.reason) ? end.reason : 'Removed';
    const state = end.kind === 'used' ? 'Used' : (reason as PublicReservation['state']);
    return { ...common, state, endedAt: secOf(end.received_at_ms) };
  }
  const until = begin?.until_sec ?? Number.POSITIVE_INFINITY;
  return until <= nowSec
    ? { ...common, state: 'Expired', endedAt: until }
    : { ...common, state: 'Active', endedAt: null };
}

function secOf(ms: number): number {
  return Math.floor(ms / 1000);
}

export type StationRecord = ReturnType<typeof makeStationRecord>;
