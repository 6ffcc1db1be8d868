import { createHash } from 'node:crypto';
import { Wallet } from 'ethers';
import { pointFromScalar, sign } from 'tiny-secp256k1';
import { type Batch, batchText, GENERATION_START } from '../../core/batch.ts';
import { CHAIN_START, type ChargerEvent, chainHash, encodeEvent } from '../../core/charger-event.ts';

/** The network that test batches are made for. */
export const TEST_NETWORK = '31337:0x00000000000000000000000000000000000000aa';

/** A key pair in the forms that a gateway's chain of batches needs. */
export interface TestKey {
  address: string;
  publicKey: string;
  sign: (digest: Uint8Array) => string;
}

/** A random key, or always the same for the same seed. */
export function makeTestKey(seed?: string): TestKey {
  const secret =
    seed === undefined
      ? Buffer.from(Wallet.createRandom().privateKey.slice(2), 'hex')
      : createHash('sha256').update(`test key ${seed}`).digest();
  return {
    address: new Wallet(`0x${secret.toString('hex')}`).address.toLowerCase(),
    publicKey: Buffer.from(pointFromScalar(secret, false) as Uint8Array).toString('hex'),
    sign: (digest) => Buffer.from(sign(digest, secret)).toString('hex'),
  };
}

/** A gateway that makes signed batches of what it is told happened. */
export interface TestGateway {
  account: string;
  key: TestKey;
  /** As the chain lists it. */
  listed: () => { account: string; signingKey: string; active: boolean };
  /** A charger connects; the epoch is the time and the version OCPP 1.6 unless told. */
  open: (charger: string, atMs: number, epoch?: number, subprotocol?: string) => void;
  /** A charger's CALL and the answer it got. */
  call: (charger: string, atMs: number, action: string, payload: object, result?: object) => void;
  /** A StatusNotification. */
  status: (charger: string, atMs: number, connectorId: number, status: string, errorCode?: string) => void;
  close: (charger: string, atMs: number) => void;
  /** The charger's CALLRESULT to a CALL of the gateway. */
  answer: (charger: string, atMs: number, messageId: string, result: object, action?: string, call?: object) => void;
  /** An event as it is, put in whatever it breaks; the chain of the connection goes on from it. */
  event: (event: ChargerEvent) => void;
  /** Signs what happened since the last batch. `change` lets a test make a false one. */
  flush: (watermarkMs: number, change?: (batch: Batch) => void) => Batch;
  /** The process ends and starts again: all connections are gone, what was not flushed is lost. */
  restart: (bootedAtMs: number) => void;
  /** Redis has lost the chain of batches: the gateway begins another. */
  beginGeneration: (generation: number) => void;
  /** Everything it has in mind, to go on from twice. */
  clone: () => TestGateway;
}

interface Connection {
  epoch: number;
  seq: number;
  hash: string;
}

interface Mind {
  generation: number;
  number: number;
  previous: string;
  bootedAtMs: number;
  connections: Map<string, Connection>;
  lines: string[];
  hashes: string[];
  messageId: number;
}

export interface TestGatewayOptions {
  bootedAtMs: number;
  key?: TestKey;
  account?: string;
  network?: string;
}

export function makeTestGateway(options: TestGatewayOptions): TestGateway {
  const { bootedAtMs } = options;
  return gatewayOf(options.key ?? makeTestKey(), options, {
    generation: bootedAtMs,
    number: 0,
    previous: GENERATION_START,
    bootedAtMs,
    connections: new Map(),
    lines: [],
    hashes: [],
    messageId: 0,
  });
}

function gatewayOf(key: TestKey, options: TestGatewayOptions, mind: Mind): TestGateway {
  const account = options.account ?? key.address;
  const put = (event: ChargerEvent) => {
    const connection = mind.connections.get(event.charger);
    const before = connection?.epoch === event.epoch && event.seq > 0 ? connection.hash : CHAIN_START;
    const line = encodeEvent(event);
    const hash = chainHash(before, line);
    mind.connections.set(event.charger, { epoch: event.epoch, seq: event.seq, hash });
    mind.lines.push(line);
    mind.hashes.push(hash);
  };
  const next = (charger: string, fields: Pick<ChargerEvent, 'receivedAtMs' | 'kind' | 'reply' | 'frame'>) => {
    const connection = mind.connections.get(charger);
    if (connection === undefined) throw new Error(`${charger} is not connected`);
    put({ charger, epoch: connection.epoch, seq: connection.seq + 1, ...fields });
  };
  const call: TestGateway['call'] = (charger, receivedAtMs, action, payload, result = {}) => {
    const id = `m${mind.messageId++}`;
    const frame = JSON.stringify([2, id, action, payload]);
    next(charger, { receivedAtMs, kind: 'call', frame, reply: JSON.stringify([3, id, result]) });
  };
  return {
    account,
    key,
    listed: () => ({ account, signingKey: key.address, active: true }),
    open: (charger, receivedAtMs, epoch = receivedAtMs, subprotocol = 'ocpp1.6') => {
      const frame = JSON.stringify({ subprotocol });
      put({ charger, epoch, seq: 0, receivedAtMs, kind: 'open', reply: '', frame });
    },
    call,
    status: (charger, atMs, connectorId, status, errorCode = 'NoError') =>
      call(charger, atMs, 'StatusNotification', { connectorId, status, errorCode }),
    close: (charger, receivedAtMs) => {
      next(charger, { receivedAtMs, kind: 'close', reply: '', frame: JSON.stringify({ code: 1006, reason: '' }) });
      mind.connections.delete(charger);
    },
    answer: (charger, receivedAtMs, messageId, result, action = 'Any', sent = {}) =>
      next(charger, {
        receivedAtMs,
        kind: 'answer',
        frame: JSON.stringify([3, messageId, result]),
        reply: JSON.stringify([2, messageId, action, sent]),
      }),
    event: put,
    flush: (watermarkMs, change) => {
      const batch: Batch = {
        network: options.network ?? TEST_NETWORK,
        gateway: account,
        generation: mind.generation,
        number: mind.number,
        previous: mind.previous,
        bootedAtMs: mind.bootedAtMs,
        watermarkMs,
        events: mind.lines,
        publicKey: key.publicKey,
        signature: '',
      };
      change?.(batch);
      const digest = createHash('sha256').update(batchText(batch, mind.hashes)).digest();
      batch.signature ||= key.sign(digest);
      mind.previous = digest.toString('hex');
      mind.number = batch.number + 1;
      mind.lines = [];
      mind.hashes = [];
      return batch;
    },
    restart: (bootedAtMs) => {
      mind.bootedAtMs = bootedAtMs;
      mind.connections.clear();
      mind.lines = [];
      mind.hashes = [];
    },
    beginGeneration: (generation) => {
      mind.generation = generation;
      mind.number = 0;
      mind.previous = GENERATION_START;
    },
    clone: () =>
      gatewayOf(
        key,
        { ...options, account },
        {
          ...mind,
          connections: new Map([...mind.connections].map(([charger, connection]) => [charger, { ...connection }])),
          lines: [...mind.lines],
          hashes: [...mind.hashes],
        },
      ),
  };
}
