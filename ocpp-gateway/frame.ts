import { isTooDeep, isWhole, mayBeTooDeep, parseText } from '../core/json.ts';

/** A CALL as OCPP-J frames it, `[2, messageId, action, payload]`, or a SEND of OCPP-J 2.1, `[6, …]`: no answer is due. */
export interface Call {
  kind: 'call' | 'send';
  messageId: MessageId;
  action: string;
  /** Not yet checked against any schema. */
  payload: unknown;
}

/** A text. Some chargers write a number, and then wait for one. */
export type MessageId = string | number;

/**
 * What a text from a charger is.
 *
 * - `response`: a CALLRESULT or CALLERROR, meant for whoever sent the call of that message id
 * - `ignored`: OCPP-J says to let it pass without a word
 * - `malformed`: no frame; `messageId` is the one to answer to, `-1` where none could be read
 */
export type InboundFrame =
  | Call
  | { kind: 'response'; messageId: unknown; answer: Answer }
  | { kind: 'ignored'; why: string }
  | { kind: 'malformed'; messageId: MessageId; why: string };

/** What a CALLRESULT or CALLERROR says; `malformed` where it lacks what its type must have, or nests too deep. */
export type Answer =
  | { kind: 'result'; payload: object }
  | { kind: 'error'; code: string; description: string }
  | { kind: 'malformed' };

/** What a CALLERROR of the gateway says. */
export interface CallError {
  code: string;
  /** Safe to send and to log: never repeats what the charger sent. */
  description: string;
}

const CALL = 2;
const CALL_RESULT = 3;
const CALL_ERROR = 4;
const SEND = 6;

/** The message id of a CALLERROR that answers what had no readable id; OCPP 2.0.1 part 4 §4.2.3, harmless in 1.6. */
const NO_MESSAGE_ID = '-1';

/** OCPP-J asks for at most 36 characters; some stations use a few more, which does no harm. */
const LONGEST_MESSAGE_ID = 255;

/**
 * Reads one OCPP-J frame.
 *
 * @see OCPP-J 1.6 §4.1.3 (unknown message types are ignored), §4.2
 */
export function parseFrame(text: string): InboundFrame {
  if (text.length === 0) return { kind: 'ignored', why: 'empty' };
  let parts: unknown;
  try {
    parts = parseText(text);
  } catch {
    return malformed('a frame must be JSON');
  }
  if (!Array.isArray(parts)) return malformed('a frame must be a JSON array');
  const [type, messageId, action, payload] = parts;
  if (typeof type !== 'number') return malformed('a frame must begin with its message type, a number');
  if (type === CALL_RESULT || type === CALL_ERROR) return { kind: 'response', messageId, answer: answerOf(parts) };
  if (type === SEND) return sendOf(parts);
  if (type !== CALL) return { kind: 'ignored', why: 'unknown-type' };
  if (!isMessageId(messageId)) {
    return malformed('the message id must be a string of 1 to 36 characters');
  }
  if (typeof action !== 'string') return malformed('the action must be a string', messageId);
  if (parts.length !== 4) return malformed('a CALL has four elements', messageId);
  if (mayBeTooDeep(text) && isTooDeep(payload)) return malformed('the payload nests too deep', messageId);
  return { kind: 'call', messageId, action, payload };
}

function isMessageId(value: unknown): value is MessageId {
  return isWhole(value) || (typeof value === 'string' && value.length > 0 && value.length <= LONGEST_MESSAGE_ID);
}

/** A SEND that is malformed is let pass: nobody waits for an answer. */
function sendOf([, messageId, action, payload]: unknown[]): InboundFrame {
  const isSend = isMessageId(messageId) && typeof action === 'string' && !isTooDeep(payload);
  if (!isSend) return { kind: 'ignored', why: 'malformed-send' };
  return { kind: 'send', messageId, action, payload };
}

/** Some stations leave out what a CALLERROR may have empty. */
function answerOf(parts: unknown[]): Answer {
  const [type, , body, description = ''] = parts;
  if (isTooDeep(parts)) return { kind: 'malformed' };
  if (type === CALL_RESULT) {
    const isPayload = typeof body === 'object' && body !== null && !Array.isArray(body);
    return isPayload ? { kind: 'result', payload: body } : { kind: 'malformed' };
  }
  return typeof body === 'string' && typeof description === 'string'
    ? { kind: 'error', code: body, description }
    : { kind: 'malformed' };
}

function malformed(why: string, messageId: MessageId = NO_MESSAGE_ID): InboundFrame {
  return { kind: 'malformed', messageId, why };
}

/** The text of a CALLRESULT. */
export function callResult(messageId: MessageId, payload: object): string {
  return `[${CALL_RESULT},${quoted(messageId)},${isEmpty(payload) ? '{}' : JSON.stringify(payload)}]`;
}

/** As JSON; most are of letters, digits and hyphens, which is quicker to see than to escape. */
function quoted(messageId: MessageId): string {
  return typeof messageId === 'string' && /^[\w-]+$/.test(messageId) ? `"${messageId}"` : JSON.stringify(messageId);
}

function isEmpty(payload: object): boolean {
  for (const _ in payload) return false;
  return true;
}

/** The text of a CALLERROR; its details stay empty so that nothing of the charger's payload comes back. */
export function callError(messageId: MessageId, error: CallError): string {
  return JSON.stringify([CALL_ERROR, messageId, error.code, error.description.slice(0, 255), {}]);
}
