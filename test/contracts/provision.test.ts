import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ContractFactory, id, Wallet } from 'ethers';
import { readArtifact } from '../../network/artifacts.ts';
import { call, connectContracts, contractAt, type NetworkContracts } from '../../network/contracts.ts';
import { type Addresses, deployNetwork } from '../../network/deploy.ts';
import {
  ensureCharger,
  ensureExampleConsumer,
  ensureGateway,
  ensureOperator,
  ensureOperatorSet,
  ensureTerms,
  ensureUser,
  fundLinkAccount,
  ROLES,
} from '../../network/provision.ts';
import { startChain, type TestChain } from '../support/chain.ts';

let chain: TestChain;
let folder: string;

beforeAll(async () => {
  chain = await startChain();
  folder = await mkdtemp(join(tmpdir(), 'devsen-deploy-'));
}, 120_000);

afterAll(async () => {
  await chain.close();
  await rm(folder, { recursive: true });
});

describe('deploying the network', () => {
  it('does nothing the second time and finds the same contracts', async () => {
    const admin = await walletOf(0);
    const deploymentDir = join(folder, 'twice');
    const first = await deployNetwork({ admin, deploymentDir });
    const txsAfterFirst = await admin.getNonce();

    const second = await deployNetwork({ admin, deploymentDir });

    expect(second).toEqual(first);
    expect(await admin.getNonce()).toBe(txsAfterFirst);
    // LINK, users, ledger, vault, device code, factory, token, rewards; two calls that name the factory, one that allows
    // the token in the vault and one that makes rewards a minter.
    expect(txsAfterFirst).toBe(12);
  });

  it('deploys no LINK token where one is given, and takes the parameters of token and rewards', async () => {
    const admin = await walletOf(1);
    const { abi, bytecode } = await readArtifact('LinkToken');
    const token = await new ContractFactory(abi as never, bytecode, admin).deploy();
    await token.waitForDeployment();
    const link = await token.getAddress();

    const parameters = { cap: 10n ** 24n, epochSec: 86_400, budgets: [3n, 2n, 1n] };
    const options = { admin, deploymentDir: join(folder, 'with-link'), link, parameters };
    const addresses = await deployNetwork(options);

    expect(addresses.link).toBe(link);
    expect(await admin.getNonce()).toBe(1 + 11);
    expect(await deployNetwork(options)).toEqual(addresses);
    expect(await admin.getNonce()).toBe(1 + 11);
    const rewards = await contractAt('RewardsDEVSEN', addresses.rewards, admin);
    expect(await call(await contractAt('TokenDEVSEN', addresses.token, admin), 'cap')).toBe(10n ** 24n);
    expect(await call(rewards, 'epochSec')).toBe(86_400n);
    expect(await Promise.all([0, 1, 2].map((pot) => call(rewards, 'budgetOf', pot, 0)))).toEqual([3n, 2n, 1n]);
  });

  it('wires users, factory and LINK to the ledger, and makes the deployer the admin', async () => {
    const admin = await walletOf(2);
    const addresses = await deployNetwork({ admin, deploymentDir: join(folder, 'wired') });
    const { oracle, users, factory } = await connectContracts(addresses, admin);

    expect(await call(oracle, 'users')).toBe(addresses.users);
    expect(await call(oracle, 'link')).toBe(addresses.link);
    expect(await call(oracle, 'factory')).toBe(addresses.factory);
    expect(await call(factory, 'implementation')).toBe(addresses.device);
    const payment = await contractAt('PaymentDEVSEN', addresses.payment, admin);
    const token = await contractAt('TokenDEVSEN', addresses.token, admin);
    const rewards = await contractAt('RewardsDEVSEN', addresses.rewards, admin);
    expect(await call(payment, 'users')).toBe(addresses.users);
    expect(await call(payment, 'factory')).toBe(addresses.factory);
    expect(await call(payment, 'isAllowed', addresses.token)).toBe(true);
    expect(await call(rewards, 'payment')).toBe(addresses.payment);
    expect(await call(rewards, 'oracle')).toBe(addresses.oracle);
    expect(await call(rewards, 'token')).toBe(addresses.token);
    expect(await call(token, 'hasRole', id('MINTER_ROLE'), addresses.rewards)).toBe(true);
    expect(await call(users, 'owner')).toBe(admin.address);
  });
});

describe('provisioning the network', () => {
  let admin: Wallet;
  let addresses: Addresses;
  let network: NetworkContracts;

  beforeAll(async () => {
    admin = await walletOf(3);
    addresses = await deployNetwork({ admin, deploymentDir: join(folder, 'provisioned') });
    network = await connectContracts(addresses, admin);
  }, 120_000);

  /** Every step for four operators, one gateway, one manager with one charger, and a consumer with 5 LINK. */
  async function provision(consumer?: string): Promise<string> {
    const operators = await Promise.all([4, 5, 6, 7].map(walletOf));
    for (const account of operators) {
      await ensureOperator(network, { account, signingKey: keyOf(account), senders: [account.address] });
    }
    await ensureOperatorSet(
      network,
      operators.map((account) => account.address),
      1,
    );
    await ensureTerms(network, ['charger-status'], 10n ** 17n);
    await ensureGateway(network, addressOf('gateway'), addressOf('gateway key'));
    const manager = await walletOf(8);
    await ensureUser(network, manager.address, ROLES.manager);
    await ensureCharger(network, manager, {
      identity: 'CP-1',
      latitudeDeg: 48.1371079,
      longitudeDeg: -11.5753822,
      authorizationKeyHash: id('key'),
      connectors: [{ evse: 1, standard: 28, format: 1, powerType: 4, maxPowerW: 22_000 }],
    });
    const address = await ensureExampleConsumer(network, consumer);
    await fundLinkAccount(network, address, 5n * 10n ** 18n);
    return address;
  }

  it('sends no tx the second time', async () => {
    const consumer = await provision();
    const blockAfterFirst = await chain.provider.getBlockNumber();

    expect(await provision(consumer)).toBe(consumer);
    expect(await chain.provider.getBlockNumber()).toBe(blockAfterFirst);
  });

  it('leaves four active operators, the gateway, the charger and the funded consumer on chain', async () => {
    const consumer = await provision();
    const operators = (await call(network.users, 'operators', 0, 10)) as { account: string; active: boolean }[];
    const gateways = (await call(network.users, 'gateways', 0, 10)) as { account: string; signingKey: string }[];

    expect(operators.map(({ active }) => active)).toEqual([true, true, true, true]);
    expect(gateways.map(({ account, signingKey }) => [account, signingKey])).toEqual([
      [addressOf('gateway'), addressOf('gateway key')],
    ]);
    expect(await call(network.factory, 'deviceCount')).toBe(1n);
    expect(await call(network.oracle, 'accountJuels', consumer)).toBe(5n * 10n ** 18n);
    // Four operators at 0.1 LINK each.
    expect(await call(network.oracle, 'quoteJuels', 1)).toBe(4n * 10n ** 17n);
  });
});

async function walletOf(n: number): Promise<Wallet> {
  return new Wallet(chain.privateKey(n), chain.provider);
}

function addressOf(name: string): string {
  return new Wallet(id(name)).address;
}

function keyOf(account: Wallet): string {
  return addressOf(`key of ${account.address}`);
}
