import type { AddressInfo } from 'node:net';
import { createValidator, RPCServer } from 'ocpp-rpc';
import { waitFor } from '../support/wait.ts';
import { schemasOf, type Version } from './schemas.ts';

/** A CALL of the charger as the CSMS took it. */
export interface Heard {
  action: string;
  payload: Record<string, unknown>;
}

/** A CSMS that takes and gives nothing that breaks a schema. */
export interface StrictCsms {
  url: string;
  heard: Heard[];
  /** What broke a schema, in either direction. */
  broken: string[];
  /** Calls the charger; its answer has passed the schema. */
  call: (action: string, payload: object) => Promise<Record<string, unknown>>;
  /** The first CALL of an action that fits, once it is there. */
  told: (action: string, fits?: (payload: Record<string, unknown>) => boolean) => Promise<Heard['payload']>;
  of: (action: string) => Heard['payload'][];
  /** Drops the charger's connection. */
  drop: () => Promise<void>;
  close: () => Promise<void>;
}

interface Client {
  handle: (handler: (call: { method: string; params: Record<string, unknown> }) => unknown) => void;
  call: (action: string, payload: object) => Promise<Record<string, unknown>>;
  on: (event: string, listener: (failure: { method: string; error: Error }) => void) => void;
  close: (options: object) => Promise<unknown>;
}

export async function startStrictCsms(
  version: Version,
  answers: Partial<Record<string, (payload: Record<string, unknown>) => object>> = {},
): Promise<StrictCsms> {
  const server = new RPCServer({
    protocols: [version],
    strictMode: true,
    strictModeValidators: [validatorOf(version)],
    callTimeoutMs: 10_000,
  });
  const heard: Heard[] = [];
  const broken: string[] = [];
  let last: Client | undefined;
  server.auth((accept: (session: object) => void) => accept({}));
  server.on('client', (client: Client) => {
    last = client;
    client.on('strictValidationFailure', ({ method, error }) => broken.push(`${method}: ${error.message}`));
    client.handle(({ method, params }) => {
      heard.push({ action: method, payload: params });
      const isAnswered = answers[method];
      return isAnswered ? isAnswered(params) : usual(version, method);
    });
  });
  const http = await server.listen(0, '127.0.0.1');
  const of = (action: string) => heard.filter((each) => each.action === action).map(({ payload }) => payload);
  return {
    url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}`,
    heard,
    broken,
    call: (action, payload) => {
      if (!last) throw new Error('no charger is connected');
      return last.call(action, payload);
    },
    told: (action, fits = () => true) =>
      waitFor(() => of(action).find(fits), { what: `the charger to tell ${action}` }),
    of,
    drop: async () => {
      await last?.close({ force: true, awaitPending: false });
    },
    close: async () => {
      await server.close({ force: true, awaitPending: false, code: 1001, reason: 'done' });
    },
  };
}

const validators = new Map<Version, ReturnType<typeof createValidator>>();

/** Compiles a schema once for all. */
function validatorOf(version: Version) {
  const validator = validators.get(version) ?? createValidator(version, schemasOf(version) as object[]);
  validators.set(version, validator);
  return validator;
}

function usual(version: Version, action: string): object {
  const accepted = { status: 'Accepted' };
  switch (action) {
    case 'BootNotification':
      return { status: 'Accepted', interval: 300, currentTime: '2026-03-01T12:00:00Z' };
    case 'Heartbeat':
      return { currentTime: '2026-03-01T12:00:00Z' };
    case 'Authorize':
      return version === 'ocpp1.6' ? { idTagInfo: accepted } : { idTokenInfo: accepted };
    case 'StartTransaction':
      return { transactionId: 77, idTagInfo: accepted };
    case 'TransactionEvent':
      return {};
    case 'SignCertificate':
      return accepted;
    default:
      return {};
  }
}
