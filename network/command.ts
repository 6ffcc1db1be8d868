import { randomBytes } from 'node:crypto';
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

/**
 * Signs a command with a nonce of its own and sends it.
 *
 * @returns the gateway's answer: under 200 the charger's own payload
 * @throws DevsenError `NOT_FOUND` if the gateway cannot be reached
 */
export async function sendCommand(
  { gatewayUrl, network }: CommandPlace,
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
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        [COMMAND_HEADERS.signature]: signature,
        [COMMAND_HEADERS.nonce]: command.nonce,
        [COMMAND_HEADERS.deadline]: String(command.deadlineSec),
      },
      body: payload,
    });
    return { status: response.status, body: await response.text() };
  } catch (cause) {
    throw new DevsenError('NOT_FOUND', 'the gateway cannot be reached', { cause });
  }
}
