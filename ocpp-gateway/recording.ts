import type { Arrival, CallTools, Kept } from './call-desk.ts';
import type { ChargerLink } from './charger-link.ts';
import type { ConnectionChain } from './custody.ts';
import type { Dialect, Payload } from './dialect.ts';
import type { FewMessages } from './few-messages.ts';
import type { Call } from './frame.ts';
import { type MeterSeries, meterSeries } from './meter-pace.ts';
import type { Waiter } from './outbox-pending.ts';
import { recordedMessage } from './recorded-message.ts';
import { textFrame } from './text-frame.ts';
import { hasSequel } from './told.ts';

/** What the recordings of one connection have in common. */
export interface RecordingDesk {
  chain: ConnectionChain;
  dialect: Dialect;
  tools: Pick<CallTools, 'metrics' | 'now' | 'sessions' | 'transactions'>;
  link: Pick<ChargerLink, 'sendFrame'>;
  /** Called with each call that tells of statuses and was accepted, once it is on record. */
  onRecorded: (call: Call) => void;
  /** The calls that are not answered yet. */
  inFlight: Pick<FewMessages<Arrival>, 'delete'>;
  giveUp: (arrival: Arrival, error: unknown) => void;
}

/** How long a Heartbeat may wait for its answer, whose time the charger sets its clock by. */
const HEARTBEAT_HELD_MS = 5_000;

/** A call of a charger on its way into the record: answered once it is there, and then what follows from it. */
export class Recording implements Waiter {
  private readonly desk: RecordingDesk;
  private readonly kind: Kept;
  private readonly arrival: Arrival;
  private readonly reply: string;
  private readonly onAnswered: (() => void) | undefined;
  private readonly seq: number;
  private readonly staleAtMs: number | undefined;
  private series: MeterSeries | undefined;
  /** The reply, made ready to be sent. */
  private frame: Buffer | undefined;

  constructor(desk: RecordingDesk, kind: Kept, arrival: Arrival, reply: string, onAnswered?: () => void) {
    const { chain, tools } = desk;
    const { subject } = arrival;
    this.desk = desk;
    this.kind = kind;
    this.arrival = arrival;
    this.reply = reply;
    this.onAnswered = onAnswered;
    this.seq = chain.seq;
    this.staleAtMs = subject === 'heartbeat' ? tools.now() + HEARTBEAT_HELD_MS : undefined;
    if (subject !== 'meter' && subject !== 'status') this.dropPayload();
  }

  prepare(): void {
    if (this.frame !== undefined) return;
    const { dialect } = this.desk;
    const { call, subject } = this.arrival;
    this.frame = textFrame(this.reply);
    if (subject !== 'meter') return;
    const payload = call.payload as Payload;
    if (this.kind === 'call') this.series = meterSeries(dialect.meterPlaceIn(payload), payload);
    this.dropPayload();
  }

  /** Nothing reads it any more. Thousands of messages wait at a time, and the garbage collector would copy it for each. */
  private dropPayload(): void {
    this.arrival.call.payload = undefined;
  }

  told(refusal?: Error): void {
    const { desk, arrival } = this;
    if (refusal !== undefined) {
      desk.giveUp(arrival, refusal);
      return;
    }
    const { metrics, now } = desk.tools;
    const { call, arrivedAtMs } = arrival;
    if (this.staleAtMs !== undefined && now() > this.staleAtMs) {
      desk.inFlight.delete(arrival);
      metrics.message(call.action, 'stale');
      return;
    }
    if (call.kind === 'call') desk.link.sendFrame(this.frame ?? textFrame(this.reply));
    desk.inFlight.delete(arrival);
    metrics.message(call.action, this.kind === 'suspect' ? 'suspect' : arrival.isForgiven ? 'forgiven' : 'answered');
    metrics.latency((performance.now() - arrivedAtMs) / 1000);
    this.onAnswered?.();
  }

  follow(): void {
    const { call, text, subject } = this.arrival;
    if (!hasSequel(subject)) return;
    const { kind, reply, seq, series } = this;
    const { chain, dialect, tools, onRecorded } = this.desk;
    const message = recordedMessage({ kind, frame: text, reply }, dialect.version, tools.now());
    if (series === undefined) {
      tools.transactions.recorded(chain.charger, call.action, { epoch: chain.epoch, seq }, message);
    }
    if (kind !== 'call') return;
    if (subject === 'status') onRecorded(call);
    tools.sessions.recorded(chain.charger, subject, message, series);
  }
}
