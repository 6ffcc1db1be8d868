import { readFile } from 'node:fs/promises';
import { Wallet } from 'ethers';
import { DevsenError } from '../../core/errors.ts';
import type { NetworkKeys } from '../local-state.ts';

/** Who acts on a local network where nobody is named. */
export type Role = 'admin' | 'manager' | 'driver' | 'asker';

/** Options that say who acts. */
export interface KeyOptions {
  keystore?: string;
  keyFile?: string;
  as?: string;
}

/**
 * The key of whoever acts.
 *
 * @param role - who acts on a local network unless it is said; 'reader' needs no key anywhere
 * @returns 32 bytes, 0x-prefixed hex; undefined for a reader without one
 * @throws DevsenError `INPUT_INVALID`
 */
export async function keyOf(
  options: KeyOptions,
  env: Record<string, string | undefined>,
  keys: NetworkKeys | undefined,
  role: Role | 'reader',
): Promise<string | undefined> {
  if (options.keystore !== undefined) return openKeystore(options.keystore, env.KEYSTORE_PASSWORD);
  const text = options.keyFile === undefined ? env.DEVSEN_KEY : await readText(options.keyFile);
  if (text !== undefined) return checkedKey(text.trim());
  if (keys !== undefined && (options.as !== undefined || role !== 'reader')) {
    return localKey(keys, options.as ?? role);
  }
  if (options.as !== undefined) throw new DevsenError('INPUT_INVALID', '--as works on a local network only');
  if (role === 'reader') return undefined;
  throw new DevsenError('INPUT_INVALID', 'who acts? Give --keystore or --key-file, or set DEVSEN_KEY');
}

function localKey(keys: NetworkKeys, who: string): string {
  const operator = /^operator-([1-9]\d?)$/.exec(who);
  const people = ['admin', 'manager', 'driver', 'asker'];
  const key = operator
    ? keys.operators[Number(operator[1]) - 1]?.account
    : people.includes(who)
      ? keys[who as Role]
      : undefined;
  if (key !== undefined) return key;
  throw new DevsenError(
    'INPUT_INVALID',
    `--as expects ${people.join(', ')} or operator-1 to operator-${keys.operators.length}`,
  );
}

async function openKeystore(path: string, password: string | undefined): Promise<string> {
  if (password === undefined) throw new DevsenError('INPUT_INVALID', 'KEYSTORE_PASSWORD is not set');
  const json = await readText(path);
  try {
    return (await Wallet.fromEncryptedJson(json, password)).privateKey;
  } catch {
    throw new DevsenError('INPUT_INVALID', 'the keystore does not open: wrong password, or no JSON keystore');
  }
}

function checkedKey(text: string): string {
  try {
    return new Wallet(text.startsWith('0x') ? text : `0x${text}`).privateKey;
  } catch {
    throw new DevsenError('INPUT_INVALID', 'the key is no private key: 32 bytes as hex digits');
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new DevsenError('INPUT_INVALID', `${path} cannot be read: ${(cause as NodeJS.ErrnoException).code}`);
  }
}
