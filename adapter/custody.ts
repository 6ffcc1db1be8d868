import { hash } from 'node:crypto';
import { SILENCE_BOUND_MS } from '../core/as-of.ts';
import { type Batch, batchText, GENERATION_START } from '../core/batch.ts';
import { CHAIN_START, type ChargerEvent, chainHash, decodeEvent } from '../core/charger-event.ts';
import { DevsenError } from '../core/errors.ts';
import { isChargerIdentity } from '../core/identity.ts';
import { type GatewayKey, isSignedBy } from './signature.ts';

/**
 * Where the record of one gateway stands.
 *
 * - `unheard`: nothing of it is on record
 * - `following`: each next batch must continue the one before
 * - `seeking`: the record broke off. Connections under way cannot be verified any more, so it goes on where all of them
 *   begin anew: with the gateway's next process or generation.
 */
export interface GatewayState {
  state: 'unheard' | 'following' | 'seeking';
  /** The uninterrupted part of the record that the next batch would continue. */
  chapter: number;
  generation: number;
  /** Of the last batch taken in or, when seeking, passed over. */
  number: number;
  digest: string;
  watermarkMs: number;
  bootedAtMs: number;
  /** Whether others may have what is missing here: a lost batch, not one that every operator refuses. */
  isMissed: boolean;
}

/** A connection's last event, as far as it is on record. */
export interface ConnectionHead {
  seq: number;
  /** Chain hash of that event. */
  hash: string;
  bootedAtMs: number;
  isClosed: boolean;
}

/** What judging a batch needs to look up. */
export interface CustodyView {
  state: GatewayState;
  key: GatewayKey | undefined;
  standing: 'registered' | 'unregistered' | 'convicted';
  /** A batch that is on record. */
  stored: (generation: number, number: number) => { digest: string; signature: string } | undefined;
  connection: (charger: string, epoch: number) => ConnectionHead | undefined;
  /** Chain hash of an event that is on record. */
  hashOf: (charger: string, epoch: number, seq: number) => string | undefined;
}

/** An event with its place in its connection's chain. */
export interface ChainedEvent {
  event: ChargerEvent;
  hash: string;
}

export type Verdict =
  | { kind: 'accept'; events: ChainedEvent[]; digest: string; isLate: boolean; opensChapter?: ChapterStart }
  /** On record already. */
  | { kind: 'duplicate' }
  /** Cannot be judged before another batch, or the registration of its key, has come. */
  | { kind: 'park'; reason: 'gap' | 'key' }
  /** Passed over while the record is broken off. */
  | { kind: 'pass' }
  /** Not from the gateway, or not of this record: changes nothing. */
  | { kind: 'refuse'; reason: string }
  /** Signed by the gateway, in its place, and against the rules: its record breaks off here, at every operator. */
  | { kind: 'break'; reason: string; digest: string }
  /** Contradicts the batch of `number` that is on record: the gateway signed both. */
  | { kind: 'convict'; number: number };

export interface ChapterStart {
  reason: 'first' | 'generation' | 'restart';
  isMissed: boolean;
}

/** Decides what becomes of a batch of well-formed shape. Pure: the same batches in the same order, the same verdicts. */
export function judgeBatch(batch: Batch, view: CustodyView): Verdict {
  const { state } = view;
  if (view.key === undefined) return refuse('public key is no point of the curve');
  if (view.standing === 'convicted') return refuse('key is convicted of signing contradictory batches');
  if (view.standing === 'unregistered') return { kind: 'park', reason: 'key' };
  if (state.state !== 'unheard') {
    if (batch.generation < state.generation) return judgeOld(batch, view, view.key);
    if (batch.generation === state.generation) {
      if (batch.number <= state.number) return judgeOld(batch, view, view.key);
      return state.state === 'following' ? judgeNext(batch, view, view.key) : judgeSought(batch, view, view.key);
    }
  }
  if (batch.number !== 0) return { kind: 'park', reason: 'gap' };
  if (batch.previous !== GENERATION_START) return refuse('first batch of a generation names a batch before it');
  return judgeStart(batch, view, view.key, {
    reason: state.state === 'unheard' ? 'first' : 'generation',
    isMissed: false,
  });
}

function judgeNext(batch: Batch, view: CustodyView, key: GatewayKey): Verdict {
  const { state } = view;
  if (batch.number > state.number + 1) return { kind: 'park', reason: 'gap' };
  const read = readEvents(batch, (event) => view.connection(event.charger, event.epoch)?.hash);
  if (typeof read === 'string') return refuse(read);
  const digest = digestOf(batch, read);
  if (!isSignedBy(key, digest, batch.signature)) return unverified(read, view);
  if (batch.previous !== state.digest) return { kind: 'convict', number: state.number };
  const fault = findFault(batch, read, view);
  if (fault !== undefined) return { kind: 'break', reason: fault, digest };
  const isLate = batch.watermarkMs - state.watermarkMs > SILENCE_BOUND_MS;
  return { kind: 'accept', events: read, digest, isLate };
}

function judgeSought(batch: Batch, view: CustodyView, key: GatewayKey): Verdict {
  const { state } = view;
  if (batch.bootedAtMs <= state.bootedAtMs) return { kind: 'pass' };
  if (batch.number !== state.number + 1) return { kind: 'park', reason: 'gap' };
  return judgeStart(batch, view, key, { reason: 'restart', isMissed: state.isMissed });
}

function judgeStart(batch: Batch, view: CustodyView, key: GatewayKey, opensChapter: ChapterStart): Verdict {
  // Only a generation that its process began in mid-course finds connections under way.
  const read = readEvents(batch, (event) => view.connection(event.charger, event.epoch)?.hash);
  if (typeof read === 'string') return refuse(read);
  const digest = digestOf(batch, read);
  if (!isSignedBy(key, digest, batch.signature)) return unverified(read, view);
  const fault = findFault(batch, read, view);
  if (fault !== undefined) return { kind: 'break', reason: fault, digest };
  return { kind: 'accept', events: read, digest, isLate: true, opensChapter };
}

/** A batch whose place in the chain is behind the head: known, foreign to this record, or a contradiction. */
function judgeOld(batch: Batch, view: CustodyView, key: GatewayKey): Verdict {
  const stored = view.stored(batch.generation, batch.number);
  if (stored === undefined) return refuse('lies before this record of the gateway, or in a part that it lacks');
  if (stored.signature === batch.signature) return { kind: 'duplicate' };
  const read = readEvents(batch, (event) => view.hashOf(event.charger, event.epoch, event.seq - 1));
  if (typeof read === 'string') return refuse(read);
  const digest = digestOf(batch, read);
  if (digest === stored.digest) return { kind: 'duplicate' };
  if (!isSignedBy(key, digest, batch.signature)) return refuse('signature does not verify');
  return { kind: 'convict', number: batch.number };
}

/** Decodes the events and chains them; `hashBefore` gives the hash before the first event of a connection in the batch. */
function readEvents(batch: Batch, hashBefore: (event: ChargerEvent) => string | undefined): ChainedEvent[] | string {
  const heads = new Map<string, string>();
  const events: ChainedEvent[] = [];
  for (const line of batch.events) {
    let event: ChargerEvent;
    try {
      event = decodeEvent(line);
    } catch (error) {
      if (error instanceof DevsenError) return error.message;
      throw error;
    }
    const connection = connectionKey(event);
    const before = event.seq === 0 ? CHAIN_START : (heads.get(connection) ?? hashBefore(event) ?? CHAIN_START);
    const chained = chainHash(before, line);
    heads.set(connection, chained);
    events.push({ event, hash: chained });
  }
  return events;
}

/**
 * What becomes of a batch in its place whose signature does not verify. If a connection in it goes on from an event that
 * is not on record, the signature may be true and the event lost here: that is a gap like any other.
 */
function unverified(events: ChainedEvent[], view: CustodyView): Verdict {
  const met = new Set<string>();
  for (const { event } of events) {
    const connection = connectionKey(event);
    if (met.has(connection)) continue;
    met.add(connection);
    const head = view.connection(event.charger, event.epoch);
    if (event.seq !== 0 && head?.seq !== event.seq - 1) return { kind: 'park', reason: 'gap' };
  }
  return refuse('signature does not verify');
}

/** What in a signed batch breaks the rules every gateway keeps; undefined if nothing does. */
function findFault(batch: Batch, events: ChainedEvent[], view: CustodyView): string | undefined {
  const { state } = view;
  if (batch.watermarkMs < state.watermarkMs) return 'watermark falls';
  if (batch.bootedAtMs < state.bootedAtMs) return 'process is older than the one before';
  if (batch.bootedAtMs > batch.watermarkMs) return 'watermark lies before the start of the process';
  const heads = new Map<string, ConnectionHead>();
  let earliestMs = state.watermarkMs + 1;
  for (const { event, hash: own } of events) {
    if (event.receivedAtMs < earliestMs) return 'event was received before one that went out earlier';
    if (event.receivedAtMs > batch.watermarkMs) return 'event was received after the watermark';
    earliestMs = event.receivedAtMs;
    const connection = connectionKey(event);
    const head = heads.get(connection) ?? view.connection(event.charger, event.epoch);
    const fault = findEventFault(event, head, batch.bootedAtMs);
    if (fault !== undefined) return fault;
    heads.set(connection, {
      seq: event.seq,
      hash: own,
      bootedAtMs: batch.bootedAtMs,
      isClosed: event.kind === 'close',
    });
  }
  return undefined;
}

function findEventFault(event: ChargerEvent, head: ConnectionHead | undefined, bootedAtMs: number): string | undefined {
  if (!isChargerIdentity(event.charger)) return 'charger has no OCPP identity';
  if ((event.seq === 0) !== (event.kind === 'open')) return 'connection does not begin with its opening';
  if (event.seq !== (head === undefined ? 0 : head.seq + 1)) return 'connection leaves out or repeats an event';
  if (head?.isClosed) return 'connection goes on after its close';
  if (head !== undefined && head.bootedAtMs !== bootedAtMs) return 'connection outlives its process';
  return undefined;
}

function connectionKey(event: ChargerEvent): string {
  return `${event.epoch} ${event.charger}`;
}

function digestOf(batch: Batch, events: ChainedEvent[]): string {
  return hash(
    'sha256',
    batchText(
      batch,
      events.map((event) => event.hash),
    ),
  );
}

function refuse(reason: string): Verdict {
  return { kind: 'refuse', reason };
}
