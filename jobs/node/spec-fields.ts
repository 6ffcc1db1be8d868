import { createHash } from 'node:crypto';
import { getAddress } from 'ethers';
import { parse, TomlError } from 'smol-toml';
import { specError } from './spec-error.ts';

/** @throws DevsenError `JOB_SPEC_INVALID` with the line of what is no TOML */
export function readToml(text: string, file: string): Record<string, unknown> {
  try {
    return parse(text, { integersAsBigInt: 'asNeeded' });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw specError(file, error.line, `no TOML: ${error.message.split('\n')[0]}`, error);
  }
}

/** The UUID of a spec that names none: the same for the same text, and another after any change. */
export function idFrom(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}

/** An address in lower case; one in mixed case must carry a right checksum. */
export function addressOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || !/^0x[0-9a-fA-F]{40}$/.test(value)) return undefined;
  try {
    return getAddress(value).toLowerCase();
  } catch {
    return undefined;
  }
}

export function wholeOf(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value >= 0n ? value : undefined;
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : undefined;
  return typeof value === 'string' && /^\d{1,30}$/.test(value) ? BigInt(value) : undefined;
}

/** Line of a field in the text, or 1 where it is not. */
export function lineOf(text: string, field: string): number {
  const index = text.split('\n').findIndex((line) => new RegExp(`^\\s*${field}\\s*=`).test(line));
  return index < 0 ? 1 : index + 1;
}

/** Line on which the DOT source begins: the one after an opening `"""` that ends its line. */
export function sourceLine(text: string): number {
  const line = lineOf(text, 'observationSource');
  return /("""|''')\s*$/.test(text.split('\n')[line - 1] ?? '') ? line + 1 : line;
}
