import { Interface, type InterfaceAbi } from 'ethers';
import { DevsenError } from '../../core/errors.ts';
import { asChainError } from '../../runtime/chain.ts';
import { type ContractName, readArtifact } from '../artifacts.ts';

const NAMES: readonly ContractName[] = [
  'UserDEVSEN',
  'FactoryDEVSEN',
  'DeviceDEVSEN',
  'OracleDEVSEN',
  'PaymentDEVSEN',
  'RewardsDEVSEN',
  'TokenDEVSEN',
  'LinkToken',
];

/**
 * Why something failed, in a line. What a contract reverted with is named with its parameters, whichever contract on the
 * way it was.
 */
export async function explain(error: unknown): Promise<string> {
  if (error instanceof DevsenError) return error.message;
  const data = revertData(error);
  if (data !== undefined) {
    const named = await nameOf(data);
    if (named !== undefined) return `the contract refuses: ${named}`;
  }
  const { shortMessage, code, stack, message } = error as Error & { shortMessage?: string; code?: string };
  if (code === 'INSUFFICIENT_FUNDS') return 'the account has too little ether for the tx';
  if (shortMessage !== undefined) return asChainError(error).message;
  return stack ?? message ?? String(error);
}

function revertData(error: unknown): string | undefined {
  const { data, info } = (error ?? {}) as { data?: unknown; info?: { error?: { data?: unknown } } };
  for (const found of [data, info?.error?.data, (info?.error?.data as { data?: unknown })?.data]) {
    if (typeof found === 'string' && /^0x[0-9a-f]{8,}$/i.test(found)) return found;
  }
  return undefined;
}

async function nameOf(data: string): Promise<string | undefined> {
  for (const name of NAMES) {
    const { abi } = await readArtifact(name);
    const parsed = new Interface(abi as InterfaceAbi).parseError(data);
    if (parsed === null) continue;
    const args = parsed.fragment.inputs.map((input, i) => `${input.name}: ${parsed.args[i]}`);
    return args.length === 0 ? parsed.name : `${parsed.name} (${args.join(', ')})`;
  }
  return undefined;
}
