import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Wallet } from 'ethers';
import { runCli } from '../../network/cli/cli.ts';
import { type Addresses, deployNetwork } from '../../network/deploy.ts';
import { startChain, type TestChain } from '../support/chain.ts';

let chain: TestChain;
let folder: string;
let addresses: Addresses;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'devsen-operator-'));
  chain = await startChain();
  const admin = chain.wallet(0);
  addresses = await deployNetwork({ admin, deploymentDir: join(folder, 'deployment') });
});
afterAll(async () => {
  await chain?.close();
  await rm(folder, { recursive: true, force: true });
});

/** One line of JSON of a command in the network, as the holder of a funded account's key. */
async function as(n: number, ...args: string[]): Promise<Record<string, unknown>> {
  const texts = { out: '', err: '' };
  const sink = (name: 'out' | 'err') =>
    new Writable({
      write: (chunk, _encoding, done) => {
        texts[name] += String(chunk);
        done();
      },
    });
  const place = ['--rpc', chain.rpcUrl, '--oracle', addresses.oracle, '--json'];
  const env = { DEVSEN_KEY: chain.privateKey(n) };
  const code = await runCli([...args, ...place], { out: sink('out'), err: sink('err'), env });
  expect({ args, code, err: texts.err }).toEqual({ args, code: 0, err: '' });
  return JSON.parse(texts.out) as Record<string, unknown>;
}

describe('devsen operators', () => {
  it('brings an operator from nothing to one that is admitted, asked and may withdraw', async () => {
    const sender = Wallet.createRandom().address;
    const operators: { account: string; oracle: string }[] = [];
    for (const n of [5, 6, 7, 8]) {
      const account = new Wallet(chain.privateKey(n)).address;
      const { operator: oracle } = (await as(n, 'operators', 'set-up', sender)) as { operator: string };
      await as(0, 'operators', 'admit', account, oracle, Wallet.createRandom().address);
      operators.push({ account, oracle });
    }
    const accounts = operators.map(({ account }) => account);
    await as(0, 'operators', 'choose', '1', ...accounts);
    const record = { isActive: true, isAsked: true, agreed: 0, disagreed: 0, missed: 0 };
    expect(await as(5, 'operators')).toEqual({ faults: 1, operators: operators.map((one) => ({ ...one, ...record })) });

    const operator = operators[0]?.oracle as string;
    const senders = [sender, Wallet.createRandom().address];
    expect(await as(5, 'operators', 'set-up', '--operator', operator, ...senders)).toEqual({
      account: accounts[0],
      operator,
      senders,
    });
    expect(await as(5, 'operators', 'withdraw', operator, '0', '--dry-run')).toMatchObject({
      method: 'withdraw',
    });
  });
});
