import { isChargerIdentity } from '../core/identity.ts';
import { OCPP_VERSIONS, type OcppVersion } from '../core/ocpp-version.ts';

/** Why a charger is not let in, as HTTP says it. */
export interface Refusal {
  status: 400 | 401 | 404 | 429 | 503;
  /** A short constant: body of the response, label of the metric. */
  reason: string;
}

/** What a well-formed upgrade request asks for. */
export interface UpgradeTarget {
  identity: string;
  version: OcppVersion;
}

/** Characters a subprotocol's name may have: an HTTP token (RFC 9110 §5.6.2). */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/**
 * Which charger asks to be let in, by which subprotocol.
 *
 * The identity is the last segment of the path, percent-decoded, whatever stands before it.
 *
 * @param url - the request's target as it was sent
 * @param offered - header `Sec-WebSocket-Protocol`
 * @see OCPP-J 1.6 §3.1.1 the connection URL, §3.1.2 the subprotocol
 */
export function readUpgradeTarget(url: string | undefined, offered: string | undefined): UpgradeTarget | Refusal {
  const identity = lastSegment(url ?? '');
  if (identity === undefined) return { status: 400, reason: 'malformed URL' };
  if (!isChargerIdentity(identity)) return { status: 404, reason: 'unknown charger' };
  const names = (offered ?? '').split(',').map((name) => name.trim());
  if (!names.every((name) => TOKEN.test(name)) || new Set(names).size !== names.length) {
    return { status: 400, reason: offered ? 'malformed subprotocol header' : 'no subprotocol offered' };
  }
  const version = OCPP_VERSIONS.find((name) => names.includes(name));
  return version === undefined ? { status: 400, reason: 'no common subprotocol' } : { identity, version };
}

function lastSegment(target: string): string | undefined {
  if (!target.startsWith('/')) return undefined;
  const url = URL.parse(`http://localhost${target}`);
  if (url === null) return undefined;
  try {
    return decodeURIComponent(url.pathname.slice(url.pathname.lastIndexOf('/') + 1));
  } catch {
    return undefined;
  }
}

/** Longest AuthorizationKey in any encoding seen, bytes; a longer one is no key. */
const LONGEST_PASSWORD = 128;

/**
 * The AuthorizationKeys that a Basic header may mean: its password's bytes as they are and, if they are hex digits
 * (OCPP 1.6 writes a key of 20 bytes as 40 of them), what the digits stand for.
 *
 * @param header - `Authorization`
 * @param identity - must be the user name; it may hold colons, the password any byte
 * @returns no key if the header is missing, of another scheme, or names somebody else
 */
export function readAuthorizationKeys(header: string | undefined, identity: string): Buffer[] {
  const base64 = /^ *basic +([A-Za-z0-9+/_-]+={0,2}) *$/i.exec(header ?? '')?.[1];
  if (base64 === undefined) return [];
  const credentials = Buffer.from(base64, 'base64');
  const user = Buffer.from(`${identity}:`);
  if (!credentials.subarray(0, user.length).equals(user)) return [];
  const password = credentials.subarray(user.length);
  if (password.length === 0 || password.length > LONGEST_PASSWORD) return [];
  const text = password.toString('latin1');
  return /^([0-9a-fA-F]{2}){16,64}$/.test(text) ? [password, Buffer.from(text, 'hex')] : [password];
}
