import { table } from '../cli/output.ts';
import { amountText } from '../cli/values.ts';
import type { Paint } from '../terminal.ts';
import { type Line, type Movement, sums } from './ledger.ts';
import type { Paid } from './session.ts';

/** The ledger for people: what everybody had and has, and the txs that made the difference. */
export function ledgerText(lines: readonly Line[], paint: Paint): string {
  const rows = lines
    .filter(({ before, after, movements }) => before !== 0n || after !== 0n || movements.length > 0)
    .map(({ party, token, decimals, before, after, movements }) => [
      party,
      token,
      amountText(before, decimals),
      amountText(after, decimals),
      changeText(after - before, decimals),
      txsText(movements),
    ]);
  const totals = sums(lines).map(({ token, decimals, before, after }) => [
    'sum',
    token,
    amountText(before, decimals),
    amountText(after, decimals),
    changeText(after - before, decimals),
    '',
  ]);
  const [headings = '', ...all] = table(
    ['party', 'token', 'before', 'after', 'change', 'by'],
    [...rows, ...totals],
    '',
  ).split('\n');
  return [paint('strong', headings), ...all].join('\n');
}

/** What each session cost, and the tx that settled it. */
export function sessionsText(sessions: readonly (Paid & { symbol: string; decimals: number })[]): string {
  return table(
    ['session', 'energy', 'ended by', 'cost', 'fee', 'back', 'settled in'],
    sessions.map(({ identity, connector, energyWh, stop, cost, fee, refunded, txHash, symbol, decimals }) => [
      `${identity}/${connector}`,
      `${Number(energyWh) / 1_000} kWh`,
      stop,
      `${amountText(cost, decimals)} ${symbol}`,
      amountText(fee, decimals),
      amountText(refunded, decimals),
      txHash,
    ]),
    'No sessions.',
  );
}

function changeText(amount: bigint, decimals: number): string {
  return amount > 0n ? `+${amountText(amount, decimals)}` : amountText(amount, decimals);
}

/** One tx whole; of several their number and the last. */
function txsText(movements: readonly Movement[]): string {
  const hashes = [...new Set(movements.map(({ txHash }) => txHash))];
  const last = hashes.at(-1);
  if (last === undefined) return '';
  return hashes.length === 1 ? last : `${hashes.length} txs, the last ${last}`;
}
