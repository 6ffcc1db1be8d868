import type {
  ContractFuture,
  IgnitionModuleBuilder,
  NamedArtifactContractAtFuture,
} from '@nomicfoundation/ignition-core';

type Link = ContractFuture<string> | NamedArtifactContractAtFuture<string>;

/**
 * Deploys the network's contracts over a LINK token and wires them. The ledger and the factory need each other: the
 * factory is the one that is named afterwards, once.
 */
export function deployOver(m: IgnitionModuleBuilder, link: Link) {
  const users = m.contract('UserDEVSEN', [m.getAccount(0)]);
  const oracle = m.contract('OracleDEVSEN', [users, link]);
  const device = m.contract('DeviceDEVSEN', [oracle]);
  const factory = m.contract('FactoryDEVSEN', [users, device]);
  m.call(oracle, 'setFactory', [factory]);
  return { link, users, oracle, device, factory };
}
