import { Contract } from 'ethers';
import { DevsenError } from '../../core/errors.ts';
import { call } from '../contracts.ts';
import type { Session } from './session.ts';

/** A token that sessions are paid in. */
export interface Token {
  address: string;
  symbol: string;
  decimals: number;
  contract: Contract;
}

const ERC20_ABI = [
  'function symbol() view returns (string)',
  'function decimals() view returns (uint8)',
  'function balanceOf(address) view returns (uint256)',
  'function allowance(address owner, address spender) view returns (uint256)',
  'function approve(address spender, uint256 amount) returns (bool)',
];

/** Most tokens shown. */
const MOST_TOKENS = 200;

export async function tokenAt(session: Session, address: string): Promise<Token> {
  const contract = new Contract(address, ERC20_ABI, session.signer);
  try {
    const [symbol, decimals] = await Promise.all([call(contract, 'symbol'), call(contract, 'decimals')]);
    return { address, symbol: String(symbol), decimals: Number(decimals), contract };
  } catch (cause) {
    throw new DevsenError('NOT_FOUND', `no ERC-20 token answers at ${address}`, { cause });
  }
}

/** The tokens that the network takes now. */
export async function allowedTokens(session: Session): Promise<Token[]> {
  const payment = await session.contract('PaymentDEVSEN');
  const rows = (await call(payment, 'tokens', 0, MOST_TOKENS)) as { token: string; allowed: boolean }[];
  return Promise.all(rows.filter(({ allowed }) => allowed).map(({ token }) => tokenAt(session, token)));
}

/** A token by its address or its symbol. @throws DevsenError `INPUT_INVALID` if it is none, or which is unclear */
export async function findToken(session: Session, name: string | undefined): Promise<Token> {
  if (name !== undefined && /^0x[0-9a-fA-F]{40}$/.test(name)) return tokenAt(session, name);
  const tokens = await allowedTokens(session);
  const found = name === undefined ? tokens : tokens.filter(({ symbol }) => symbol === name);
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const known = tokens.map(({ symbol, address }) => `${symbol} ${address}`).join(', ');
  throw new DevsenError('INPUT_INVALID', `which token? The network takes ${known || 'none'}`);
}
