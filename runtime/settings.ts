import { DevsenError } from '../core/errors.ts';

/** One setting of a process: a row of the README's table, a check at start and, from its `read`, a type. */
export interface Setting<T> {
  /** One sentence for whoever runs it. */
  about: string;
  /** Unit, or the form of the value (`URL`, `address`, `path`, `ms`). */
  unit: string;
  /** Text used when the variable is unset or empty; without it the setting is required. */
  default?: string;
  /** Never shown: not in logs, errors or the table. */
  isSecret?: boolean;
  /** @throws Error whose message says what was expected (it must not repeat the value) */
  read: (text: string) => T;
}

export type SettingRows = Record<string, Setting<unknown>>;
export type SettingsOf<Rows extends SettingRows> = { [Name in keyof Rows]: ReturnType<Rows[Name]['read']> };

/**
 * Reads every setting at once.
 *
 * @throws DevsenError `SETTINGS_INVALID`: its message has one line for each wrong variable
 */
export function readSettings<Rows extends SettingRows>(
  rows: Rows,
  env: Record<string, string | undefined>,
): SettingsOf<Rows> {
  const values: Record<string, unknown> = {};
  const wrong: string[] = [];
  for (const [name, row] of Object.entries(rows)) {
    const text = env[name] || row.default;
    if (text === undefined) {
      wrong.push(`${name} is not set: ${row.about} (${row.unit})`);
      continue;
    }
    try {
      values[name] = row.read(text);
    } catch (error) {
      wrong.push(`${name} is wrong: ${(error as Error).message}`);
    }
  }
  if (wrong.length > 0) throw new DevsenError('SETTINGS_INVALID', wrong.join('\n'));
  return values as SettingsOf<Rows>;
}

/** Readers for the usual forms; each error says what was expected and never repeats the value. */
export const asText = (text: string): string => text;

export function asWhole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most) {
      throw new Error(`expected a whole number from ${least} to ${most}`);
    }
    return value;
  };
}

export function asUrl(...protocols: string[]): (text: string) => string {
  return (text) => {
    if (!URL.canParse(text) || !protocols.includes(new URL(text).protocol)) {
      throw new Error(`expected a URL that begins with ${protocols.map((p) => `${p}//`).join(' or ')}`);
    }
    return text;
  };
}

/** An Ethereum address, returned in lower case. */
export function asAddress(text: string): string {
  if (!/^0x[0-9a-fA-F]{40}$/.test(text)) throw new Error('expected an address: 0x and 40 hex digits');
  return text.toLowerCase();
}

/** Bytes as hex, with or without 0x. */
export function asHexBytes(least: number, most: number): (text: string) => Buffer {
  return (text) => {
    const hex = text.replace(/^0x/, '');
    if (!/^([0-9a-fA-F]{2})*$/.test(hex) || hex.length < least * 2 || hex.length > most * 2) {
      throw new Error(`expected ${least === most ? least : `${least} to ${most}`} bytes as hex digits`);
    }
    return Buffer.from(hex, 'hex');
  };
}

export function asOneOf<const Choice extends string>(...choices: Choice[]): (text: string) => Choice {
  return (text) => {
    if (!choices.includes(text as Choice)) throw new Error(`expected one of ${choices.join(', ')}`);
    return text as Choice;
  };
}

export function asBoolean(text: string): boolean {
  return asOneOf('true', 'false')(text) === 'true';
}
