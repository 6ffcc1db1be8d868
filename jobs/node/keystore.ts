import { readFile } from 'node:fs/promises';
import { Wallet } from 'ethers';
import { DevsenError } from '../../core/errors.ts';
import type { JobNodeSettings } from './settings.ts';

type KeySettings = Pick<
  JobNodeSettings,
  'NODE_KEYSTORE' | 'NODE_KEYSTORE_PASSWORD' | 'NODE_KEYSTORE_PASSWORD_FILE' | 'NODE_KEY' | 'NODE_KEY_ALLOWED'
>;

/**
 * The account that sends answers, from its encrypted keystore or, where that is allowed, from a bare key.
 *
 * @throws DevsenError `SETTINGS_INVALID` saying which setting is wrong; never with the key or the password
 */
export async function openWallet(settings: KeySettings): Promise<Wallet> {
  const wrong = (what: string) => new DevsenError('SETTINGS_INVALID', what);
  const hasKey = settings.NODE_KEY.length > 0;
  if (settings.NODE_KEYSTORE && hasKey) throw wrong('NODE_KEYSTORE and NODE_KEY are both set: expected one of them');
  if (hasKey) {
    if (!settings.NODE_KEY_ALLOWED) {
      throw wrong('NODE_KEY is set: use NODE_KEYSTORE, or set NODE_KEY_ALLOWED=true on a local network');
    }
    try {
      return new Wallet(`0x${settings.NODE_KEY.toString('hex')}`);
    } catch {
      throw wrong('NODE_KEY is wrong: expected a private key');
    }
  }
  if (!settings.NODE_KEYSTORE)
    throw wrong('NODE_KEYSTORE is not set: the encrypted keystore of the sending account (path)');
  const json = await readSetting('NODE_KEYSTORE', settings.NODE_KEYSTORE);
  const fromFile = settings.NODE_KEYSTORE_PASSWORD_FILE;
  const password = fromFile
    ? ((await readSetting('NODE_KEYSTORE_PASSWORD_FILE', fromFile)).split(/\r?\n/)[0] ?? '')
    : settings.NODE_KEYSTORE_PASSWORD;
  try {
    const { privateKey } = await Wallet.fromEncryptedJson(json, password);
    return new Wallet(privateKey);
  } catch (error) {
    const isPassword = /password/i.test((error as Error).message);
    throw wrong(isPassword ? 'NODE_KEYSTORE_PASSWORD is wrong' : 'NODE_KEYSTORE is wrong: expected a JSON keystore');
  }
}

async function readSetting(name: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new DevsenError('SETTINGS_INVALID', `${name} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}
