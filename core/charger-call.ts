import { keccak256, toUtf8Bytes, ZeroHash } from 'ethers';
import { isObject, isTooDeep, type JsonObject, parseText } from './json.ts';
import type { RequestApproval } from './request-approval.ts';
import { resultText } from './result-text.ts';
import type { Reason, Verdict } from './session-answers.ts';

export type { OcppVersion } from './ocpp-version.ts';

/** A call to a charger. */
export interface ChargerCall {
  /** OCPP action, exact. */
  action: string;
  /** JSON text of its payload, as it goes on the wire; not yet checked against the action's schema. */
  payload: string;
}

/** The parts of a request that say what the charger is to do. */
export type Asked = Pick<RequestApproval, 'requestId' | 'query' | 'params'>;

/** What a charger's answer to the call of a request says. */
export interface ChargerReply {
  /** Of `start-charge` and `stop-charge`: whether the charger took the call; the transaction may still not follow. */
  verdict: Verdict;
  reason: Reason;
  /** Of `get-configuration`: in the order of the keys asked for, empty where there is none; else none. */
  values: string[];
  /** keccak256 of the CALLRESULT's payload as the charger wrote it, 0x-hex; all zero if it gave none. */
  replyHash: string;
}

/** A charger's answer frame, taken apart. */
export type AnswerFrame =
  | { kind: 'result'; payload: JsonObject; text: string }
  | { kind: 'error'; code: string }
  | { kind: 'malformed' };

/** Reads the exact text of an answer frame; never throws. */
export function readAnswerFrame(frame: string): AnswerFrame {
  let parts: unknown;
  try {
    parts = parseText(frame);
  } catch {
    return { kind: 'malformed' };
  }
  if (!Array.isArray(parts) || isTooDeep(parts)) return { kind: 'malformed' };
  const [type, , body] = parts;
  if (type === 3 && isObject(body)) return { kind: 'result', payload: body, text: resultText(frame) };
  return type === 4 && typeof body === 'string' ? { kind: 'error', code: body } : { kind: 'malformed' };
}

const REPLY: ChargerReply = { verdict: 'Done', reason: 'None', values: [], replyHash: ZeroHash };
export const REJECTED: ChargerReply = { ...REPLY, verdict: 'Refused', reason: 'Rejected' };
export const NOT_SUPPORTED: ChargerReply = { ...REPLY, verdict: 'Refused', reason: 'NotSupported' };
/** What the charger sent is no answer to the call: whether it did what it was asked is not known. */
export const NO_ANSWER: ChargerReply = { ...REPLY, verdict: 'CannotKnow', reason: 'NoReply' };

/** The charger did it, and these are the values it told. */
export function done(values: string[] = []): ChargerReply {
  return { ...REPLY, values };
}

/** A charger's CALLERROR says that it did nothing: OCPP-J §4.2.3. */
export function ofError(code: string): ChargerReply {
  return code === 'NotSupported' || code === 'NotImplemented' ? NOT_SUPPORTED : REJECTED;
}

/** Statuses by which chargers say that they did or will do what they were asked, in any version of OCPP. */
const ACCEPTED: ReadonlySet<unknown> = new Set([
  'Accepted',
  'AcceptedCanceled',
  'RebootRequired',
  'Scheduled',
  'Unlocked',
]);

const UNSUPPORTED: ReadonlySet<unknown> = new Set([
  'NotImplemented',
  'NotSupported',
  'NotSupportedAttributeType',
  'UnknownComponent',
  'UnknownMessageId',
  'UnknownVariable',
  'UnknownVendorId',
]);

/** What the status of an answer says, in any version of OCPP. */
export function ofStatus(status: unknown): ChargerReply {
  if (typeof status !== 'string') return NO_ANSWER;
  if (ACCEPTED.has(status)) return done();
  return UNSUPPORTED.has(status) ? NOT_SUPPORTED : REJECTED;
}

/** What the answer to any action says: by its status if it has one; most answers without one are data. */
export function ofCommand({ payload, text }: Extract<AnswerFrame, { kind: 'result' }>): ChargerReply {
  const reply = payload.status === undefined ? done() : ofStatus(payload.status);
  return { ...reply, replyHash: keccak256(toUtf8Bytes(text)) };
}

/**
 * A command's call as a contract gave it; undefined if the payload is no JSON object, nests too deep, or sets the charger's
 * password.
 */
export function givenCall(
  action: string,
  payload: string,
  setsPassword: (payload: JsonObject) => boolean,
): ChargerCall | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(payload);
  } catch {
    return undefined;
  }
  return isObject(parsed) && !isTooDeep(parsed) && !setsPassword(parsed) ? { action, payload } : undefined;
}

/** Whether two names are the same to OCPP, which compares them without regard to case. */
export function isSameName(one: unknown, other: string): boolean {
  return typeof one === 'string' && one.toLowerCase() === other.toLowerCase();
}
