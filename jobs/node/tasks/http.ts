import { errorOfStatus, fetchBounded } from '../http-client.ts';
import { asFlag, asString, attribute, goodInputs, headerPairs, mapAttribute, type TaskType } from '../task.ts';
import { toJson } from '../values.ts';

/**
 * Asks an HTTP source; gives the answer's text. An address that is not public is refused, unless
 * `allowUnrestrictedNetworkAccess` is true: who writes a request on chain must not reach what is behind the node.
 */
export const http: TaskType = {
  required: ['url'],
  optional: ['method', 'requestdata', 'headers', 'allowunrestrictednetworkaccess'],
  run: async (call) => {
    goodInputs(call, Number.POSITIVE_INFINITY);
    const data = mapAttribute(call, 'requestdata');
    const signals = [call.signal];
    if (call.timeoutMs === undefined) signals.push(AbortSignal.timeout(call.services.httpTimeoutMs));
    const { status, text } = await fetchBounded({
      url: asString(attribute(call, 'url'), 'url'),
      method: asString(attribute(call, 'method') ?? 'GET', 'method').toUpperCase(),
      headers: [['content-type', 'application/json'], ...headerPairs(call)],
      body: data === undefined ? undefined : toJson(data),
      mostBytes: call.services.httpMaxBytes,
      isAnywhereAllowed: asFlag(
        attribute(call, 'allowunrestrictednetworkaccess'),
        'allowUnrestrictedNetworkAccess',
        false,
      ),
      signal: AbortSignal.any(signals),
    });
    if (status >= 400) throw errorOfStatus(status, `http: answered ${status}: ${reasonIn(text).slice(0, 200)}`);
    return { value: text };
  },
};

/** What a source says went wrong, where it says so in a usual place. */
function reasonIn(text: string): string {
  try {
    const { error, errorMessage } = JSON.parse(text) as { error?: unknown; errorMessage?: unknown };
    const said = [error, errorMessage].find((entry) => typeof entry === 'string' && entry !== '');
    return typeof said === 'string' ? said : text;
  } catch {
    return text;
  }
}
