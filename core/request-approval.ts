import { AbiCoder, type TypedDataField, verifyTypedData } from 'ethers';
import { DevsenError } from './errors.ts';
import { isObject, isWhole } from './json.ts';
import { commandDomain } from './manager-command.ts';
import { QUERIES, type QueryName } from './queries.ts';

/** Queries that have a charger do something, so that a gateway needs the operators' approval of them. */
export const COMMAND_QUERIES = [
  'start-charge',
  'stop-charge',
  'get-configuration',
  'set-configuration',
  'command',
] as const satisfies readonly QueryName[];

export type CommandQuery = (typeof COMMAND_QUERIES)[number];

/** What the chain asked, as an operator approves it: the ledger's request itself, so nothing is left to interpret. */
export interface RequestApproval {
  /** 32 bytes, 0x-prefixed lower-case hex; the ledger's and Chainlink's. */
  requestId: string;
  /** keccak256 of the charger's OCPP identity, 0x-prefixed lower-case hex. */
  deviceId: string;
  query: CommandQuery;
  /** The query's parameters as the ledger carries them, 0x-prefixed lower-case hex. */
  params: string;
  /** Time of the block in which it was asked, Unix seconds. */
  asOfSec: number;
}

/** An approval and who gave it, as it travels through Redis. */
export interface SignedApproval extends RequestApproval {
  /** Account of the operator in UserDEVSEN, lower case. */
  operator: string;
  /** 65 bytes, 0x-prefixed hex, by the operator's registered signing key. */
  signature: string;
}

/** The queue that every gateway of a network takes approvals from. */
export const APPROVAL_QUEUE = 'request-approvals';

/** A gateway sends the call so long after `asOf` and no longer, seconds. */
export const COMMAND_VALID_SEC = 30;
/** The charger's answer counts if the gateway received it so long after `asOf`, seconds. */
export const ANSWER_WITHIN_SEC = 60;
/** A session begins if the gateway received the start of its transaction so long after `asOf`, seconds. */
export const START_WITHIN_SEC = 150;

const REQUEST_APPROVAL_TYPES: Record<string, TypedDataField[]> = {
  RequestApproval: [
    { name: 'requestId', type: 'bytes32' },
    { name: 'deviceId', type: 'bytes32' },
    { name: 'query', type: 'uint8' },
    { name: 'params', type: 'bytes' },
    { name: 'asOf', type: 'uint64' },
  ],
};

/**
 * What an operator signs (EIP-712).
 *
 * @param network - `<chain id>:<OracleDEVSEN address, lower case>`
 */
export function approvalTypedData(network: string, approval: RequestApproval) {
  const { requestId, deviceId, query, params, asOfSec } = approval;
  const number = QUERIES.find(({ name }) => name === query)?.number as number;
  return {
    domain: commandDomain(network),
    types: REQUEST_APPROVAL_TYPES,
    message: { requestId, deviceId, query: number, params, asOf: asOfSec },
  };
}

/**
 * Which key signed an approval.
 *
 * @returns its address, lower case
 * @throws DevsenError `UNAUTHORISED` if the signature is none
 */
export function approvalSigner(network: string, signed: SignedApproval): string {
  const { domain, types, message } = approvalTypedData(network, signed);
  try {
    return verifyTypedData(domain, types, message, signed.signature).toLowerCase();
  } catch {
    throw new DevsenError('UNAUTHORISED', 'the signature is none of this approval');
  }
}

/** The id of an approval's job, the same however often it is added: each operator approves a request once. */
export function approvalJobId({ requestId, operator }: Pick<SignedApproval, 'requestId' | 'operator'>): string {
  return `${requestId}-${operator}`;
}

/**
 * Reads a signed approval from its JSON text; checks shapes only.
 *
 * @throws DevsenError `INPUT_INVALID`, naming the field
 */
export function parseApproval(json: string): SignedApproval {
  let raw: unknown;
  try {
    raw = JSON.parse(json);
  } catch (cause) {
    throw new DevsenError('INPUT_INVALID', 'approval is no JSON', { cause });
  }
  if (!isObject(raw)) throw new DevsenError('INPUT_INVALID', 'approval is no object');
  const field = (name: string, form: RegExp): string => {
    const value = raw[name];
    if (typeof value === 'string' && form.test(value)) return value;
    throw new DevsenError('INPUT_INVALID', `approval: ${name} is malformed`);
  };
  const { asOfSec } = raw;
  if (!isWhole(asOfSec) || asOfSec < 0) throw new DevsenError('INPUT_INVALID', 'approval: asOfSec is no whole number');
  const query = field('query', /^[a-z-]+$/);
  if (!isCommandQuery(query)) throw new DevsenError('INPUT_INVALID', 'approval: query needs none');
  return {
    requestId: field('requestId', /^0x[0-9a-f]{64}$/),
    deviceId: field('deviceId', /^0x[0-9a-f]{64}$/),
    query,
    params: field('params', /^0x([0-9a-f]{2}){0,2048}$/),
    asOfSec,
    operator: field('operator', /^0x[0-9a-f]{40}$/),
    signature: field('signature', /^0x[0-9a-f]{130}$/),
  };
}

export function isCommandQuery(name: string): name is CommandQuery {
  return (COMMAND_QUERIES as readonly string[]).includes(name);
}

/**
 * The OCPP message id of the call by which a request is carried out: by it operators know the charger's answer in their
 * own record. 36 characters, which is all that OCPP-J allows; 216 bits of the request's id.
 */
export function messageIdOf(requestId: string): string {
  return Buffer.from(requestId.slice(2), 'hex').subarray(0, 27).toString('base64url');
}

/**
 * The idTag by which a charger starts the transaction of a session that a contract opened: the most that OCPP 1.6 allows,
 * 20 characters, 80 bits of the session's id; upper-case hex, so that no charger changes it by folding case.
 */
export function sessionTag(sessionId: string): string {
  return sessionId.slice(2, 22).toUpperCase();
}

const abi = AbiCoder.defaultAbiCoder();

/** The reverse of `encodeStartParams`; throws what ethers throws if the bytes are of another shape. */
export function decodeStartParams(params: string): { connector: number; energyLimitWh: bigint } {
  const [connector, energyLimitWh] = abi.decode(['uint16', 'uint64'], params);
  return { connector: Number(connector), energyLimitWh };
}

/** The reverse of `encodeSessionParams`; throws what ethers throws if the bytes are of another shape. */
export function decodeSessionParams(params: string): { sessionId: string } {
  const [sessionId] = abi.decode(['bytes32'], params);
  return { sessionId };
}

/** Parameters of `get-configuration`: `abi.encode(string[] keys)`. */
export function decodeGetParams(params: string): { keys: string[] } {
  const [keys] = abi.decode(['string[]'], params);
  return { keys: [...keys] };
}

/** Parameters of `set-configuration`: `abi.encode(string key, string value)`. */
export function decodeSetParams(params: string): { key: string; value: string } {
  const [key, value] = abi.decode(['string', 'string'], params);
  return { key, value };
}

/** Parameters of `command`: `abi.encode(string action, string payload)`; the payload is the exact JSON text. */
export function decodeCommandParams(params: string): { action: string; payload: string } {
  const [action, payload] = abi.decode(['string', 'string'], params);
  return { action, payload };
}
