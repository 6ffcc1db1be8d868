import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Contract, id, parseEther, type TransactionReceipt, Wallet } from 'ethers';
import { readSettlingChain, type SettlingChain } from '../../adapter/settling-chain.ts';
import { deviceIdOf } from '../../core/identity.ts';
import { QUERIES } from '../../core/queries.ts';
import {
  encodeSessionAnswer,
  encodeStartAnswer,
  type SessionAnswer,
  type StartAnswer,
} from '../../core/session-answers.ts';
import { connectContracts, contractAt, type NetworkContracts, send } from '../../network/contracts.ts';
import { deployNetwork } from '../../network/deploy.ts';
import { ensureCharger, ensureTerms, ensureUser, fundLinkAccount, ROLES } from '../../network/provision.ts';
import { makeOperators, requestsIn, type TestOperator } from '../contracts/support/oracles.ts';
import { TEST_NETWORK } from '../support/batches.ts';
import { startChain, type TestChain } from '../support/chain.ts';

/**
 * A network on a chain of its own for sessions played by hand: four operators of which one may be wrong, whose answers
 * the caller sends; a charger `HAND-1` with two connectors of 22 kW; an occupant with 1,000 tokens in the vault.
 * Tariff: 0.30 a kWh, 0.01 a minute of charging, 0.50 a session, 0.10 a minute of idling.
 */
export interface SessionStage {
  chain: TestChain;
  network: NetworkContracts;
  operators: TestOperator[];
  /** As the occupant. */
  device: Contract;
  /** As the manager. */
  managed: Contract;
  payment: Contract;
  token: string;
  driver: string;
  manager: string;
  treasury: string;
  close: () => Promise<void>;
}

/** Commitment of the occupant's RFID card. */
export const CARD = id('card of the hand-played session');
const LINK_EACH = parseEther('1000');
const NOTHING = `0x${'00'.repeat(32)}`;

/** @param count - how many operators there are; of each three and one more, one may be wrong */
export async function openSessionStage(count = 4): Promise<SessionStage> {
  const chain = await startChain({ accounts: 8 + Math.max(count - 4, 0) });
  const folder = await mkdtemp(join(tmpdir(), 'devsen-sessions-'));
  const [admin, driver, manager] = [0, 5, 6].map((n) => new Wallet(chain.privateKey(n), chain.provider)) as [
    Wallet,
    Wallet,
    Wallet,
  ];
  const addresses = await deployNetwork({ admin, deploymentDir: join(folder, 'deployment'), pollMs: 50 });
  const network = await connectContracts(addresses, admin);
  // The accounts between are the driver's, the manager's and the treasury's.
  const accounts = Array.from({ length: count }, (_, n) => (n < 4 ? 1 + n : 4 + n));
  const operators = await makeOperators(chain, network, accounts, Math.floor((count - 1) / 3));
  const queries = QUERIES.map(({ name }) => name);
  await ensureTerms(network, queries, 10n ** 17n);
  await ensureUser(network, driver.address, ROLES.occupant);
  await ensureUser(network, manager.address, ROLES.manager);
  for (const { address } of [driver, manager]) await fundLinkAccount(network, address, LINK_EACH);

  const { device } = await ensureCharger(network, manager, {
    identity: 'HAND-1',
    latitudeDeg: 48.1371079,
    longitudeDeg: 11.5753822,
    authorizationKeyHash: id('hand'),
    connectors: [1, 2].map((evse) => ({ evse, standard: 28, format: 1, powerType: 4, maxPowerW: 22_000 })),
  });
  const managed = await contractAt('DeviceDEVSEN', device, manager);
  await send(managed, 'setTariff', tariffIn(addresses.token), 0);
  for (const wallet of [driver, manager]) {
    await send(network.oracle.connect(wallet) as Contract, 'allow', addresses.factory, 2n ** 256n - 1n);
  }

  const payment = await contractAt('PaymentDEVSEN', addresses.payment, admin);
  const treasury = new Wallet(chain.privateKey(7)).address;
  await send(payment, 'setFee', 100, treasury);
  const token = await contractAt('TokenDEVSEN', addresses.token, admin);
  await send(token, 'mint', admin.address, parseEther('1000'));
  await send(token, 'approve', addresses.payment, parseEther('1000'));
  await send(payment, 'deposit', addresses.token, parseEther('1000'), driver.address);
  await send(network.users, 'setIdTag', CARD, driver.address);
  const limits = [CARD, addresses.token, parseEther('15'), parseEther('100')];
  await send(payment.connect(driver) as Contract, 'setCardLimit', ...limits);

  return {
    chain,
    network,
    operators,
    device: managed.connect(driver) as Contract,
    managed,
    payment,
    token: addresses.token,
    driver: driver.address,
    manager: manager.address,
    treasury,
    close: async () => {
      await chain.close();
      await rm(folder, { recursive: true });
    },
  };
}

function tariffIn(token: string): Record<string, string | bigint> {
  const prices = { perKwh: '0.3', perMinute: '0.01', flat: '0.5', perIdleMinute: '0.1' };
  return { token, ...Object.fromEntries(Object.entries(prices).map(([name, price]) => [name, parseEther(price)])) };
}

/** What an operator knows of the chain to bring sessions to an end, at the newest block. */
export async function settlingChainOf({ chain, network, operators }: SessionStage): Promise<SettlingChain> {
  const lower = (address: unknown) => String(address).toLowerCase();
  const snapshot = {
    network: TEST_NETWORK,
    users: lower(await network.users.getAddress()),
    factory: lower(await network.factory.getAddress()),
    link: lower(await network.link.getAddress()),
    operators: operators.map(({ account, oracle }) => ({
      account: lower(account),
      oracle: lower(oracle),
      signingKey: '',
      active: true,
    })),
    gateways: [],
  };
  return readSettlingChain({
    provider: chain.provider,
    oracleAddress: String(await network.oracle.getAddress()),
    confirmations: 0,
    snapshot: () => snapshot,
  });
}

/** Sends a tx and returns its receipt. */
export async function transact(contract: Contract, name: string, ...args: unknown[]): Promise<TransactionReceipt> {
  const receipt = await (await contract.getFunction(name).send(...args)).wait();
  if (receipt === null) throw new Error(`${name} was not mined`);
  return receipt as TransactionReceipt;
}

/** The id of the request that a tx sent. */
export function requestIdIn(asked: TransactionReceipt): string {
  const request = requestsIn(asked)[0];
  if (request === undefined) throw new Error('the tx sent no request');
  return request.requestId;
}

/**
 * Operators answer a request, each through its own `Operator`.
 *
 * @param asked - receipt of the tx that asked
 * @param answers - one for each operator in order; an operator without one is silent
 * @returns receipts of the answers
 */
export async function answerWith(
  stage: SessionStage,
  asked: TransactionReceipt,
  answers: string[],
): Promise<TransactionReceipt[]> {
  const requests = requestsIn(asked);
  const receipts: TransactionReceipt[] = [];
  for (const [i, answer] of answers.entries()) {
    const operator = stage.operators[i];
    const request = requests.find(({ oracle }) => oracle === operator?.oracle);
    if (operator === undefined || request === undefined) throw new Error(`operator ${i} was not asked`);
    receipts.push(await operator.answer(request, answer));
  }
  return receipts;
}

/** Lets time pass, seconds. */
export async function pass(stage: SessionStage, seconds: number): Promise<void> {
  await stage.chain.provider.send('evm_increaseTime', [seconds]);
  await stage.chain.provider.send('evm_mine', []);
}

/** The chain's time, Unix seconds. */
export async function nowOf(stage: SessionStage): Promise<number> {
  const block = await stage.chain.provider.getBlock('latest');
  if (block === null) throw new Error('the chain has no block');
  return block.timestamp;
}

/** An answer to `start-charge` that says it began now. */
export async function startedNow(stage: SessionStage, verdict: StartAnswer['verdict'] = 'Done'): Promise<string> {
  const isDone = verdict === 'Done';
  return encodeStartAnswer({
    verdict,
    reason: isDone ? 'None' : 'Rejected',
    transaction: isDone ? `0x${'07'.padStart(64, '0')}` : NOTHING,
    meterStartWh: isDone ? 1_000_000n : 0n,
    startedAtSec: isDone ? await nowOf(stage) : 0,
  });
}

/** An answer about a session: an hour that ends now, ten minutes of it idle, 10 kWh, unless told otherwise. */
export async function hourEndingNow(stage: SessionStage, other: Partial<SessionAnswer> = {}): Promise<string> {
  const endedAtSec = await nowOf(stage);
  return encodeSessionAnswer({
    verdict: 'Done',
    reason: 'None',
    stop: 'EVDisconnected',
    connector: 1,
    energyWh: 10_000n,
    startedAtSec: endedAtSec - 3_600,
    endedAtSec,
    idleSec: 600,
    idTag: NOTHING,
    evidence: deviceIdOf('HAND-1'),
    ...other,
  });
}
