import {
  type Contract,
  ContractFactory,
  id,
  JsonRpcSigner,
  MaxUint256,
  type Signer,
  type TransactionReceipt,
  toQuantity,
} from 'ethers';
import { encodeUptime } from '../../core/queries.ts';
import { readArtifact } from '../../network/artifacts.ts';
import { call, connectContracts, contractAt, type NetworkContracts, send } from '../../network/contracts.ts';
import { deployNetwork } from '../../network/deploy.ts';
import { signerOf } from '../../network/one-by-one.ts';
import { ensureCharger, ensureTerms, ensureUser, fundLinkAccount, ROLES } from '../../network/provision.ts';
import type { RewardContracts } from '../../network/rewards/read-epoch.ts';
import { makeOperators, requestsIn } from '../contracts/support/oracles.ts';
import type { TestChain } from '../support/chain.ts';

export const EPOCH_SEC = 3_600;
/** Of what the owner is paid: a session costs twenty times its fee. */
const FEE_BPS = 500;
const COST_PER_FEE = 20n;
/** For all sessions of a test, token base units. */
const ENOUGH = 10n ** 28n;

/** One session that is to be settled. */
export interface PlannedSession {
  /** Which driver, 0 … 2, and which charger, 0 … 2. */
  driver: number;
  charger: number;
  fee: bigint;
}

/** A network of contracts on which sessions are settled by the chargers' contracts themselves, without a charge. */
export interface RewardsStage {
  network: NetworkContracts;
  devices: string[];
  drivers: string[];
  owners: Signer[];
  /** Rewards of their own for one test, over the network's vault. */
  makeRewards: (budgets: readonly bigint[], tokenCap: bigint) => Promise<RewardContracts>;
  settle: (rewards: RewardContracts, plan: PlannedSession) => Promise<{ device: string; sessionId: string }>;
  /** Has the oracles agree on a charger's uptime. */
  agree: (
    rewards: RewardContracts,
    epoch: number,
    device: string,
    usableSec: number,
    excludedSec: number,
  ) => Promise<void>;
  /** Lets the chain's time go to the beginning of an epoch. */
  toEpoch: (rewards: RewardContracts, epoch: number) => Promise<void>;
}

export async function makeRewardsStage(chain: TestChain, folder: string): Promise<RewardsStage> {
  // A claim of which nothing is due is refused and uses no nonce.
  const admin = signerOf(chain.privateKey(0), chain.provider);
  const addresses = await deployNetwork({ admin, deploymentDir: folder, pollMs: 50 });
  const network = await connectContracts(addresses, admin);
  const payment = await contractAt('PaymentDEVSEN', addresses.payment, admin);
  const operators = await makeOperators(chain, network, [1, 7, 8, 9], 1);
  await ensureTerms(network, ['uptime'], 1n);
  await send(payment, 'setFee', FEE_BPS, await admin.getAddress());
  const adminAccount = await admin.getAddress();
  await fundLinkAccount(network, adminAccount, 10n ** 18n);
  const owners = [2, 3].map((n) => chain.wallet(n));
  const drivers = await Promise.all([4, 5, 6].map((n) => chain.wallet(n).getAddress()));
  const devices: string[] = [];
  for (const [n, owner] of [owners[0], owners[0], owners[1]].entries()) {
    if (owner === undefined) throw new RangeError('there are two owners');
    await ensureUser(network, await owner.getAddress(), ROLES.manager);
    const connectors = [{ evse: 1, standard: 26, format: 1, powerType: 4, maxPowerW: 22_000 }];
    const place = { latitudeDeg: 47, longitudeDeg: 8 };
    const charger = { identity: `CP-${n}`, ...place, authorizationKeyHash: id(`key ${n}`), connectors };
    const { device } = await ensureCharger(network, owner, charger);
    await chain.provider.send('hardhat_impersonateAccount', [device]);
    await chain.provider.send('hardhat_setBalance', [device, toQuantity(10n ** 20n)]);
    devices.push(device);
  }
  let sessions = 0;

  const deploy = async (name: 'TokenDEVSEN' | 'RewardsDEVSEN', ...args: unknown[]): Promise<Contract> => {
    const { abi, bytecode } = await readArtifact(name);
    const made = await new ContractFactory(abi as never, bytecode, admin).deploy(...args);
    await made.waitForDeployment();
    return contractAt(name, await made.getAddress(), admin);
  };

  return {
    network,
    devices,
    drivers,
    owners,
    makeRewards: async (budgets, tokenCap) => {
      const token = await deploy('TokenDEVSEN', adminAccount, adminAccount, tokenCap);
      await send(payment, 'setToken', await token.getAddress(), true);
      await send(token, 'mint', adminAccount, ENOUGH);
      await send(token, 'approve', addresses.payment, MaxUint256);
      const of = [addresses.payment, addresses.oracle, await token.getAddress()];
      const rewards = await deploy('RewardsDEVSEN', ...of, EPOCH_SEC, budgets);
      await send(token, 'grantRole', id('MINTER_ROLE'), await rewards.getAddress());
      await send(network.oracle, 'allow', await rewards.getAddress(), MaxUint256);
      return { rewards, payment, oracle: network.oracle, token };
    },
    settle: async ({ token }, { driver, charger, fee }) => {
      const device = devices[charger] ?? '';
      const [occupant, owner] = [drivers[driver], owners[charger < 2 ? 0 : 1]];
      const sessionId = id(`session ${++sessions}`);
      const cost = fee * COST_PER_FEE;
      const own = payment.connect(new JsonRpcSigner(chain.provider, device)) as Contract;
      await send(payment, 'deposit', await token.getAddress(), cost, occupant);
      const { timestamp } = (await chain.provider.getBlock('latest')) as { timestamp: number };
      await send(own, 'lock', sessionId, occupant, await token.getAddress(), cost, timestamp + 3_600);
      await send(own, 'settle', sessionId, cost, await owner?.getAddress());
      return { device, sessionId };
    },
    agree: async ({ rewards }, epoch, device, usableSec, excludedSec) => {
      const sent = await rewards.getFunction('requestUptime').send(epoch, device);
      const asked = requestsIn((await sent.wait()) as TransactionReceipt);
      // Two of four agree.
      for (const { oracle, answer } of operators.slice(0, 2)) {
        const own = asked.find((each) => each.oracle === oracle);
        if (own === undefined) throw new Error(`${oracle} was not asked`);
        await answer(own, encodeUptime({ usableSec, excludedSec }));
      }
    },
    toEpoch: async ({ rewards }, epoch) => {
      const atSec = Number(await call(rewards, 'startOf', epoch));
      await chain.provider.send('evm_setNextBlockTimestamp', [atSec]);
      await chain.provider.send('evm_mine', []);
    },
  };
}
