import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { encryptKeystoreJson, id, Wallet } from 'ethers';
import { openSigningKey, SIGNING_KEY_SETTINGS } from '../../adapter/signing-key.ts';
import { readSettings } from '../../runtime/settings.ts';

const WALLET = new Wallet(id('signing key of the test'));
const KEY = WALLET.privateKey.slice(2);
const PASSWORD = 'a password of this test';

let folder: string;
const at = (name: string) => join(folder, name);
const open = (env: Record<string, string>) => openSigningKey(readSettings(SIGNING_KEY_SETTINGS, env));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'devsen-signing-key-'));
  // As little work as the format allows: real keystores take a second.
  await writeFile(at('key.json'), await encryptKeystoreJson(WALLET, PASSWORD, { scrypt: { N: 2, r: 1, p: 1 } }));
  await writeFile(at('password'), `${PASSWORD}\nanother line\n`);
  await writeFile(at('no.json'), 'nothing');
});
afterAll(() => rm(folder, { recursive: true }));

describe("the operator's signing key", () => {
  it('is none where none is set', async () => {
    expect(await open({})).toBeUndefined();
  });

  it('comes from a keystore, with its password from a file or from the environment', async () => {
    const SIGNING_KEYSTORE = at('key.json');
    const byFile = await open({ SIGNING_KEYSTORE, SIGNING_KEYSTORE_PASSWORD_FILE: at('password') });
    const byText = await open({ SIGNING_KEYSTORE, SIGNING_KEYSTORE_PASSWORD: PASSWORD });
    expect([byFile?.address, byText?.address]).toEqual([WALLET.address, WALLET.address]);
  });

  it('comes from the environment only where that is allowed', async () => {
    expect((await open({ SIGNING_KEY: KEY, SIGNING_KEY_ALLOWED: 'true' }))?.address).toBe(WALLET.address);
    await expect(open({ SIGNING_KEY: KEY })).rejects.toThrow(
      'SIGNING_KEY is set: use SIGNING_KEYSTORE, or set SIGNING_KEY_ALLOWED=true on a local network',
    );
  });

  it.each([
    [
      'both are set',
      { SIGNING_KEY: KEY, SIGNING_KEYSTORE: 'key.json' },
      'SIGNING_KEYSTORE and SIGNING_KEY are both set',
    ],
    [
      'the key is none of the curve',
      { SIGNING_KEY: '00'.repeat(32), SIGNING_KEY_ALLOWED: 'true' },
      'SIGNING_KEY is wrong',
    ],
    ['there is no such keystore', { SIGNING_KEYSTORE: 'away.json' }, 'SIGNING_KEYSTORE cannot be read: ENOENT'],
    [
      'there is no such password file',
      { SIGNING_KEYSTORE: 'key.json', SIGNING_KEYSTORE_PASSWORD_FILE: 'away' },
      'SIGNING_KEYSTORE_PASSWORD_FILE cannot be read: ENOENT',
    ],
    [
      'the password is wrong',
      { SIGNING_KEYSTORE: 'key.json', SIGNING_KEYSTORE_PASSWORD: 'wrong' },
      'SIGNING_KEYSTORE_PASSWORD is wrong',
    ],
    ['the keystore is none', { SIGNING_KEYSTORE: 'no.json' }, 'SIGNING_KEYSTORE is wrong: no JSON keystore'],
  ])('is refused where %s, without a word of key or password', async (_what, env, message) => {
    const isFile = (name: string) => name === 'SIGNING_KEYSTORE' || name.endsWith('_FILE');
    const inFolder = Object.entries(env).map(([name, value]) => [name, isFile(name) ? at(value) : value]);
    const error = await open(Object.fromEntries(inFolder)).catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ code: 'SETTINGS_INVALID', message: expect.stringContaining(message) });
    expect(String((error as Error).message)).not.toMatch(new RegExp(`${KEY}|${PASSWORD}`));
  });
});
