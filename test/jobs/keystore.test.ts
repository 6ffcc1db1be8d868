import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { encryptKeystoreJson, Wallet } from 'ethers';
import { openWallet } from '../../jobs/node/keystore.ts';

const KEY = `0x${'11'.repeat(32)}`;
const NONE = {
  NODE_KEYSTORE: '',
  NODE_KEYSTORE_PASSWORD: '',
  NODE_KEYSTORE_PASSWORD_FILE: '',
  NODE_KEY: Buffer.alloc(0),
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

  it('comes from an encrypted keystore with its password, given or in a file', async () => {
    const { address } = new Wallet(KEY);
    expect((await openWallet({ ...NONE, NODE_KEYSTORE: file, NODE_KEYSTORE_PASSWORD: 'secret' })).address).toBe(
      address,
    );
    const passwordFile = join(folder, 'password');
    expect(
      (await openWallet({ ...NONE, NODE_KEYSTORE: file, NODE_KEYSTORE_PASSWORD_FILE: passwordFile })).address,
    ).toBe(address);
  });

  it('is refused with the setting that is wrong, and never shown', async () => {
    const open = (changes: Partial<typeof NONE>) => openWallet({ ...NONE, ...changes });
    await expect(open({})).rejects.toThrow('NODE_KEYSTORE is not set');
    await expect(open({ NODE_KEYSTORE: file, NODE_KEYSTORE_PASSWORD: 'wrong' })).rejects.toThrow(
      'NODE_KEYSTORE_PASSWORD is wrong',
    );
    await expect(open({ NODE_KEYSTORE: join(folder, 'password') })).rejects.toThrow(
      'NODE_KEYSTORE is wrong: expected a JSON keystore',
    );
    await expect(open({ NODE_KEYSTORE: join(folder, 'none') })).rejects.toThrow('NODE_KEYSTORE cannot be read: ENOENT');
    const key = Buffer.from(KEY.slice(2), 'hex');
    await expect(open({ NODE_KEY: key })).rejects.toThrow('NODE_KEY is set: use NODE_KEYSTORE');
    await expect(open({ NODE_KEY: key, NODE_KEYSTORE: file })).rejects.toThrow('expected one of them');
    const error = await open({ NODE_KEY: Buffer.alloc(32), NODE_KEY_ALLOWED: true }).catch((caught) => caught as Error);
    expect(error).toMatchObject({ code: 'SETTINGS_INVALID', message: 'NODE_KEY is wrong: expected a private key' });
  });
});
