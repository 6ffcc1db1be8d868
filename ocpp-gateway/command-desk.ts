import { DevsenError } from '../core/errors.ts';
import { isChargerIdentity } from '../core/identity.ts';
import { isObject, isTooDeep } from '../core/json.ts';
import { COMMAND_HEADERS, commandSigner, LONGEST_COMMAND_SEC, type ManagerCommand } from '../core/manager-command.ts';
import type { Logger } from '../runtime/log.ts';
import type { CommandEnd } from './charger-calls.ts';
import type { ChargerDirectory } from './charger-directory.ts';
import type { ManagerDirectory } from './manager-directory.ts';
import type { AllSpoken } from './spoken.ts';
import type { Stations } from './stations.ts';

/** `POST /v1/chargers/:identity/commands/:action`, taken apart. */
export interface CommandRequest {
  identity: string;
  action: string;
  /** Lower-case names. */
  headers: Record<string, string | string[] | undefined>;
  body: Uint8Array;
  /** Whether another gateway has passed it on: it is not passed on again. */
  isForwarded?: boolean;
}

/** What is answered: the charger's own payload under 200, `{"error":{"code","message",…}}` else. */
export interface CommandReply {
  status: number;
  body: string;
  /** Set where whoever sent the command has shown no right to it. */
  isDenied?: true;
}

export interface CommandDeskOptions {
  /** `<chain id>:<OracleDEVSEN address, lower case>`. */
  network: string;
  chargers: ChargerDirectory;
  managers: ManagerDirectory;
  stations: Pick<Stations, 'versionOf' | 'command'>;
  /** Has another gateway carry it out that holds the charger; undefined if none does. */
  forward: (request: CommandRequest, deadlineMs: number) => Promise<CommandReply | undefined>;
  spoken: AllSpoken;
  /** Uses a manager's nonce; false if it was used before. */
  useNonce: (manager: string, nonce: string, deadlineMs: number) => Promise<boolean>;
  /** Whether what a charger answers can be kept and passed on now. */
  isReady: () => boolean;
  onEnd: (action: string, end: CommandEnd['kind'] | 'refused') => void;
  log: Logger;
  now: () => number;
}

/** What the log tells of a command, as far as it was checked. */
interface CommandFacts {
  chargerId?: string;
  action?: string;
  /** Who has signed it and may. */
  manager?: string;
  nonce?: string;
  end?: CommandEnd['kind'] | 'forwarded';
}

/** Carries out what a charger's manager has signed: checks first, and what costs least first. Never rejects. */
export function makeCommandDesk(options: CommandDeskOptions): (request: CommandRequest) => Promise<CommandReply> {
  const { network, chargers, managers, stations, spoken, useNonce, isReady, onEnd, log, now } = options;

  const isKnown = (action: string) => Object.values(spoken).some(({ commandChecks }) => commandChecks.has(action));

  const authorise = async (device: string, command: ManagerCommand, signature: string): Promise<string> => {
    const signer = commandSigner(network, command, signature);
    const manager = await managers.managerOf(device);
    if (manager.account !== signer) throw new Refusal(403, 'NOT_MANAGER', `${signer} does not manage this charger`);
    if (!manager.isActive) throw new Refusal(403, 'NOT_MANAGER', `${signer} is no active manager of the network`);
    return signer;
  };

  const carryOut = async (request: CommandRequest, facts: CommandFacts): Promise<CommandReply> => {
    const { identity, action, headers, body } = request;
    if (!isKnown(action))
      throw new Refusal(404, 'UNKNOWN_ACTION', 'no action that a CSMS sends in any version of OCPP');
    facts.action = action;
    const { text, payload } = readPayload(body);
    if (isTooDeep(payload)) throw new Refusal(422, 'SCHEMA', 'the payload nests too deep', { path: '' });
    const { nonce, deadlineSec, signature } = readHeaders(headers, now());
    facts.nonce = nonce;
    const credential = isChargerIdentity(identity) ? await chargers.find(identity) : 'unknown';
    if (credential === 'unknown')
      throw new Refusal(404, 'UNKNOWN_CHARGER', 'no charger of that identity is registered');
    if (credential === 'unavailable') throw new Refusal(503, 'CHAIN_UNAVAILABLE', 'chain is away');
    facts.chargerId = identity;
    const command: ManagerCommand = { charger: identity, action, payload: text, nonce, deadlineSec };
    const manager = await authorise(credential.device, command, signature);
    facts.manager = manager;
    const deadlineMs = deadlineSec * 1000;
    const version = stations.versionOf(identity);
    if (version === undefined) {
      const reply = request.isForwarded === true ? undefined : await options.forward(request, deadlineMs);
      if (reply === undefined) throw notConnected();
      facts.end = 'forwarded';
      return reply;
    }
    const check = spoken[version].commandChecks.get(action);
    if (check === undefined) throw new Refusal(404, 'UNKNOWN_ACTION', `no action that a CSMS sends in ${version}`);
    const finding = check(payload);
    if (finding !== undefined) {
      throw new Refusal(422, 'SCHEMA', finding.description, { path: pathOf(finding.description) });
    }
    if (!isReady()) throw new Refusal(503, 'NOT_READY', 'what the charger answers cannot be put on record now');
    if (!(await useNonce(manager, nonce, deadlineMs)))
      throw new Refusal(409, 'NONCE_USED', 'the nonce was used before');
    // In the meantime it may have come back with another version, whose schema the payload was not checked against.
    const isSame = stations.versionOf(identity) === version;
    const sent = { action, payload: text, deadlineMs, ids: { nonce } };
    const end = isSame ? await stations.command(identity, sent) : undefined;
    if (end === undefined) throw notConnected();
    facts.end = end.kind;
    onEnd(action, end.kind);
    return replyOf(end);
  };

  const refusalOf = (error: unknown, facts: CommandFacts): Refusal => {
    if (error instanceof Refusal) return error;
    const status = error instanceof DevsenError ? HTTP_STATUS[error.code] : undefined;
    if (status !== undefined) return new Refusal(status, (error as DevsenError).code, (error as DevsenError).message);
    log.error({ err: error, ...facts }, 'command failed');
    return new Refusal(500, 'INTERNAL', 'the gateway failed');
  };

  return async (request) => {
    const facts: CommandFacts = {};
    try {
      const reply = await carryOut(request, facts);
      log.info({ ...facts, status: reply.status }, 'command is over');
      return reply;
    } catch (error) {
      onEnd(facts.action ?? 'unknown', 'refused');
      const { code, reply } = refusalOf(error, facts);
      const told = { ...facts, end: 'refused', code, status: reply.status };
      // Whoever is no manager must not fill the log.
      if (facts.manager === undefined) log.debug(told, 'command is over');
      else log.info(told, 'command is over');
      return reply;
    }
  };
}

const HTTP_STATUS: Partial<Record<DevsenError['code'], number>> = {
  UNAUTHORISED: 401,
  CHAIN_UNAVAILABLE: 503,
  REDIS_UNAVAILABLE: 503,
};

class Refusal extends Error {
  readonly code: string;
  readonly reply: CommandReply;

  constructor(status: number, code: string, message: string, more: Record<string, string> = {}) {
    super(message);
    this.code = code;
    const isDenied = status === 401 || status === 403 || code === 'UNKNOWN_CHARGER';
    const body = JSON.stringify({ error: { code, message, ...more } });
    this.reply = { status, body, ...(isDenied ? { isDenied } : {}) };
  }
}

function notConnected(): Refusal {
  return new Refusal(404, 'NOT_CONNECTED', 'the charger is not connected');
}

function replyOf(end: CommandEnd): CommandReply {
  if (end.kind === 'result') return { status: 200, body: end.payload };
  if (end.kind === 'error') {
    const { code, description } = end;
    const message = 'the charger answered with a CALLERROR';
    return new Refusal(502, 'CALLERROR', message, { callErrorCode: code, callErrorDescription: description }).reply;
  }
  const [status, message] = ENDS[end.kind];
  return new Refusal(status, end.kind.toUpperCase(), message).reply;
}

const ENDS: Record<Exclude<CommandEnd['kind'], 'result' | 'error'>, [status: number, message: string]> = {
  malformed: [502, 'the charger answered with neither a CALLRESULT nor a CALLERROR'],
  unrecorded: [503, 'the charger has answered, but its answer could not be put on record'],
  silent: [504, 'the charger did not answer in time; it may have carried the command out'],
  lost: [504, 'the charger disconnected before it answered; it may have carried the command out'],
  expired: [504, 'not sent: the deadline passed while commands before it were waited for'],
  full: [429, 'not sent: too many commands to this charger wait'],
  leaving: [503, 'not sent: the gateway is going away'],
  withheld: [503, 'not sent: it was taken back'],
};

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function readPayload(body: Uint8Array): { text: string; payload: unknown } {
  try {
    const text = UTF8.decode(body);
    const payload: unknown = JSON.parse(text);
    if (isObject(payload)) return { text, payload };
  } catch {
    // Falls through: it is no JSON, or no UTF-8.
  }
  throw new Refusal(400, 'MALFORMED', 'the body must be the OCPP payload: a JSON object in UTF-8');
}

function readHeaders(headers: CommandRequest['headers'], nowMs: number) {
  const read = (name: string, form: RegExp, what: string): string => {
    const value = headers[name];
    if (value === undefined) throw new Refusal(401, 'UNAUTHORISED', `header ${name} is missing: ${what}`);
    if (typeof value !== 'string' || !form.test(value)) {
      throw new Refusal(400, 'MALFORMED', `header ${name} must be ${what}`);
    }
    return value;
  };
  const signature = read(COMMAND_HEADERS.signature, /^0x[0-9a-fA-F]{130}$/, '65 bytes as hex digits with 0x');
  const nonce = read(COMMAND_HEADERS.nonce, /^0x[0-9a-fA-F]{64}$/, '32 bytes as hex digits with 0x').toLowerCase();
  const deadlineSec = Number(read(COMMAND_HEADERS.deadline, /^\d{1,12}$/, 'Unix seconds'));
  if (deadlineSec * 1000 <= nowMs) throw new Refusal(401, 'EXPIRED', 'the deadline has passed');
  if (deadlineSec * 1000 > nowMs + LONGEST_COMMAND_SEC * 1000) {
    throw new Refusal(400, 'MALFORMED', `the deadline must lie within ${LONGEST_COMMAND_SEC} seconds`);
  }
  return { signature, nonce, deadlineSec };
}

/** The place in the payload that a finding names, as a JSON pointer; empty for the payload itself. */
function pathOf(description: string): string {
  return /^payload(\S*)/.exec(description)?.[1] ?? '';
}
