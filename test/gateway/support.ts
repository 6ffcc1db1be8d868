import type { ConnectionOptions } from 'node:tls';
import { computeAddress, hexlify, Wallet } from 'ethers';
import { pino } from 'pino';
import { WebSocket } from 'ws';
import type { Batch } from '../../core/batch.ts';
import { type ChargerEvent, decodeEvent } from '../../core/charger-event.ts';
import { authorizationKeyHash } from '../../core/identity.ts';
import type { Credential } from '../../ocpp-gateway/charger-directory.ts';
import { type GatewayOptions, type RunningGateway, startGateway } from '../../ocpp-gateway/gateway.ts';
import { type GatewaySettings, readGatewaySettings } from '../../ocpp-gateway/settings.ts';
import type { Logger } from '../../runtime/log.ts';
import type { Registry, RegistrySnapshot } from '../../runtime/registry.ts';
import { queuedBatches } from '../support/queued-batches.ts';
import { waitFor } from '../support/wait.ts';

export const GATEWAY_KEY = Buffer.alloc(32, 7);
export const GATEWAY_ACCOUNT = `0x${'22'.repeat(20)}`;
export const OPERATORS = [1, 2, 3, 4].map((n) => `0x${`0${n}`.repeat(20)}`);
export const CHARGER_KEY = Buffer.from('00ff3a2b1c4d5e6f708192a3b4c5d6e7f8091a2b', 'hex');
/** Manages every charger of `memorySources`. */
export const MANAGER = new Wallet(`0x${'33'.repeat(32)}`);
export const silentLog = pino({ level: 'silent' });

const ORACLE = `0x${'11'.repeat(20)}`;

/** Settings of a gateway on free ports; whatever is given replaces a variable. */
export function testSettings(env: Record<string, string> = {}): GatewaySettings & { GATEWAY_KEY: Buffer } {
  const settings = readGatewaySettings({
    GATEWAY_PORT: '0',
    ALLOW_PLAIN_WS: env.GATEWAY_TLS_CERT_FILE === undefined ? 'true' : 'false',
    GATEWAY_ADMIN_PORT: '0',
    RPC_URL: 'http://127.0.0.1:1',
    ORACLE_ADDRESS: ORACLE,
    GATEWAY_ACCOUNT,
    GATEWAY_KEY: GATEWAY_KEY.toString('hex'),
    IDTAG_PEPPER: 'aa'.repeat(16),
    // A call that no test expects would come in between.
    STATUS_SETTLE_MS: '0',
    ...env,
  });
  return { ...settings, GATEWAY_KEY: settings.GATEWAY_KEY ?? GATEWAY_KEY };
}

/** A registry in memory; `set` changes it as the chain would. */
export function memoryRegistry(changes: Partial<RegistrySnapshot> = {}): Registry & {
  set: (changes: Partial<RegistrySnapshot>) => void;
} {
  let snapshot: RegistrySnapshot = {
    network: `31337:${ORACLE}`,
    users: '',
    factory: '',
    link: '',
    operators: OPERATORS.map((account) => ({ account, oracle: '', signingKey: '', active: true })),
    gateways: [
      { account: GATEWAY_ACCOUNT, signingKey: computeAddress(hexlify(GATEWAY_KEY)).toLowerCase(), active: true },
    ],
    ...changes,
  };
  const listeners = new Set<(snapshot: RegistrySnapshot) => void>();
  return {
    network: snapshot.network,
    snapshot: () => snapshot,
    operators: () => snapshot.operators,
    gateways: () => snapshot.gateways,
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    lastReadAtMs: () => Date.now(),
    isFresh: () => true,
    close: async () => {},
    set: (next) => {
      snapshot = { ...snapshot, ...next };
      for (const listener of listeners) listener(snapshot);
    },
  };
}

/** Every identity that begins with `CP` is a charger with `CHARGER_KEY`; cards begin with their verdict, and may end with `+` and their parent. */
export function memorySources() {
  const credential: Credential = {
    device: '',
    authorizationKeyHash: authorizationKeyHash(CHARGER_KEY),
    certificateFingerprint: '',
  };
  return {
    registry: memoryRegistry(),
    chargers: { find: async (identity: string) => (identity.startsWith('CP') ? credential : ('unknown' as const)) },
    operatorSets: { of: async () => 'unknown' as const },
    managers: { managerOf: async () => ({ account: MANAGER.address.toLowerCase(), isActive: true }) },
    idTags: {
      verdict: async (idTag: string) => {
        const [, parent] = idTag.split('+');
        const status = (['Accepted', 'Blocked', 'Expired'] as const).find((verdict) => idTag.startsWith(verdict));
        return { status: status ?? ('Invalid' as const), ...(parent === undefined ? {} : { parent }) };
      },
    },
  };
}

let others = 0;

/** Sources of a network of its own, so that a second gateway on one Redis writes a chain of batches of its own. */
export function otherSources() {
  others += 1;
  return { ...memorySources(), registry: memoryRegistry({ network: `${40_000 + others}:${ORACLE}` }) };
}

/** Starts a gateway on a real Redis and waits until it takes chargers in. */
export async function startTestGateway(
  redisUrl: string,
  env: Record<string, string> = {},
  options: GatewayOptions = {},
  log: Logger = silentLog,
): Promise<RunningGateway> {
  const settings = testSettings({ REDIS_URL: redisUrl, ...env });
  const gateway = await startGateway(settings, log, { sources: memorySources(), ...options });
  await waitFor(() => gateway.health().status === 'green', { what: 'the gateway to be healthy' });
  return gateway;
}

export function basicAuth(identity: string, key: Uint8Array | string = CHARGER_KEY): string {
  return `Basic ${Buffer.concat([Buffer.from(`${identity}:`), Buffer.from(key)]).toString('base64')}`;
}

/** A charger that sends whatever a test wants and remembers what it got. */
export interface RawCharger {
  readonly socket: WebSocket;
  /** Every text received, in order, and every one sent. */
  readonly received: string[];
  readonly sent: string[];
  send: (...frames: (string | unknown[])[]) => void;
  /** The first answer with that message id, parsed; waits for it. */
  answerTo: (messageId: string) => Promise<[number, string, ...unknown[]]>;
  call: (messageId: string, action: string, payload: unknown) => Promise<[number, string, ...unknown[]]>;
  /** Settles with the close code and reason. */
  closed: Promise<{ code: number; reason: string }>;
  close: () => Promise<void>;
}

export interface ConnectOptions {
  key?: Uint8Array | string;
  path?: string;
  subprotocols?: string[];
  headers?: Record<string, string>;
  autoPong?: boolean;
  /** Connects by TLS, with these options. */
  tls?: ConnectionOptions;
}

/** Connects, or rejects with `HttpRefusal`. */
export async function connectCharger(
  port: number,
  identity: string,
  options: ConnectOptions = {},
): Promise<RawCharger> {
  const { key = CHARGER_KEY, path = '/ocpp', subprotocols = ['ocpp1.6'], headers, autoPong = true, tls } = options;
  const scheme = tls === undefined ? 'ws' : 'wss';
  const socket = new WebSocket(`${scheme}://127.0.0.1:${port}${path}/${identity}`, subprotocols, {
    ...tls,
    headers: { authorization: basicAuth(identity, key), ...headers },
    autoPong,
  });
  const received: string[] = [];
  const sent: string[] = [];
  const say = (frame: string | unknown[]) => {
    const text = typeof frame === 'string' ? frame : JSON.stringify(frame);
    sent.push(text);
    socket.send(text);
  };
  socket.on('message', (data) => received.push(String(data)));
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.once('close', (code, reason) => resolve({ code, reason: String(reason) }));
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('unexpected-response', (request, response) => {
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => reject(new HttpRefusal(response.statusCode ?? 0, body.trim(), response.headers)));
      response.on('error', reject);
      request.on('error', () => {});
    });
    socket.on('error', reject);
  });
  const answerTo = (messageId: string) =>
    waitFor(() => received.map((text) => JSON.parse(text)).find((frame) => frame[1] === messageId), {
      what: `an answer to ${messageId}`,
    });
  return {
    socket,
    received,
    sent,
    closed,
    answerTo,
    send: (...frames) => {
      for (const frame of frames) say(frame);
    },
    call: (messageId, action, payload) => {
      say([2, messageId, action, payload]);
      return answerTo(messageId);
    },
    close: async () => {
      socket.terminate();
      await closed;
    },
  };
}

export type SentCall = [type: 2, messageId: string, action: string, payload: Record<string, unknown>];

/** The calls that a charger got, in order. */
export function callsTo({ received }: Pick<RawCharger, 'received'>): SentCall[] {
  return received.map((text) => JSON.parse(text)).filter(([type]) => type === 2);
}

/** The nth call of an action that a charger gets; waits for it. */
export function nthCallTo(charger: RawCharger, action: string, n: number): Promise<SentCall> {
  return waitFor(() => callsTo(charger).filter((call) => call[2] === action)[n - 1], {
    what: `call ${n} of ${action}`,
    timeoutMs: 60_000,
  });
}

/** A connection refused with an HTTP status. */
export class HttpRefusal extends Error {
  readonly status: number;
  readonly headers: Record<string, unknown>;

  constructor(status: number, body: string, headers: Record<string, unknown>) {
    super(`${status} ${body}`);
    this.status = status;
    this.headers = headers;
  }
}

/** Status and reason with which a connection is refused; fails if it is let in. */
export async function refusalOf(port: number, identity: string, options: ConnectOptions = {}): Promise<string> {
  try {
    const charger = await connectCharger(port, identity, options);
    await charger.close();
  } catch (error) {
    if (error instanceof HttpRefusal) return error.message;
    throw error;
  }
  throw new Error('was let in');
}

/** All batches in an operator's queue, in the order in which they were written. */
export async function readBatches(redisUrl: string, operator = OPERATORS[0] as string): Promise<Batch[]> {
  const batches = await queuedBatches(redisUrl, operator, ['waiting', 'delayed', 'prioritized']);
  return batches.sort((a, b) => a.number - b.number);
}

/** All events in an operator's queue, in order. */
export async function readEvents(redisUrl: string, operator = OPERATORS[0] as string): Promise<ChargerEvent[]> {
  return (await readBatches(redisUrl, operator)).flatMap((batch) => batch.events.map(decodeEvent));
}
