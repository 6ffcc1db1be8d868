import { factsInAnswer } from './answer-facts.ts';
import type { ChargerEvent } from './charger-event.ts';
import type { ChargerFact } from './charger-fact.ts';
import { type FactReaders, unusable } from './fact-reader.ts';
import { isObject, type JsonObject, optionalText, parseText } from './json.ts';
import type { OcppVersion } from './ocpp-version.ts';
import { READERS_16 } from './ocpp16.ts';
import { READERS_20, READERS_21 } from './ocpp20.ts';

const CALL = 2;
const CALL_RESULT = 3;
const CALL_ERROR = 4;
const SEND = 6;

const READERS: Readonly<Record<OcppVersion, FactReaders>> = {
  'ocpp1.6': READERS_16,
  'ocpp2.0.1': READERS_20,
  'ocpp2.1': READERS_21,
};

/**
 * What a charger event says: one fact, or several where a message of OCPP 2.x tells of several connectors, or where the
 * answer to a command tells something of the charger.
 *
 * Total and pure: any text gives a fact, `unusable` with its reason at worst, and the same text gives the same facts
 * everywhere. A message the gateway answered with a CALLERROR, or kept as suspect, is `unusable`: it was not accepted.
 *
 * @param version - of the event's connection; undefined where its opening is not on record: the version is then the one
 *   whose schema the message could have passed
 * @see OCPP-J 1.6 §4.2; OCPP-J 2.1 §4.2, with SEND
 */
export function deriveFacts(
  event: Pick<ChargerEvent, 'kind' | 'frame' | 'reply' | 'receivedAtMs'>,
  version: OcppVersion | undefined,
): readonly ChargerFact[] {
  if (event.kind === 'open') return [{ kind: 'opened' }];
  if (event.kind === 'close') return [{ kind: 'closed' }];
  if (event.kind === 'answer') return readAnswer(event);
  const frame = parseArray(event.frame);
  const isSend = frame?.[0] === SEND;
  if (frame === undefined || (frame[0] !== CALL && !isSend) || typeof frame[2] !== 'string') {
    return [unusable('no CALL of OCPP-J')];
  }
  const action = frame[2];
  const refused = (reason: string) => [{ ...unusable(reason), action }];
  if (event.kind === 'suspect') return refused('breaks the schema of its action');
  const call = frame[3];
  if (!isObject(call)) return refused('payload is no object');
  const reply = isSend ? [CALL_RESULT, '', {}] : parseArray(event.reply);
  if (reply === undefined || reply[0] !== CALL_RESULT || !isObject(reply[2])) {
    return refused('was not answered with a CALLRESULT');
  }
  const spoken = version ?? likelyVersion(action, call);
  const readers = READERS[spoken];
  const read = Object.hasOwn(readers, action) ? readers[action] : undefined;
  if (read === undefined) return refused(`action is none a charger sends in ${spoken}`);
  if (read === 'other') return [{ kind: 'other', action }];
  const facts = read(call, reply[2], event.receivedAtMs);
  const list: readonly ChargerFact[] = Array.isArray(facts) ? facts : [facts as ChargerFact];
  if (list.length === 0) return [{ kind: 'other', action }];
  return list.map((fact) => (fact.kind === 'unusable' ? { ...fact, action } : fact));
}

/** Fields by which a message that both 1.6 and 2.x have is one of 2.x. */
const FIELDS_20 = ['chargingStation', 'connectorStatus', 'evseId', 'idToken'];

function likelyVersion(action: string, call: JsonObject): OcppVersion {
  if (!Object.hasOwn(READERS_16, action)) return 'ocpp2.1';
  return FIELDS_20.some((field) => Object.hasOwn(call, field)) ? 'ocpp2.1' : 'ocpp1.6';
}

function readAnswer({ frame, reply }: Pick<ChargerEvent, 'frame' | 'reply'>): readonly ChargerFact[] {
  const call = parseArray(reply);
  if (call === undefined || call[0] !== CALL || typeof call[2] !== 'string') {
    return [unusable('answers no CALL of OCPP-J')];
  }
  const action = call[2];
  const answer = parseArray(frame);
  if (answer === undefined || answer[1] !== call[1]) return [{ ...unusable('answers another CALL'), action }];
  const [type, , body] = answer;
  if (type === CALL_RESULT && isObject(body)) {
    const more = isObject(call[3]) ? factsInAnswer(action, call[3], body) : [];
    return [{ kind: 'answered', action, outcome: 'result', ...optionalText('status', body.status) }, ...more];
  }
  if (type !== CALL_ERROR) return [{ ...unusable('is no answer of OCPP-J'), action }];
  return [{ kind: 'answered', action, outcome: 'error', ...optionalText('status', body) }];
}

function parseArray(text: string): unknown[] | undefined {
  try {
    const value = parseText(text);
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
