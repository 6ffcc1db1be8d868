import { z } from 'zod';
import { asOfMs } from '../core/as-of.ts';
import { chargerStatusAt } from '../core/charger-status.ts';
import { DevsenError } from '../core/errors.ts';
import { evidenceHash } from '../core/evidence.ts';
import { meterReadingAt } from '../core/meter-reading.ts';
import { encodeChargerStatus, encodeMeterReading, encodeUptime } from '../core/queries.ts';
import { COMMAND_QUERIES, type CommandQuery } from '../core/request-approval.ts';
import { encodeSessionAnswer } from '../core/session-answers.ts';
import { sessionToldAt } from '../core/session-result.ts';
import { uptimeBetween } from '../core/uptime.ts';
import type { BatchExport } from './batch-export.ts';
import { OF_REQUEST } from './command-endpoints.ts';
import type { Database } from './database.ts';
import { BYTES32, certain, check, checkPeriod, type Endpoint, LATEST_SEC, whole } from './endpoints.ts';
import { type EventPlaceAt, makeEvidenceDocuments } from './evidence-document.ts';
import { makeTrace, tracedCommand, tracedMeter, tracedRecord, tracedUptime } from './evidence-trace.ts';
import type { MeterReader } from './meter-reader.ts';
import type { RecordReader } from './record-reader.ts';
import { type FollowMeans, followRequest } from './request-follower.ts';
import type { SessionReader } from './session-reader.ts';
import type { UptimeReader } from './uptime-reader.ts';

/** How much of the document one answer holds, bytes: in base64, and with what stands beside it, under what a node takes. */
const PART_BYTES = 22_500;
/** Most events that evidence is given of, and most bytes of all of it. */
const MOST_EVENTS = 5_000;
const MOST_BYTES = 16_777_216;
/** Documents that are kept for their next parts. */
const MOST_KEPT = 4;

export const EVIDENCE_QUERIES = [
  'session-result',
  'charger-status',
  'meter-reading',
  'uptime',
  ...COMMAND_QUERIES,
] as const;
type EvidenceQuery = (typeof EVIDENCE_QUERIES)[number];

const COMMON = { deviceId: BYTES32, asOf: whole(LATEST_SEC), offset: whole(MOST_BYTES).default(0) };
const OF_CONNECTOR = z.object({ ...COMMON, connector: whole(65_535) });
const OF_QUERY = z.object({
  query: z
    .enum(EVIDENCE_QUERIES, { errorMap: () => ({ message: `must be one of ${EVIDENCE_QUERIES.join(', ')}` }) })
    .default('session-result'),
});
const OF_COMMAND = OF_REQUEST.extend({ offset: COMMON.offset });
const OF: Readonly<Record<EvidenceQuery, z.ZodType<Question, z.ZodTypeDef, unknown>>> = {
  'session-result': z.object({ ...COMMON, sessionId: BYTES32 }),
  'charger-status': OF_CONNECTOR,
  'meter-reading': OF_CONNECTOR,
  uptime: z.object({ ...COMMON, from: whole(LATEST_SEC), to: whole(LATEST_SEC) }),
  'start-charge': OF_COMMAND,
  'stop-charge': OF_COMMAND,
  'get-configuration': OF_COMMAND,
  'set-configuration': OF_COMMAND,
  command: OF_COMMAND,
};

interface Question {
  deviceId: string;
  asOf: number;
  /** Where the part begins, bytes. */
  offset: number;
  connector?: number;
  sessionId?: string;
  from?: number;
  to?: number;
  requestId?: string;
  params?: string;
}

export interface EvidenceMeans extends FollowMeans {
  db: Database;
  reader: Pick<RecordReader, 'at'>;
  meter: MeterReader;
  uptime: UptimeReader;
  session: SessionReader;
  /** The record as gateways signed it; undefined until the chain has told the network. */
  batches: () => Pick<BatchExport, 'sealed'> | undefined;
}

/** An answer, and the events that it was read from. */
interface Told {
  answer: string;
  places: EventPlaceAt[];
  /** As of when it is the answer, where that is not the time asked about, Unix seconds. */
  sec?: number;
}

interface Document {
  /** As of when the answer is, Unix seconds. */
  sec: number;
  result: string;
  answer: string;
  events: number;
  text: Buffer;
}

/**
 * The endpoint `evidence`: the charger events that an answer was read from, each with the batch it went out in and that batch's
 * signature, as one JSON text in parts of a size that nodes take. `result` is keccak256 of the events' chain hashes, one after
 * the other: of `session-result` the evidence that the chain was told. Whoever has the gateways' keys checks all of it with
 * `core/evidence.ts`, and trusts no operator.
 */
export function makeEvidence(means: EvidenceMeans): ReadonlyMap<string, Endpoint> {
  const { db, knowing, batches } = means;
  const documentOf = makeEvidenceDocuments(db);
  const kept = new Map<string, Document>();

  const make = async (query: EvidenceQuery, question: Question, signal: AbortSignal): Promise<Document> => {
    const { answer, places, sec = question.asOf } = await toldOf(means, query, question, signal);
    if (places.length > MOST_EVENTS) {
      throw new DevsenError('INPUT_INVALID', `more than ${MOST_EVENTS} events; ask about a shorter period`);
    }
    const record = batches();
    const document = record && documentOf(question.deviceId, places, record.sealed);
    if (document === undefined) throw new DevsenError('NOT_YET', 'this operator has not all of the evidence');
    const hashes = document.events.map(({ batch, index }) => document.batches[batch]?.eventHashes[index] ?? '');
    const text = Buffer.from(JSON.stringify(document));
    if (text.length > MOST_BYTES) {
      throw new DevsenError('INPUT_INVALID', `evidence of more than ${MOST_BYTES} bytes; ask about a shorter period`);
    }
    return { sec, result: evidenceHash(hashes), answer, events: places.length, text };
  };

  const evidence: Endpoint = async (data, signal) => {
    const { query } = check(OF_QUERY, data);
    const question = check(OF[query], data);
    await knowing.untilKnown(question.asOf, signal);
    const { offset, ...of } = question;
    const name = JSON.stringify([query, of]);
    const document = kept.get(name) ?? (await make(query, question, signal));
    kept.delete(name);
    kept.set(name, document);
    for (const [oldest] of kept) if (kept.size > MOST_KEPT) kept.delete(oldest);
    const { sec, result, answer, events, text } = document;
    const end = Math.min(offset + PART_BYTES, text.length);
    const about = { query, answer, events, bytes: text.length, next: end < text.length ? end : null };
    const part = text.subarray(offset, end).toString('base64');
    // Frames hold idTags.
    return { result, fields: { ...about, part }, logged: about, aboutMs: sec * 1000 };
  };
  return new Map([['evidence', evidence]]);
}

async function toldOf(
  means: EvidenceMeans,
  query: EvidenceQuery,
  question: Question,
  signal: AbortSignal,
): Promise<Told> {
  const { reader, meter, uptime, session, meterKeyOf } = means;
  const { deviceId, asOf, connector = 0, sessionId = '', from = 0, to = 0 } = question;
  const atMs = asOfMs(asOf);
  const trace = makeTrace();
  const { places } = trace;
  switch (query) {
    case 'session-result': {
      const meterKey = await meterKeyOf(deviceId);
      const told = certain(sessionToldAt(session(deviceId, sessionId, atMs), atMs, meterKey));
      return { answer: encodeSessionAnswer(told.answer), places: told.events };
    }
    case 'charger-status': {
      const answer = certain(chargerStatusAt(tracedRecord(reader.at(deviceId, atMs), trace), connector, atMs));
      return { answer: encodeChargerStatus(answer), places: places() };
    }
    case 'meter-reading': {
      const answer = certain(meterReadingAt(tracedMeter(meter(deviceId, atMs), trace), connector, atMs));
      return { answer: encodeMeterReading(answer), places: places() };
    }
    case 'uptime': {
      checkPeriod(from, to, asOf);
      const record = certain(uptime(deviceId, from, to));
      const answer = certain(uptimeBetween(tracedUptime(record, trace), from, to));
      return { answer: encodeUptime(answer), places: places() };
    }
    default:
      return toldOfRequest(means, query, question, signal);
  }
}

/** What a charger did about a request. The request is taken as it is told here, and is not approved by that. */
async function toldOfRequest(
  means: EvidenceMeans,
  query: CommandQuery,
  { deviceId, asOf, requestId = '', params = '' }: Question,
  signal: AbortSignal,
): Promise<Told> {
  const asked = { requestId, deviceId, query, params: params.toLowerCase(), asOfSec: asOf };
  let trace = makeTrace();
  const { answer, sec } = await followRequest(means, asked, signal, (record) => {
    trace = makeTrace();
    return tracedCommand(record, trace);
  });
  return { answer: String(answer.result), places: trace.places(), sec };
}
