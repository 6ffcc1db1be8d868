import { InvalidArgumentError } from 'commander';
import { formatUnits, getAddress, isAddress, parseUnits } from 'ethers';
import { DevsenError } from '../../core/errors.ts';

/** What arguments are read with: each returns the value, or throws what commander shows with the argument's name. */

export function address(text: string): string {
  if (!isAddress(text)) throw new InvalidArgumentError('expected an address, 0x and 40 hex digits.');
  return getAddress(text);
}

export function bytes32(text: string): string {
  if (!/^0x[0-9a-fA-F]{64}$/.test(text)) throw new InvalidArgumentError('expected 0x and 64 hex digits.');
  return text.toLowerCase();
}

/** A whole number from `least` to `most`. */
export function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d{1,16}$/.test(text) || value < least || value > most) {
      throw new InvalidArgumentError(`expected a whole number from ${least} to ${most}.`);
    }
    return value;
  };
}

/** A decimal number from `least` to `most`. */
export function decimal(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^-?\d{1,12}(\.\d{1,12})?$/.test(text) || value < least || value > most) {
      throw new InvalidArgumentError(`expected a number from ${least} to ${most}.`);
    }
    return value;
  };
}

/** `47.3769,8.5417`: degrees north and east. */
export function place(text: string): { latitudeDeg: number; longitudeDeg: number } {
  const parts = text.split(',');
  if (parts.length !== 2) throw new InvalidArgumentError('expected degrees north and east: 47.3769,8.5417');
  const [latitudeDeg, longitudeDeg] = [decimal(-90, 90)(parts[0] ?? ''), decimal(-180, 180)(parts[1] ?? '')];
  return { latitudeDeg, longitudeDeg };
}

/** An amount as people write it, in base units of a token with so many decimals. @throws DevsenError `INPUT_INVALID` */
export function amountOf(text: string, decimals: number): bigint {
  try {
    const amount = parseUnits(text, decimals);
    if (amount < 0n) throw new RangeError('negative');
    return amount;
  } catch {
    throw new DevsenError('INPUT_INVALID', `'${text}' is no amount with at most ${decimals} decimals`);
  }
}

/** An amount of base units as people read it. */
export function amountText(amount: bigint, decimals: number): string {
  return formatUnits(amount, decimals).replace(/\.0$/, '');
}

/** Unix seconds as `2026-11-22 13:04:05Z`; `never` for 0. */
export function timeText(atSec: bigint | number): string {
  return Number(atSec) === 0
    ? 'never'
    : `${new Date(Number(atSec) * 1000).toISOString().slice(0, 19).replace('T', ' ')}Z`;
}

/** A span of whole seconds in its two largest units: `2 h 5 min`, `40 s`. */
export function lastedText(seconds: number): string {
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3_600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}
