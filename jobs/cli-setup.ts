import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getAddress, isAddress, Wallet } from 'ethers';
import { DevsenError } from '../core/errors.ts';
import type { Said } from './cli-node.ts';
import { firstPassword } from './node/keystore.ts';
import type { JobNodeSettings } from './node/settings.ts';
import { renderCronSpec, renderJobSpec } from './render.ts';

const LEAST_PASSWORD = 12;

/**
 * Makes an account and keeps its key in an encrypted keystore, which no file there is overwritten by.
 *
 * @throws DevsenError `INPUT_INVALID` if the file is there, `SETTINGS_INVALID` if the password is missing or short
 */
export async function sayNewKey(path: string, settings: JobNodeSettings): Promise<Said> {
  const password = await firstPassword(settings);
  if (password.length < LEAST_PASSWORD)
    throw new DevsenError(
      'SETTINGS_INVALID',
      `NODE_KEYSTORE_PASSWORD or NODE_KEYSTORE_PASSWORD_FILE: expected a password of ${LEAST_PASSWORD} characters or more`,
    );
  const wallet = Wallet.createRandom();
  const json = await wallet.encrypt(password);
  try {
    await writeFile(path, json, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    throw new DevsenError('INPUT_INVALID', `${path} cannot be written: ${(error as NodeJS.ErrnoException).code}`);
  }
  const address = wallet.address;
  return {
    json: { address, keystore: path },
    text: `${address}\nIts key is in ${path}. Keep a copy, and the password.`,
  };
}

/**
 * Writes an operator's own copies of all job specs.
 *
 * @param given - folder, chain id, the operator's Operator contract, OracleDEVSEN, and the account that sends
 */
export async function sayFill(given: readonly string[]): Promise<Said> {
  const [folder = '', chainId = '', operator = '', ledger = '', sender = ''] = given;
  if (!/^\d{1,20}$/.test(chainId)) throw new DevsenError('INPUT_INVALID', 'chain id: expected a whole number');
  const [contractAddress, requester, linkPayer] = [
    addressOf(operator, 'Operator'),
    addressOf(ledger, 'ledger'),
    addressOf(sender, 'sender'),
  ];
  await mkdir(folder, { recursive: true });
  const templates = (await readdir(import.meta.dirname)).filter((name) => name.endsWith('.toml')).sort();
  for (const file of templates) {
    const template = await readFile(join(import.meta.dirname, file), 'utf8');
    const isCron = /^type\s*=\s*"cron"/m.test(template);
    const spec = isCron
      ? renderCronSpec(template, { evmChainId: chainId, linkPayer })
      : renderJobSpec(template, { contractAddress, evmChainId: chainId, requesters: [requester] });
    await writeFile(join(folder, file), spec);
  }
  const text = templates.map((file) => join(folder, file)).join('\n');
  return { json: { folder, files: templates }, text };
}

function addressOf(text: string, name: string): string {
  if (!isAddress(text)) throw new DevsenError('INPUT_INVALID', `${name}: expected an address`);
  return getAddress(text);
}
