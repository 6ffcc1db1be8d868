import { hash } from 'node:crypto';
import { DevsenError } from './errors.ts';

/**
 * What happened on a charger's connection.
 *
 * - `open`, `close`: the connection itself; `frame` is a small JSON object written by the gateway
 * - `call`: a CALL the charger sent; `reply` is what it was answered
 * - `suspect`: a transaction message that breaks the schema of its action: kept raw, never dropped, never billed as it is
 * - `answer`: the charger's CALLRESULT or CALLERROR to a CALL of the gateway; `reply` is that CALL
 */
export type ChargerEventKind = 'open' | 'close' | 'call' | 'suspect' | 'answer';

const KINDS: ReadonlySet<string> = new Set(['open', 'close', 'call', 'suspect', 'answer']);

/**
 * One fact a gateway took in from a charger. Its id is (charger, epoch, seq).
 *
 * The normalised body (Wh, W, status …) is not carried: every reader derives it from the frame by the same pure
 * function, so there is nothing a gateway could normalise falsely.
 */
export interface ChargerEvent {
  /** OCPP identity. */
  charger: string;
  /** Grows with each connection of the charger, at whichever gateway. */
  epoch: number;
  /** 0 for the `open` event, then one more for each event of the connection. */
  seq: number;
  /** When the gateway received it: Unix milliseconds of a clock that never steps back within a gateway's process. */
  receivedAtMs: number;
  kind: ChargerEventKind;
  /**
   * The exact text of the CALLRESULT or CALLERROR the gateway answered with; empty where nothing was. Of an `answer`:
   * the CALL that was answered, as sent but for tabs, which stand as spaces, and secrets (keys, passwords), left out.
   */
  reply: string;
  /** The exact text the charger sent. */
  frame: string;
}

/** The hash before a connection's first event. */
export const CHAIN_START = '0'.repeat(64);

const FIELD = '\t';

/**
 * An event as one text: charger, epoch, seq, receivedAtMs, kind, reply and frame, parted by tabs.
 * The frame stands last because it alone may hold a tab; the reply is JSON that the gateway wrote without one.
 */
export function encodeEvent(event: ChargerEvent): string {
  return `${event.charger}\t${event.epoch}\t${event.seq}\t${event.receivedAtMs}\t${event.kind}\t${event.reply}\t${event.frame}`;
}

/** @throws DevsenError `CUSTODY_BROKEN` if the text is not what `encodeEvent` writes */
export function decodeEvent(line: string): ChargerEvent {
  const fields: string[] = [];
  let from = 0;
  for (let i = 0; i < 6; i++) {
    const to = line.indexOf(FIELD, from);
    if (to < 0) throw new DevsenError('CUSTODY_BROKEN', `charger event has ${i + 1} fields, expected 7`);
    fields.push(line.slice(from, to));
    from = to + 1;
  }
  const [charger, epoch, seq, receivedAtMs, kind, reply] = fields as [string, string, string, string, string, string];
  if (!KINDS.has(kind)) throw new DevsenError('CUSTODY_BROKEN', 'charger event is of no known kind');
  return {
    charger,
    epoch: wholeNumber(epoch, 'epoch'),
    seq: wholeNumber(seq, 'seq'),
    receivedAtMs: wholeNumber(receivedAtMs, 'receivedAtMs'),
    kind: kind as ChargerEventKind,
    reply,
    frame: line.slice(from),
  };
}

/** The hash of an event in its connection's chain: SHA-256 over the hash before it and its own line; lower-case hex. */
export function chainHash(previousHash: string, line: string): string {
  return hash('sha256', previousHash + line);
}

function wholeNumber(text: string, field: string): number {
  const value = Number(text);
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(value)) {
    throw new DevsenError('CUSTODY_BROKEN', `charger event: ${field} is no whole number`);
  }
  return value;
}
