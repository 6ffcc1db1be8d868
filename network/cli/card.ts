import { DevsenError } from '../../core/errors.ts';
import { idTagCommitment } from '../../core/identity.ts';
import { call } from '../contracts.ts';
import type { Session, Streams } from './session.ts';
import { findToken, type Token } from './tokens.ts';
import { transact } from './tx.ts';
import { amountOf, amountText, bytes32 } from './values.ts';

/** The chain's name of a card, told by its idTag or by itself. @throws DevsenError `INPUT_INVALID` without a pepper */
export function commitmentOf(session: Session, { env }: Streams, card: string): string {
  if (/^0x[0-9a-fA-F]{64}$/.test(card)) return bytes32(card);
  const pepper = session.local?.keys.idTagPepper ?? env.IDTAG_PEPPER;
  if (pepper === undefined || !/^([0-9a-fA-F]{2})+$/.test(pepper)) {
    throw new DevsenError('INPUT_INVALID', 'an idTag needs the pepper of the network: set IDTAG_PEPPER, hex');
  }
  return idTagCommitment(card, Buffer.from(pepper, 'hex'));
}

/** Amounts in tokens. */
export interface CardLimitOptions {
  token?: string;
  perSession?: string;
  inAll?: string;
}

/** Sets what a card may spend of its user's tokens in the vault, if amounts are given, and shows it. */
export async function cardLimit(session: Session, commitment: string, options: CardLimitOptions): Promise<void> {
  const token = await findToken(session, options.token);
  const { perSession, inAll } = options;
  if (perSession === undefined && inAll === undefined) return showLimit(session, commitment, token);
  if (perSession === undefined || inAll === undefined) {
    throw new DevsenError('INPUT_INVALID', 'how much? Give both --per-session and --in-all');
  }
  const [most, allowance] = [amountOf(perSession, token.decimals), amountOf(inAll, token.decimals)];
  const what = `let the card spend ${perSession} ${token.symbol} a session and ${inAll} ${token.symbol} in all`;
  const payment = await session.contract('PaymentDEVSEN');
  const done = await transact(session, what, payment, 'setCardLimit', commitment, token.address, most, allowance);
  if (done) await showLimit(session, commitment, token);
}

async function showLimit(session: Session, commitment: string, { address, symbol, decimals }: Token): Promise<void> {
  const [payment, users] = await Promise.all([session.contract('PaymentDEVSEN'), session.contract('UserDEVSEN')]);
  const [[, user], { mostPerSession, remaining }] = (await Promise.all([
    call(users, 'idTagState', commitment),
    call(payment, 'cardLimitOf', session.account, commitment, address),
  ])) as [[bigint, string], { mostPerSession: bigint; remaining: bigint }];
  const isYours = user.toLowerCase() === session.account.toLowerCase();
  const shown = { commitment, token: address, mostPerSession, remaining, isYours };
  const tokens = (amount: bigint) => `${amountText(amount, decimals)} ${symbol}`;
  session.output.result(
    shown,
    () =>
      `The card may spend ${tokens(mostPerSession)} a session and ${tokens(remaining)} in all` +
      (isYours ? '.' : ', once it is registered as yours.'),
  );
}
