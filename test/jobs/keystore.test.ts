import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { encryptKeystoreJson, Wallet } from 'ethers';
import { openAccounts } from '../../jobs/node/keystore.ts';

const KEY = `0x${'11'.repeat(32)}`;
const NONE = {
  NODE_KEYSTORE: [] as string[],
  NODE_KEYSTORE_RETIRING: [] as string[],
  NODE_KEYSTORE_PASSWORD: '',
  NODE_KEYSTORE_PASSWORD_FILE: '',
  NODE_KEY: [] as Buffer[],
  NODE_KEY_ALLOWED: false,
};

describe("the node's key", () => {
  let folder: string;
  let file: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'devsen-key-'));
    file = join(folder, 'key.json');
    await writeFile(file, await encryptKeystoreJson(new Wallet(KEY), 'secret', { scrypt: { N: 2 ** 10, p: 1, r: 8 } }));
    await writeFile(join(folder, 'password'), 'secret\n');
  });
  afterAll(() => rm(folder, { recursive: true }));

  const read = async (changes: Partial<typeof NONE>) =>
    (await openAccounts({ ...NONE, ...changes })).map(({ wallet, isRetiring }) => [wallet.address, isRetiring]);

  it('comes from an encrypted keystore with its password, given or in a file', async () => {
    const { address } = new Wallet(KEY);
    expect(await read({ NODE_KEYSTORE: [file], NODE_KEYSTORE_PASSWORD: 'secret' })).toEqual([[address, false]]);
    const passwordFile = join(folder, 'password');
    expect(await read({ NODE_KEYSTORE: [file], NODE_KEYSTORE_PASSWORD_FILE: passwordFile })).toEqual([
      [address, false],
    ]);
  });

  it('may be new while the one before retires, each with a password of its own', async () => {
    const newKey = `0x${'22'.repeat(32)}`;
    const newFile = join(folder, 'new.json');
    const scrypt = { scrypt: { N: 2 ** 10, p: 1, r: 8 } };
    await writeFile(newFile, await encryptKeystoreJson(new Wallet(newKey), 'other', scrypt));
    const passwords = join(folder, 'passwords');
    await writeFile(passwords, 'other\nsecret\n');
    const settings = {
      NODE_KEYSTORE: [newFile],
      NODE_KEYSTORE_RETIRING: [file],
      NODE_KEYSTORE_PASSWORD_FILE: passwords,
    };
    expect(await read(settings)).toEqual([
      [new Wallet(newKey).address, false],
      [new Wallet(KEY).address, true],
    ]);
    await expect(read({ ...settings, NODE_KEYSTORE: [newFile, newFile] })).rejects.toThrow(
      'NODE_KEYSTORE_PASSWORD_FILE has 2 lines, for 3 keystores',
    );
    const twice = { NODE_KEYSTORE: [file], NODE_KEYSTORE_RETIRING: [file], NODE_KEYSTORE_PASSWORD: 'secret' };
    await expect(read(twice)).rejects.toThrow('the keys of the node hold one account twice');
  });

  it('is refused with the setting that is wrong, and never shown', async () => {
    const open = (changes: Partial<typeof NONE>) => openAccounts({ ...NONE, ...changes });
    await expect(open({})).rejects.toThrow('NODE_KEYSTORE is not set');
    await expect(open({ NODE_KEYSTORE: [file], NODE_KEYSTORE_PASSWORD: 'wrong' })).rejects.toThrow(
      'NODE_KEYSTORE_PASSWORD is wrong',
    );
    await expect(open({ NODE_KEYSTORE: [join(folder, 'password')] })).rejects.toThrow(
      'NODE_KEYSTORE is wrong: expected a JSON keystore',
    );
    await expect(open({ NODE_KEYSTORE: [join(folder, 'none')] })).rejects.toThrow(
      'NODE_KEYSTORE cannot be read: ENOENT',
    );
    const key = Buffer.from(KEY.slice(2), 'hex');
    await expect(open({ NODE_KEY: [key] })).rejects.toThrow('NODE_KEY is set: use NODE_KEYSTORE');
    await expect(open({ NODE_KEY: [key], NODE_KEYSTORE: [file] })).rejects.toThrow('expected one of them');
    const error = await open({ NODE_KEY: [Buffer.alloc(32)], NODE_KEY_ALLOWED: true }).catch(
      (caught) => caught as Error,
    );
    expect(error).toMatchObject({ code: 'SETTINGS_INVALID', message: 'NODE_KEY is wrong: expected a private key' });
  });
});
