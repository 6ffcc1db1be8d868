import { Contract, type ContractTransactionResponse, type Signer } from 'ethers';
import { type ContractName, readArtifact } from './artifacts.ts';
import type { Addresses } from './deploy.ts';

/** The network's contracts, called as its admin unless connected to another signer. */
export interface NetworkContracts {
  admin: Signer;
  link: Contract;
  users: Contract;
  factory: Contract;
  oracle: Contract;
}

/** What is needed of a network's addresses to call the contracts below. */
type KnownAddresses = Pick<Addresses, 'link' | 'users' | 'factory' | 'oracle'>;

export async function connectContracts(addresses: KnownAddresses, admin: Signer): Promise<NetworkContracts> {
  const [link, users, factory, oracle] = await Promise.all([
    contractAt('LinkToken', addresses.link, admin),
    contractAt('UserDEVSEN', addresses.users, admin),
    contractAt('FactoryDEVSEN', addresses.factory, admin),
    contractAt('OracleDEVSEN', addresses.oracle, admin),
  ]);
  return { admin, link, users, factory, oracle };
}

/** @throws DevsenError `NOT_FOUND` if the contracts are not compiled */
export async function contractAt(name: ContractName, address: string, signer: Signer): Promise<Contract> {
  const { abi } = await readArtifact(name);
  return new Contract(address, abi as ConstructorParameters<typeof Contract>[1], signer);
}

/** A function of a contract by its name; ethers knows the names only at run time, hence the check. */
export function call(contract: Contract, name: string, ...args: unknown[]): Promise<unknown> {
  return contract.getFunction(name).staticCall(...args);
}

/** Sends a tx and waits until it is mined. Throws what ethers throws if it reverts. */
export async function send(contract: Contract, name: string, ...args: unknown[]): Promise<void> {
  const sent = (await contract.getFunction(name).send(...args)) as ContractTransactionResponse;
  await sent.wait();
}
