import {
  type Asked,
  type ChargerCall,
  type ChargerReply,
  done,
  givenCall,
  isSameName,
  NO_ANSWER,
  ofCommand,
  ofError,
  ofStatus,
  readAnswerFrame,
} from './charger-call.ts';
import { isObject, type JsonObject } from './json.ts';
import {
  decodeCommandParams,
  decodeGetParams,
  decodeSetParams,
  decodeStartParams,
  sessionTag,
} from './request-approval.ts';
import { readVariableKey, type VariableKey, variableKeyOf } from './variable-key.ts';

/**
 * The OCPP 2.0.1 or 2.1 call that carries a request out; throws what ethers throws if the parameters are of another shape.
 *
 * @param transactionId - of the session to be stopped
 * @returns undefined if there is none
 */
export function callOf20({ requestId, query, params }: Asked, transactionId: unknown): ChargerCall | undefined {
  switch (query) {
    case 'start-charge': {
      const { connector: evseId } = decodeStartParams(params);
      if (evseId === 0) return undefined;
      const idToken = { idToken: sessionTag(requestId), type: 'Central' };
      return call('RequestStartTransaction', { evseId, remoteStartId: remoteStartIdOf(requestId), idToken });
    }
    case 'stop-charge':
      return typeof transactionId === 'string' ? call('RequestStopTransaction', { transactionId }) : undefined;
    case 'get-configuration': {
      const keys = decodeGetParams(params).keys.map(readVariableKey);
      const getVariableData = keys.filter((key) => key !== undefined);
      if (keys.length === 0 || getVariableData.length < keys.length) return undefined;
      return call('GetVariables', { getVariableData });
    }
    case 'set-configuration': {
      const { key, value } = decodeSetParams(params);
      const variable = readVariableKey(key);
      if (variable === undefined || isSecret(variable)) return undefined;
      return call('SetVariables', { setVariableData: [{ attributeValue: value, ...variable }] });
    }
    case 'command': {
      const { action, payload } = decodeCommandParams(params);
      return givenCall(action, payload, (parsed) => action === 'SetVariables' && setsPassword(parsed));
    }
  }
}

/** What the charger's answer frame says; throws what ethers throws if the parameters are of another shape. */
export function replyOf20({ query, params }: Asked, frame: string): ChargerReply {
  const answer = readAnswerFrame(frame);
  if (answer.kind === 'malformed') return NO_ANSWER;
  if (answer.kind === 'error') return ofError(answer.code);
  if (query === 'command') return ofCommand(answer);
  if (query === 'get-configuration') return variables(answer.payload, decodeGetParams(params).keys);
  if (query !== 'set-configuration') return ofStatus(answer.payload.status);
  const results = answer.payload.setVariableResult;
  const [first] = Array.isArray(results) ? results : [];
  return ofStatus(isObject(first) ? first.attributeStatus : undefined);
}

/** `RequestStartTransactionRequest.remoteStartId`, an int32 by which the charger names the request it begins for. */
function remoteStartIdOf(requestId: string): number {
  return Number.parseInt(requestId.slice(2, 10), 16) & 0x7fff_ffff;
}

function variables({ getVariableResult }: JsonObject, keys: string[]): ChargerReply {
  const rows = Array.isArray(getVariableResult) ? getVariableResult.filter(isObject) : [];
  return done(
    keys.map((key) => {
      const asked = readVariableKey(key);
      if (asked === undefined || isSecret(asked)) return '';
      const wanted = variableKeyOf(asked);
      const value = rows.find((row) => variableKeyOf(row) === wanted)?.attributeValue;
      return typeof value === 'string' ? value : '';
    }),
  );
}

/** Holds the charger's password, which must not stand on a public chain. */
function isSecret({ component, variable }: VariableKey): boolean {
  return isSameName(component.name, 'SecurityCtrlr') && isSameName(variable.name, 'BasicAuthPassword');
}

function setsPassword({ setVariableData }: JsonObject): boolean {
  const rows = Array.isArray(setVariableData) ? setVariableData.filter(isObject) : [];
  return rows.some(({ component, variable }) => {
    const names = [component, variable].map((part) => (isObject(part) ? part.name : undefined));
    return isSameName(names[0], 'SecurityCtrlr') && isSameName(names[1], 'BasicAuthPassword');
  });
}

function call(action: string, payload: object): ChargerCall {
  return { action, payload: JSON.stringify(payload) };
}
