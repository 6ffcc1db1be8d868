import type {
  ContractFuture,
  IgnitionModuleBuilder,
  NamedArtifactContractAtFuture,
} from '@nomicfoundation/ignition-core';
import { id } from 'ethers';

type Link = ContractFuture<string> | NamedArtifactContractAtFuture<string>;

/** What a network is deployed with unless it is told: parameters of the module. */
export const DEFAULTS = {
  /** Tokens of 18 decimals there can ever be, base units. */
  cap: 10n ** 27n,
  /** Length of an epoch of rewards, seconds. */
  epochSec: 7 * 24 * 3600,
  /** Of each pot of rewards, token base units per epoch: uptime, occupants, builders. */
  budgets: [10n ** 23n, 10n ** 23n, 10n ** 23n],
};

/**
 * Deploys the network's contracts over a LINK token and wires them. Ledger and vault need the factory, and the factory needs
 * the device's code, which needs both: so the factory is the one that is named afterwards, once. Parameters of the module:
 * `cap`, `epochSec` and `budgets`. The deployer is admin, treasury and first minter.
 */
export function deployOver(m: IgnitionModuleBuilder, link: Link) {
  const users = m.contract('UserDEVSEN', [m.getAccount(0)]);
  const oracle = m.contract('OracleDEVSEN', [users, link]);
  const payment = m.contract('PaymentDEVSEN', [users]);
  const device = m.contract('DeviceDEVSEN', [oracle, payment]);
  const factory = m.contract('FactoryDEVSEN', [users, device]);
  m.call(oracle, 'setFactory', [factory]);
  m.call(payment, 'setFactory', [factory]);

  const admin = m.getAccount(0);
  const token = m.contract('TokenDEVSEN', [admin, admin, m.getParameter('cap', DEFAULTS.cap)]);
  const rewards = m.contract('RewardsDEVSEN', [
    payment,
    oracle,
    token,
    m.getParameter('epochSec', DEFAULTS.epochSec),
    m.getParameter('budgets', DEFAULTS.budgets),
  ]);
  m.call(payment, 'setToken', [token, true]);
  m.call(token, 'grantRole', [id('MINTER_ROLE'), rewards]);
  return { link, users, oracle, payment, device, factory, token, rewards };
}
