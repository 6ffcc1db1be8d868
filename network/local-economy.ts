import { type Contract, MaxUint256, parseEther, Wallet } from 'ethers';
import { deviceIdOf } from '../core/identity.ts';
import { call, contractAt, send } from './contracts.ts';
import type { ChargerPlan, LocalChain } from './local-setup.ts';
import type { NetworkKeys } from './local-state.ts';
import { signerOf } from './one-by-one.ts';
import { ensureUser, fundLinkAccount, ROLES } from './provision.ts';

/** What local sessions cost: 0.30 a kWh, 0.01 a minute of charging, 0.50 a session, 0.10 a minute of idling; 18 decimals. */
export const LOCAL_TARIFF = {
  perKwh: parseEther('0.3'),
  perMinute: parseEther('0.01'),
  flat: parseEther('0.5'),
  perIdleMinute: parseEther('0.1'),
};
/** What the treasury gets of each settlement, basis points: rewards are paid on fees, so without any there are none. */
const FEE_BPS = 100;
const DRIVER_TOKENS = parseEther('1000');
const DRIVER_VAULT = parseEther('500');
const LINK_EACH_JUELS = parseEther('10000');

/**
 * Makes a local network one in which charging is paid for: tariffs for its chargers, a driver with tokens in the vault, and
 * LINK for whoever asks the oracles, operators included. Does nothing that is done already.
 */
export async function provisionEconomy(
  { contracts, provider, manager, addresses }: LocalChain,
  keys: NetworkKeys,
  chargers: readonly ChargerPlan[],
): Promise<void> {
  const { admin } = contracts;
  const driver = signerOf(keys.driver, provider);
  const driverAccount = new Wallet(keys.driver).address;
  const managerAccount = new Wallet(keys.manager).address;
  const token = await contractAt('TokenDEVSEN', addresses.token, admin);
  const payment = await contractAt('PaymentDEVSEN', addresses.payment, admin);

  if ((await call(payment, 'feeBps')) === 0n) await send(payment, 'setFee', FEE_BPS, await admin.getAddress());
  await ensureUser(contracts, driverAccount, ROLES.occupant);
  // Operators' nodes ask about sessions that ended without anybody's call.
  const nodes = keys.operators.map(({ node }) => [new Wallet(node).address, signerOf(node, provider)] as const);
  for (const [account, signer] of [[driverAccount, driver] as const, [managerAccount, manager] as const, ...nodes]) {
    await fundLinkAccount(contracts, account, LINK_EACH_JUELS);
    const allowance = await call(contracts.oracle, 'allowanceJuels', account, addresses.factory);
    if (allowance === 0n)
      await send(contracts.oracle.connect(signer) as Contract, 'allow', addresses.factory, MaxUint256);
  }
  if ((await call(payment, 'freeOf', addresses.token, driverAccount)) === 0n) {
    await send(token, 'mint', driverAccount, DRIVER_TOKENS);
    await send(token.connect(driver) as Contract, 'approve', addresses.payment, DRIVER_VAULT);
    await send(payment.connect(driver) as Contract, 'deposit', addresses.token, DRIVER_VAULT, driverAccount);
  }
  await Promise.all(
    chargers.map(({ identity }) => ensureLocalTariff(contracts.factory, addresses.token, identity, manager)),
  );
}

/** The local tariff for a charger that has none. */
export async function ensureLocalTariff(
  factory: Contract,
  token: string,
  identity: string,
  manager: Parameters<Contract['connect']>[0],
): Promise<void> {
  const address = (await call(factory, 'deviceOf', deviceIdOf(identity))) as string;
  const device = await contractAt('DeviceDEVSEN', address, manager as never);
  if ((await call(device, 'tariffCount')) === 0n) await send(device, 'setTariff', { token, ...LOCAL_TARIFF }, 0);
}
