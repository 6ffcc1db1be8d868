import { randomBytes } from 'node:crypto';
import type { Wallet } from 'ethers';
import {
  COMMAND_HEADERS,
  commandDomain,
  commandMessage,
  MANAGER_COMMAND_TYPES,
  type ManagerCommand,
} from '../../core/manager-command.ts';
import { MANAGER } from './support.ts';

/** A command to be sent, as far as it is not the usual one. */
export interface SentCommand extends Partial<ManagerCommand> {
  signer?: Wallet;
  /** Sent in place of what was signed. */
  instead?: { identity?: string; action?: string; body?: string | Uint8Array; headers?: Record<string, string> };
}

export const inAMinute = () => Math.floor(Date.now() / 1000) + 60;

/** Signs a manager's command, sends it to a gateway and gives status and body. */
export async function postCommand(
  port: number,
  network: string,
  { signer = MANAGER, instead = {}, ...sent }: SentCommand,
) {
  const signed: ManagerCommand = {
    charger: 'CP1',
    action: 'Reset',
    payload: '{ "type": "Soft" }',
    nonce: `0x${randomBytes(32).toString('hex')}`,
    deadlineSec: inAMinute(),
    ...sent,
  };
  const signature = await signer.signTypedData(commandDomain(network), MANAGER_COMMAND_TYPES, commandMessage(signed));
  const path = `/v1/chargers/${instead.identity ?? signed.charger}/commands/${instead.action ?? signed.action}`;
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: {
      [COMMAND_HEADERS.signature]: signature,
      [COMMAND_HEADERS.nonce]: signed.nonce,
      [COMMAND_HEADERS.deadline]: String(signed.deadlineSec),
      ...instead.headers,
    },
    body: instead.body ?? signed.payload,
  });
  return { status: response.status, body: await response.text() };
}
