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
import { isObject, isWhole, type JsonObject } from './json.ts';
import {
  decodeCommandParams,
  decodeGetParams,
  decodeSetParams,
  decodeStartParams,
  sessionTag,
} from './request-approval.ts';

/** Holds the charger's password, which must not stand on a public chain. */
const SECRET_KEY = 'AuthorizationKey';

/**
 * The OCPP 1.6 call that carries a request out; throws what ethers throws if the parameters are of another shape.
 *
 * @param transactionId - of the session to be stopped
 * @returns undefined if there is none
 */
export function callOf16({ requestId, query, params }: Asked, transactionId: unknown): ChargerCall | undefined {
  switch (query) {
    case 'start-charge': {
      const { connector } = decodeStartParams(params);
      if (connector === 0) return undefined;
      return call('RemoteStartTransaction', { connectorId: connector, idTag: sessionTag(requestId) });
    }
    case 'stop-charge':
      return isWhole(transactionId) ? call('RemoteStopTransaction', { transactionId }) : undefined;
    case 'get-configuration': {
      const { keys } = decodeGetParams(params);
      return keys.length === 0 ? undefined : call('GetConfiguration', { key: keys });
    }
    case 'set-configuration': {
      const { key, value } = decodeSetParams(params);
      return isSameName(SECRET_KEY, key) ? undefined : call('ChangeConfiguration', { key, value });
    }
    case 'command': {
      const { action, payload } = decodeCommandParams(params);
      return givenCall(action, payload, ({ key }) => action === 'ChangeConfiguration' && isSameName(key, SECRET_KEY));
    }
  }
}

/** What an OCPP 1.6 charger's answer frame says; throws what ethers throws if the parameters are of another shape. */
export function replyOf16({ query, params }: Asked, frame: string): ChargerReply {
  const answer = readAnswerFrame(frame);
  if (answer.kind === 'malformed') return NO_ANSWER;
  if (answer.kind === 'error') return ofError(answer.code);
  if (query === 'command') return ofCommand(answer);
  if (query === 'get-configuration') return configuration(answer.payload, decodeGetParams(params).keys);
  return ofStatus(answer.payload.status);
}

function configuration({ configurationKey }: JsonObject, keys: string[]): ChargerReply {
  const rows = Array.isArray(configurationKey) ? configurationKey.filter(isObject) : [];
  return done(
    keys.map((key) => {
      const value = rows.find((row) => isSameName(row.key, key))?.value;
      return typeof value === 'string' && !isSameName(SECRET_KEY, key) ? value : '';
    }),
  );
}

function call(action: string, payload: object): ChargerCall {
  return { action, payload: JSON.stringify(payload) };
}
