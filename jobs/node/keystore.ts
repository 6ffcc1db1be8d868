import { scrypt as scryptOfNode } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { scrypt, Wallet } from 'ethers';
import { DevsenError } from '../../core/errors.ts';
import type { Account } from './sending.ts';
import type { JobNodeSettings } from './settings.ts';

type KeySettings = Pick<
  JobNodeSettings,
  | 'NODE_KEYSTORE'
  | 'NODE_KEYSTORE_RETIRING'
  | 'NODE_KEYSTORE_PASSWORD'
  | 'NODE_KEYSTORE_PASSWORD_FILE'
  | 'NODE_KEY'
  | 'NODE_KEY_ALLOWED'
>;

/** Node's own key derivation: the one in ethers takes ten times as long, and holds up all else meanwhile. */
const derive = promisify<Uint8Array, Uint8Array, number, object, Buffer>(scryptOfNode);
scrypt.register((password, salt, N, r, p, length) => derive(password, salt, length, { N, r, p, maxmem: 256 * N * r }));

const wrong = (what: string) => new DevsenError('SETTINGS_INVALID', what);

/**
 * The accounts that send answers, from encrypted keystores or, where that is allowed, from bare keys.
 *
 * @throws DevsenError `SETTINGS_INVALID` saying which setting is wrong; never with a key or a password
 */
export async function openAccounts(settings: KeySettings): Promise<Account[]> {
  const { NODE_KEYSTORE: stores, NODE_KEYSTORE_RETIRING: retiring, NODE_KEY: keys } = settings;
  if (stores.length > 0 && keys.length > 0)
    throw wrong('NODE_KEYSTORE and NODE_KEY are both set: expected one of them');
  if (stores.length === 0 && keys.length === 0)
    throw wrong('NODE_KEYSTORE is not set: the encrypted keystore of the sending account (path)');
  if (keys.length > 0 && !settings.NODE_KEY_ALLOWED)
    throw wrong('NODE_KEY is set: use NODE_KEYSTORE, or set NODE_KEY_ALLOWED=true on a local network');
  const passwords = await readPasswords(settings, stores.length + retiring.length);
  const accounts = keys.map((key): Account => ({ wallet: walletOf(key), isRetiring: false }));
  for (const [i, path] of [...stores, ...retiring].entries()) {
    const name = i < stores.length ? 'NODE_KEYSTORE' : 'NODE_KEYSTORE_RETIRING';
    const wallet = await decrypt(name, path, passwords[i] as string);
    accounts.push({ wallet, isRetiring: i >= stores.length });
  }
  const addresses = accounts.map(({ wallet }) => wallet.address);
  if (new Set(addresses).size < addresses.length) throw wrong('the keys of the node hold one account twice');
  return accounts;
}

function walletOf(key: Buffer): Wallet {
  try {
    return new Wallet(`0x${key.toString('hex')}`);
  } catch {
    throw wrong('NODE_KEY is wrong: expected a private key');
  }
}

async function decrypt(name: string, path: string, password: string): Promise<Wallet> {
  const json = await readSetting(name, path);
  try {
    const { privateKey } = await Wallet.fromEncryptedJson(json, password);
    return new Wallet(privateKey);
  } catch (error) {
    const isPassword = /password/i.test((error as Error).message);
    throw wrong(isPassword ? 'NODE_KEYSTORE_PASSWORD is wrong' : `${name} is wrong: expected a JSON keystore`);
  }
}

/** The password of the first keystore. @throws DevsenError `SETTINGS_INVALID` if its file cannot be read */
export async function firstPassword(settings: KeySettings): Promise<string> {
  return (await readPasswords(settings, 1))[0] as string;
}

/** One password for each keystore. */
async function readPasswords(settings: KeySettings, stores: number): Promise<string[]> {
  const file = settings.NODE_KEYSTORE_PASSWORD_FILE;
  if (!file || stores === 0) return Array(stores).fill(settings.NODE_KEYSTORE_PASSWORD);
  const lines = (await readSetting('NODE_KEYSTORE_PASSWORD_FILE', file)).replace(/\r?\n$/, '').split(/\r?\n/);
  if (lines.length === 1) return Array(stores).fill(lines[0]);
  if (lines.length < stores)
    throw wrong(
      `NODE_KEYSTORE_PASSWORD_FILE has ${lines.length} lines, for ${stores} keystores: expected one, or one each`,
    );
  return lines;
}

async function readSetting(name: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw wrong(`${name} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}
