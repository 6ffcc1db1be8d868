import type { Contract } from 'ethers';
import { DevsenError } from '../../core/errors.ts';
import type { Session } from './session.ts';
import { findToken } from './tokens.ts';
import { transact } from './tx.ts';
import { amountOf, timeText } from './values.ts';

/** Options with which a tariff is given: flags and what they are. */
export const TARIFF_OPTIONS = [
  ['--per-kwh <price>', 'price of a kWh, in tokens'],
  ['--per-minute <price>', 'price of a minute of charging'],
  ['--flat <price>', 'price of a session'],
  ['--per-idle-minute <price>', 'price of a minute plugged in without charging'],
  ['--token <address or symbol>', 'in which token; needed if the network takes several'],
  ['--from <unix seconds>', 'from when it holds; now if not given'],
] as const;

const PRICES = ['perKwh', 'perMinute', 'flat', 'perIdleMinute'] as const;

export interface TariffText extends Record<(typeof PRICES)[number], string> {
  symbol: string;
  token: string;
  /** Unix seconds; 0 for now. */
  validFromSec: number;
}

/** @returns undefined for a dry run */
export async function setTariff(
  session: Session,
  device: Contract,
  identity: string,
  options: Record<string, string | undefined>,
): Promise<TariffText | undefined> {
  if (PRICES.every((name) => options[name] === undefined)) {
    throw new DevsenError(
      'INPUT_INVALID',
      'which price? Give at least one of --per-kwh, --per-minute, --flat, --per-idle-minute',
    );
  }
  const from = options.from ?? '0';
  if (!/^\d{1,12}$/.test(from)) throw new DevsenError('INPUT_INVALID', '--from expects Unix seconds');
  const token = await findToken(session, options.token);
  const prices = PRICES.map((name) => [name, amountOf(options[name] ?? '0', token.decimals)] as const);
  const tariff = { token: token.address, ...Object.fromEntries(prices) };
  const done = await transact(session, `set the tariff of ${identity}`, device, 'setTariff', tariff, from);
  if (done === undefined) return undefined;
  const texts = Object.fromEntries(PRICES.map((name) => [name, options[name] ?? '0'])) as Record<
    (typeof PRICES)[number],
    string
  >;
  return { ...texts, symbol: token.symbol, token: token.address, validFromSec: Number(from) };
}

export function describeTariff({ perKwh, perMinute, flat, perIdleMinute, symbol, validFromSec }: TariffText): string {
  const from = validFromSec === 0 ? '' : `, from ${timeText(validFromSec)}`;
  return `${perKwh} a kWh, ${perMinute} a minute, ${flat} a session, ${perIdleMinute} an idle minute, in ${symbol}${from}`;
}
