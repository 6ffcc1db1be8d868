import { isObject } from '../core/json.ts';
import { isSecretName } from '../core/secret-names.ts';

/** Stands where a secret was. */
const CUT = '';

/** Members that are secret wherever they stand: network profiles of OCPP 2.x, the only messages whose schemas have any. */
const SECRET_MEMBERS: ReadonlySet<string> = new Set([
  'apnPassword',
  'apnUserName',
  'basicAuthPassword',
  'password',
  'simPin',
]);
/** What of a network profile's `vpn` is secret beside its password, under names that are others' elsewhere. */
const SECRET_OF_VPN: ReadonlySet<string> = new Set(['key', 'user']);

/**
 * A CALL to a charger as it is put on record, where every operator reads it: without secrets (keys that it sets, user
 * information and query of a URL at which a charger is to fetch or leave a file), and without tabs, which part a charger
 * event's fields and in JSON can only stand between tokens. All else is as it was sent.
 *
 * @param text - the frame as it was sent
 * @param payload - JSON text of an object
 */
export function recordedCall(messageId: string, text: string, action: string, payload: string): string {
  const sent: unknown = JSON.parse(payload);
  const kept = withoutSecrets(sent);
  if (JSON.stringify(kept) === JSON.stringify(sent)) return text.replaceAll('\t', ' ');
  return JSON.stringify([2, messageId, action, kept]);
}

/** @param place - name of the member whose value it is */
function withoutSecrets(value: unknown, place = ''): unknown {
  if (typeof value === 'string') return withoutUrlSecrets(value);
  if (Array.isArray(value)) return value.map((item) => withoutSecrets(item, place));
  if (!isObject(value)) return value;
  const isKey = setsSecret(value);
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      const isSecret =
        SECRET_MEMBERS.has(name) ||
        (place === 'vpn' && SECRET_OF_VPN.has(name)) ||
        (isKey && (name === 'value' || name === 'attributeValue'));
      return [name, isSecret && typeof member === 'string' ? CUT : withoutSecrets(member, name)];
    }),
  );
}

/** Whether an object is `{key, value}` of ChangeConfiguration or an item of SetVariables, for a secret. */
function setsSecret({ key, component, variable }: Record<string, unknown>): boolean {
  const names = [component, variable].flatMap((named) => (isObject(named) ? [named.name, named.instance] : []));
  return isSecretName(...[key, ...names].filter((name) => typeof name === 'string'));
}

/** A host, with its port. What begins with anything else may be the rest of a password. */
const HOST = /^(\[[0-9A-Fa-f:.]+\]|[^:@?#\s]*)(:\d{1,5})?([/\\]|$)/;

/** `scheme://user:password@host/path?query` without user, password and query, which may be a signature. */
function withoutUrlSecrets(text: string): string {
  const [, scheme, rest] = /^\s*([A-Za-z][A-Za-z0-9+.-]*:[/\\]{2})(.*)$/s.exec(text) ?? [];
  if (scheme === undefined || rest === undefined) return text;
  const [address = ''] = rest.split(/[?#]/, 1);
  const path = /[/\\].*$/s.exec(address)?.[0] ?? '';
  const authority = address.slice(0, address.length - path.length);
  const at = authority.lastIndexOf('@');
  const isPlain = at < 0 && address === rest;
  // A password with a slash in it that nobody encoded.
  if (isPlain && !path.includes('@')) return text;
  const place = path.includes('@') ? path.slice(path.lastIndexOf('@') + 1) : authority.slice(at + 1) + path;
  return HOST.test(place) ? `${scheme}${place}` : scheme;
}
