import { readFile } from 'node:fs/promises';
import { Wallet } from 'ethers';
import { DevsenError } from '../core/errors.ts';
import { asBoolean, asHexBytes, asText, type SettingsOf } from '../runtime/settings.ts';

/** Where the key is with which an operator approves requests to chargers; without one it approves none. */
export const SIGNING_KEY_SETTINGS = {
  SIGNING_KEYSTORE: {
    about: "Encrypted JSON keystore of the operator's signing key, by which it approves commands to chargers.",
    unit: 'path',
    default: '',
    read: asText,
  },
  SIGNING_KEYSTORE_PASSWORD: {
    about: 'Password of that keystore.',
    unit: 'text',
    default: '',
    isSecret: true,
    read: asText,
  },
  SIGNING_KEYSTORE_PASSWORD_FILE: {
    about: 'File whose first line is the password of that keystore.',
    unit: 'path',
    default: '',
    read: asText,
  },
  SIGNING_KEY: {
    about: 'Signing key instead of a keystore; only where SIGNING_KEY_ALLOWED is true (local networks).',
    unit: '32 bytes as hex digits',
    default: '',
    isSecret: true,
    read: (text: string) => (text === '' ? Buffer.alloc(0) : asHexBytes(32, 32)(text)),
  },
  SIGNING_KEY_ALLOWED: {
    about: 'Whether SIGNING_KEY may be used.',
    unit: 'true or false',
    default: 'false',
    read: asBoolean,
  },
};

export type SigningKeySettings = SettingsOf<typeof SIGNING_KEY_SETTINGS>;

/**
 * The operator's signing key; undefined if none is set.
 *
 * @throws DevsenError `SETTINGS_INVALID` saying which setting is wrong; never with the key or the password
 */
export async function openSigningKey(settings: SigningKeySettings): Promise<Wallet | undefined> {
  const { SIGNING_KEY: key, SIGNING_KEYSTORE: path } = settings;
  if (key.length > 0) {
    if (path !== '') throw wrong('SIGNING_KEYSTORE and SIGNING_KEY are both set: expected one of them');
    if (!settings.SIGNING_KEY_ALLOWED) {
      throw wrong('SIGNING_KEY is set: use SIGNING_KEYSTORE, or set SIGNING_KEY_ALLOWED=true on a local network');
    }
    try {
      return new Wallet(`0x${key.toString('hex')}`);
    } catch {
      throw wrong('SIGNING_KEY is wrong: expected a private key');
    }
  }
  if (path === '') return undefined;
  const json = await readSetting('SIGNING_KEYSTORE', path);
  const file = settings.SIGNING_KEYSTORE_PASSWORD_FILE;
  const [first = ''] = file === '' ? [] : (await readSetting('SIGNING_KEYSTORE_PASSWORD_FILE', file)).split(/\r?\n/);
  try {
    const opened = await Wallet.fromEncryptedJson(json, file === '' ? settings.SIGNING_KEYSTORE_PASSWORD : first);
    return new Wallet(opened.privateKey);
  } catch (error) {
    const isPassword = /password/i.test((error as Error).message);
    throw wrong(isPassword ? 'SIGNING_KEYSTORE_PASSWORD is wrong' : 'SIGNING_KEYSTORE is wrong: no JSON keystore');
  }
}

async function readSetting(name: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw wrong(`${name} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}

function wrong(what: string): DevsenError {
  return new DevsenError('SETTINGS_INVALID', what);
}
