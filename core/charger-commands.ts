import { type Asked, type ChargerCall, type ChargerReply, NO_ANSWER, type OcppVersion } from './charger-call.ts';
import { callOf16, replyOf16 } from './charger-commands16.ts';
import { callOf20, replyOf20 } from './charger-commands20.ts';
import { encodeConfigurationAnswer } from './session-answers.ts';

/** Longest answer that the ledger takes, bytes: `OracleDEVSEN.MAX_ANSWER_BYTES`. */
export const MAX_ANSWER_BYTES = 1_024;

/**
 * The call by which a charger carries out what a contract asked. Its message id is `messageIdOf(requestId)`.
 *
 * A configuration key means what the charger's version makes of it: in OCPP 1.6 the key itself, in 2.x what
 * `readVariableKey` reads.
 *
 * @param transactionId - of the session that `stop-charge` is to end, as the charger knows it: a number in OCPP 1.6, a text
 *   in 2.x; undefined if none is known
 * @returns undefined if the charger cannot be asked that: parameters of another shape, a key that its version has not the
 *   form for, a payload that is no JSON object, no transaction to stop, or a password, which must not come from a public chain
 */
export function callOf(
  version: OcppVersion,
  asked: Asked,
  transactionId?: number | string | undefined,
): ChargerCall | undefined {
  try {
    return version === 'ocpp1.6' ? callOf16(asked, transactionId) : callOf20(asked, transactionId);
  } catch {
    return undefined;
  }
}

/**
 * What a charger's answer to that call says: total and pure, so that every operator reads the same out of it.
 *
 * @param frame - the exact text of its CALLRESULT or CALLERROR
 */
export function replyOf(version: OcppVersion, asked: Asked, frame: string): ChargerReply {
  try {
    const reply = version === 'ocpp1.6' ? replyOf16(asked, frame) : replyOf20(asked, frame);
    return asked.query === 'get-configuration' && isTooLong(reply) ? TOO_LONG : reply;
  } catch {
    return NO_ANSWER;
  }
}

/** The charger told more than the ledger takes: a part of it would pass for the whole. */
const TOO_LONG: ChargerReply = { ...NO_ANSWER, reason: 'None' };

function isTooLong(reply: ChargerReply): boolean {
  return (encodeConfigurationAnswer(reply).length - 2) / 2 > MAX_ANSWER_BYTES;
}
