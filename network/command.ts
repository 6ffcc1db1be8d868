import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import { text } from 'node:stream/consumers';
import type { Wallet } from 'ethers';
import { DevsenError } from '../core/errors.ts';
import {
  COMMAND_HEADERS,
  commandDomain,
  commandMessage,
  MANAGER_COMMAND_TYPES,
  type ManagerCommand,
} from '../core/manager-command.ts';

/** Where a command is sent. */
export interface CommandPlace {
  /** The address chargers connect to; `ws:` stands for `http:`. */
  gatewayUrl: string;
  /** CAs of its certificate, PEM; those that Node trusts if not given. */
  gatewayCa?: string | undefined;
  /** `<chain id>:<OracleDEVSEN address, lower case>`. */
  network: string;
}

/** What a charger is to do. */
export interface CommandToSend {
  identity: string;
  action: string;
  /** JSON text, sent as it is. */
  payload: string;
  /** How long it counts, s. */
  validSec: number;
}

/** A gateway that is silent for so long has lost the command: none takes longer at it with its usual settings. */
const SILENT_MS = 300_000;

/**
 * Signs a command with a nonce of its own and sends it.
 *
 * @returns the gateway's answer: under 200 the charger's own payload
 * @throws DevsenError `NOT_FOUND` if the gateway cannot be reached: nothing was sent; `TIMEOUT` if the connection broke
 *   later, or the gateway stays silent: the command may have been carried out
 */
export async function sendCommand(
  { gatewayUrl, gatewayCa, network }: CommandPlace,
  manager: Wallet,
  { identity, action, payload, validSec }: CommandToSend,
): Promise<{ status: number; body: string }> {
  const command: ManagerCommand = {
    charger: identity,
    action,
    payload,
    nonce: `0x${randomBytes(32).toString('hex')}`,
    deadlineSec: Math.floor(Date.now() / 1000) + validSec,
  };
  const signature = await manager.signTypedData(commandDomain(network), MANAGER_COMMAND_TYPES, commandMessage(command));
  const base = gatewayUrl.replace(/^ws/, 'http').replace(/\/$/, '');
  const url = `${base}/v1/chargers/${encodeURIComponent(identity)}/commands/${encodeURIComponent(action)}`;
  const headers = {
    'content-type': 'application/json',
    [COMMAND_HEADERS.signature]: signature,
    [COMMAND_HEADERS.nonce]: command.nonce,
    [COMMAND_HEADERS.deadline]: String(command.deadlineSec),
  };
  return post(url, headers, payload, gatewayCa);
}

async function post(
  url: string,
  headers: Record<string, string>,
  body: string,
  ca: string | undefined,
): Promise<{ status: number; body: string }> {
  const isTls = url.startsWith('https:');
  const request = (isTls ? requestTls : requestPlain)(url, {
    method: 'POST',
    headers: { ...headers, 'content-length': Buffer.byteLength(body) },
    agent: false,
    timeout: SILENT_MS,
    ca,
  });
  let isConnected = false;
  request.once('socket', (socket) => {
    socket.once(isTls ? 'secureConnect' : 'connect', () => {
      isConnected = true;
    });
  });
  request.once('timeout', () => request.destroy(new Error(`no answer for ${SILENT_MS} ms`)));
  request.end(body);
  try {
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return { status: response.statusCode ?? 0, body: await text(response) };
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = `(${code ?? message})`;
    if (!isConnected) throw new DevsenError('NOT_FOUND', `the gateway cannot be reached ${why}`, { cause });
    const what = 'the gateway was reached and gave no answer: the command may have been carried out';
    throw new DevsenError('TIMEOUT', `${what} ${why}`, { cause });
  }
}
