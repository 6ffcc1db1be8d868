import type { ConnectionAt, RecordAt } from '../core/charger-status.ts';
import type { CommandRecordAt } from '../core/command-answer.ts';
import type { MeterRecordAt } from '../core/meter-reading.ts';
import type { SessionRecordAt } from '../core/session-result.ts';
import type { UptimeRecord } from '../core/uptime.ts';
import type { EventPlaceAt } from './evidence-document.ts';

/** Events that a rule read: each once, in the order of the charger's connections. */
export interface Trace {
  note: (place: EventPlaceAt) => void;
  places: () => EventPlaceAt[];
}

export function makeTrace(): Trace {
  const places = new Map<string, EventPlaceAt>();
  return {
    note: ({ gateway, chapter, epoch, seq }) => {
      places.set(`${gateway} ${chapter} ${epoch} ${seq}`, { gateway, chapter, epoch, seq });
    },
    places: () =>
      [...places.values()].sort(
        (one, other) =>
          one.epoch - other.epoch ||
          one.gateway.localeCompare(other.gateway) ||
          one.chapter - other.chapter ||
          one.seq - other.seq,
      ),
  };
}

function* noted<Row>(rows: Iterable<Row>, note: (row: Row) => void): Iterable<Row> {
  for (const row of rows) {
    note(row);
    yield row;
  }
}

/** A record that notes what is read of it: of a connection its first event and the last by then. */
export function tracedRecord<Record extends RecordAt>(record: Record, { note }: Trace): Record {
  const noteConnection = (row: ConnectionAt) => {
    note({ ...row, seq: row.firstSeq });
    note({ ...row, seq: row.lastFrameSeq });
  };
  return {
    ...record,
    connections: (maxEpoch) => noted(record.connections(maxEpoch), noteConnection),
    statuses: (...of) => noted(record.statuses(...of), note),
    boots: (...of) => noted(record.boots(...of), note),
    faults: (...of) => noted(record.faults(...of), note),
    transactions: (...of) => noted(record.transactions(...of), note),
    states: (...of) => noted(record.states(...of), note),
  };
}

/** As `tracedRecord`; of a transaction's end also the message that told its connector. */
export function tracedMeter(record: MeterRecordAt, { note }: Trace): MeterRecordAt {
  return {
    ...record,
    readings: (...of) => noted(record.readings(...of), note),
    stops: (...of) =>
      noted(record.stops(...of), (stop) => {
        note(stop);
        if (stop.start !== undefined) note(stop.start);
      }),
  };
}

export function tracedUptime(record: UptimeRecord, trace: Trace): UptimeRecord {
  return { ...record, at: (atMs) => tracedRecord(record.at(atMs), trace) };
}

/** As `tracedRecord`, of a request: the charger's answers, what it told after them, and the messages of the session. */
export function tracedCommand(record: CommandRecordAt, trace: Trace): CommandRecordAt {
  const note = (place: EventPlaceAt) => {
    if (record.gateway(place.gateway).chapter === place.chapter) trace.note(place);
  };
  return {
    ...record,
    answers: () =>
      [...noted(record.answers(), note)].map((answer) => ({
        ...answer,
        toldUntilFree: (connector: number) =>
          noted(answer.toldUntilFree(connector), ({ seq }) => note({ ...answer, seq })),
      })),
    session: tracedSession(record.session, note),
  };
}

function tracedSession(session: SessionRecordAt, note: Trace['note']): SessionRecordAt {
  return {
    ...session,
    shown: () => noted(session.shown(), note),
    messagesOf: (transactionId) => noted(session.messagesOf(transactionId), note),
    stopsOf: (transactionId) => noted(session.stopsOf(transactionId), note),
    gatewayStops: (...of) => noted(session.gatewayStops(...of), note),
    told: (start, to) => {
      const told = session.told(start, to);
      if (told.isKnown) told.answer.forEach(note);
      return told;
    },
  };
}
