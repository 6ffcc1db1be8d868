import { call } from '../contracts.ts';
import { table } from './output.ts';
import type { Session } from './session.ts';
import { allowedTokens, findToken } from './tokens.ts';
import { transact } from './tx.ts';
import { amountOf, amountText } from './values.ts';

/** What an account has of each token that the network takes, in the vault and by itself. */
export async function balance(session: Session, account: string): Promise<void> {
  const payment = await session.contract('PaymentDEVSEN');
  const rows = await Promise.all(
    (await allowedTokens(session)).map(async ({ address: token, symbol, decimals, contract }) => ({
      token,
      symbol,
      decimals,
      vault: (await call(payment, 'freeOf', token, account)) as bigint,
      wallet: (await call(contract, 'balanceOf', account)) as bigint,
    })),
  );
  session.output.result({ account, tokens: rows }, () => {
    const cells = rows.map(({ symbol, vault, wallet, decimals }) => [
      symbol,
      amountText(vault, decimals),
      amountText(wallet, decimals),
    ]);
    return table(['token', 'in the vault', 'in the account'], cells, 'The network takes no token.');
  });
}

/** Brings tokens into the vault, allowing the vault to take them first. */
export async function deposit(session: Session, text: string, name: string | undefined): Promise<void> {
  const token = await findToken(session, name);
  const amount = amountOf(text, token.decimals);
  const payment = await session.contract('PaymentDEVSEN');
  const vault = await payment.getAddress();
  const allowed = (await call(token.contract, 'allowance', session.account, vault)) as bigint;
  if (allowed < amount) {
    const done = await transact(
      session,
      `allow the vault ${text} ${token.symbol}`,
      token.contract,
      'approve',
      vault,
      amount,
    );
    if (done === undefined) return;
  }
  const done = await transact(
    session,
    `deposit ${text} ${token.symbol}`,
    payment,
    'deposit',
    token.address,
    amount,
    session.account,
  );
  if (done) await balance(session, session.account);
}

/** Takes free tokens out of the vault. */
export async function withdraw(
  session: Session,
  text: string,
  { token: name, to }: { token?: string; to?: string },
): Promise<void> {
  const token = await findToken(session, name);
  const payment = await session.contract('PaymentDEVSEN');
  const free = (await call(payment, 'freeOf', token.address, session.account)) as bigint;
  const amount = text === 'all' ? free : amountOf(text, token.decimals);
  const what = `withdraw ${amountText(amount, token.decimals)} ${token.symbol}`;
  const done = await transact(session, what, payment, 'withdraw', token.address, amount, to ?? session.account);
  if (done) await balance(session, session.account);
}
