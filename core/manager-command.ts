import { type TypedDataDomain, type TypedDataField, verifyTypedData } from 'ethers';
import { DevsenError } from './errors.ts';

/** What a charger's manager signs (EIP-712) to have the charger carry out an OCPP call. */
export interface ManagerCommand {
  /** OCPP identity. */
  charger: string;
  /** OCPP action, exact. */
  action: string;
  /** The OCPP payload, exact JSON text. */
  payload: string;
  /** 32 bytes, 0x-prefixed hex; a manager uses each once. */
  nonce: string;
  /** Unix seconds from which on it counts no more. */
  deadlineSec: number;
}

/** `ManagerCommand` as EIP-712 has it: `deadline` in Unix seconds. */
export const MANAGER_COMMAND_TYPES: Record<string, TypedDataField[]> = {
  ManagerCommand: [
    { name: 'charger', type: 'string' },
    { name: 'action', type: 'string' },
    { name: 'payload', type: 'string' },
    { name: 'nonce', type: 'bytes32' },
    { name: 'deadline', type: 'uint64' },
  ],
};

/** HTTP headers that carry, beside the body, what was signed. */
export const COMMAND_HEADERS = {
  signature: 'devsen-signature',
  nonce: 'devsen-nonce',
  deadline: 'devsen-deadline',
} as const;

/** A deadline may lie so far ahead, seconds: so long a used nonce is remembered. */
export const LONGEST_COMMAND_SEC = 3_600;

/** @param network - `<chain id>:<OracleDEVSEN address, lower case>` */
export function commandDomain(network: string): TypedDataDomain {
  const [chainId, verifyingContract] = network.split(':');
  return { name: 'DEVSEN', version: '1', chainId: BigInt(chainId ?? ''), verifyingContract: verifyingContract ?? '' };
}

/** The message of the typed data. */
export function commandMessage({ charger, action, payload, nonce, deadlineSec }: ManagerCommand) {
  return { charger, action, payload, nonce, deadline: deadlineSec };
}

/**
 * Who signed a command.
 *
 * @param signature - 65 bytes, 0x-prefixed hex
 * @returns the signer's address, lower case
 * @throws DevsenError `UNAUTHORISED` if the signature is none
 */
export function commandSigner(network: string, command: ManagerCommand, signature: string): string {
  try {
    const message = commandMessage(command);
    return verifyTypedData(commandDomain(network), MANAGER_COMMAND_TYPES, message, signature).toLowerCase();
  } catch {
    throw new DevsenError('UNAUTHORISED', 'the signature is none of this command');
  }
}
