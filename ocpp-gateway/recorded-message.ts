import type { ChargerEvent } from '../core/charger-event.ts';
import type { ChargerFact } from '../core/charger-fact.ts';
import { deriveFacts } from '../core/derive-facts.ts';
import type { OcppVersion } from '../core/ocpp-version.ts';

/** A CALL of a charger that is on record. */
export interface RecordedMessage extends Pick<ChargerEvent, 'kind' | 'frame' | 'reply'> {
  /** When it was, Unix ms. */
  readonly atMs: number;
  /** What it says; worked out once, when it is asked for. */
  readonly facts: readonly ChargerFact[];
}

/** @param version - of its connection, if it is known */
export function recordedMessage(
  { kind, frame, reply }: Pick<ChargerEvent, 'kind' | 'frame' | 'reply'>,
  version: OcppVersion | undefined,
  atMs: number,
): RecordedMessage {
  return new Recorded(kind, frame, reply, version, atMs);
}

class Recorded implements RecordedMessage {
  readonly kind: ChargerEvent['kind'];
  readonly frame: string;
  readonly reply: string;
  readonly atMs: number;
  private readonly version: OcppVersion | undefined;
  private derived: readonly ChargerFact[] | undefined;

  constructor(
    kind: ChargerEvent['kind'],
    frame: string,
    reply: string,
    version: OcppVersion | undefined,
    atMs: number,
  ) {
    this.kind = kind;
    this.frame = frame;
    this.reply = reply;
    this.version = version;
    this.atMs = atMs;
  }

  get facts(): readonly ChargerFact[] {
    if (this.derived === undefined) {
      const { kind, frame, reply, atMs: receivedAtMs, version } = this;
      this.derived = deriveFacts({ kind, frame, reply, receivedAtMs }, version);
    }
    return this.derived;
  }
}
