import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { makeChain } from '../../jobs/node/chain.ts';
import { makeRpc } from '../../jobs/node/rpc.ts';
import type { TaskServices } from '../../jobs/node/task.ts';
import { TASK_TYPES } from '../../jobs/node/tasks/table.ts';
import { makeMap, type Value } from '../../jobs/node/values.ts';
import { deployContract } from '../../network/provision.ts';
import { startChain, type TestChain } from '../support/chain.ts';
import { plain, runTask } from './run-task.ts';
import { PATIENCE_MS } from './world.ts';

jest.setTimeout(PATIENCE_MS);

describe('calls to a contract', () => {
  let chain: TestChain;
  let link: string;
  let services: Pick<TaskServices, 'chain'>;
  beforeAll(async () => {
    chain = await startChain({});
    link = await deployContract('LinkToken', chain.wallet(0));
    services = { chain: makeChain(makeRpc(chain.rpcUrl, 10_000)) };
  });
  afterAll(() => chain.close());
  const run = (type: string, attributes: Record<string, string>, vars: Record<string, Value> = {}) =>
    runTask(type, attributes, vars, [], services);
  const encode = (abi: string, data = '{}') => run('ethabiencode', { abi, data });

  it('ethcall gives what a contract returns, as bytes that decode', async () => {
    const symbol = await encode('symbol()');
    const result = await run('ethcall', { contract: link, data: '$(symbol)' }, { symbol });
    expect(result).toBeInstanceOf(Uint8Array);
    expect(plain(await run('ethabidecode', { abi: 'string symbol', data: '$(result)' }, { result }))).toEqual({
      symbol: 'LINK',
    });
  });

  it('ethcall calls from the account and with the gas it is told', async () => {
    const mint = await encode('mint(address to, uint256 amount)', `{"to": "${link}", "amount": 1}`);
    const minter = await chain.wallet(0).getAddress();
    const as = (more: Record<string, string>) => run('ethcall', { contract: link, data: '$(mint)', ...more }, { mint });
    await expect(as({ from: minter })).rejects.toThrow(/^the call failed: /);
    const supply = await encode('totalSupply()');
    await expect(run('ethcall', { contract: link, data: '$(d)', gas: '1' }, { d: supply })).rejects.toThrow(
      /^the call failed: /,
    );
    await expect(run('ethcall', { contract: '0x12', data: '0x1234' })).rejects.toThrow('contract: expected an address');
    await expect(run('ethcall', { contract: link, data: '0x' })).rejects.toThrow('data: expected a selector');
    expect(TASK_TYPES.ethcall?.check?.({ block: '7' })).toBe('block: expected latest or pending');
    await expect(run('ethcall', { contract: link, data: '0x12', gasprice: '1.5' })).rejects.toThrow(
      'gasPrice: expected a whole number, not negative',
    );
  });

  it('ethcall pays what it is told, on top of what is pending if that is wanted, and only on the chain of the node', async () => {
    const asked: unknown[] = [];
    const recording = makeChain(async (method, params) => {
      asked.push([method, ...params]);
      return '0x07';
    });
    const vars = { jobSpec: makeMap([['evmChainID', '31337']]) };
    const call = (more: Record<string, string>) =>
      runTask('ethcall', { contract: link, data: '0x12345678', ...more }, vars, [], { chain: recording });
    const fees = { gasfeecap: '5000000000', gastipcap: '1000000000' };
    await call({ ...fees, block: 'pending', extractrevertreason: 'true', evmchainid: '$(jobSpec.evmChainID)' });
    await call({ gasprice: '16', block: 'latest', evmchainid: '31337' });
    const to = link.toLowerCase();
    const paid = { maxFeePerGas: '0x12a05f200', maxPriorityFeePerGas: '0x3b9aca00' };
    expect(asked).toEqual([
      ['eth_call', { to, data: '0x12345678', ...paid }, 'pending'],
      ['eth_call', { to, data: '0x12345678', gasPrice: '0x10' }, 'latest'],
    ]);
    await expect(call({ evmchainid: '1' })).rejects.toThrow("evmChainID: the node's chain is 31337");
  });

  it('estimategaslimit multiplies what the chain says, up to the limit, which stands where the chain cannot say', async () => {
    const owner = await chain.wallet(0).getAddress();
    const approve = await encode(
      'approve(address spender, uint256 amount)',
      `{"spender": "${link.replace(/.$/, '0')}", "amount": 1}`,
    );
    const estimate = async (more: Record<string, string>) =>
      Number(await run('estimategaslimit', { to: link, data: '$(approve)', from: owner, ...more }, { approve }));
    const once = await estimate({});
    expect(once).toBe(Number(await chain.provider.estimateGas({ from: owner, to: link, data: String(approve) })));
    expect(await estimate({ multiplier: '1.5' })).toBe(Math.floor(once * 1.5));
    expect(await estimate({ multiplier: '1000' })).toBe(500_000);
    expect(await estimate({ data: '0xdeadbeef' })).toBe(500_000);
  });
});
