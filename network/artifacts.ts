import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Artifact, BuildInfo } from '@nomicfoundation/ignition-core';
import { DevsenError } from '../core/errors.ts';

const ARTIFACTS = join(import.meta.dirname, '..', 'artifacts');
const CHAINLINK = '@chainlink/contracts/src/v0.8';

/** The contracts that the network deploys, and the source that each is compiled from. */
const SOURCES = {
  UserDEVSEN: 'contracts/UserDEVSEN.sol',
  FactoryDEVSEN: 'contracts/FactoryDEVSEN.sol',
  DeviceDEVSEN: 'contracts/DeviceDEVSEN.sol',
  OracleDEVSEN: 'contracts/OracleDEVSEN.sol',
  PaymentDEVSEN: 'contracts/PaymentDEVSEN.sol',
  TokenDEVSEN: 'contracts/TokenDEVSEN.sol',
  RewardsDEVSEN: 'contracts/RewardsDEVSEN.sol',
  ExampleStatusConsumer: 'contracts/consumer/ExampleStatusConsumer.sol',
  PlainConsumer: 'bench/contracts/PlainConsumer.sol',
  GasMeter: 'bench/contracts/GasMeter.sol',
  Operator: `${CHAINLINK}/operatorforwarder/Operator.sol`,
  AuthorizedForwarder: `${CHAINLINK}/operatorforwarder/AuthorizedForwarder.sol`,
  LinkToken: `${CHAINLINK}/shared/token/ERC677/LinkToken.sol`,
  /** A token of any number of decimals: a second one to pay with, on local networks. */
  BurnMintERC677: `${CHAINLINK}/shared/token/ERC677/BurnMintERC677.sol`,
} as const;

export type ContractName = keyof typeof SOURCES;

/**
 * A compiled contract as Hardhat wrote it.
 *
 * @throws DevsenError `NOT_FOUND` if the contracts are not compiled
 */
export async function readArtifact(name: ContractName): Promise<Artifact> {
  return (await readJson(join(ARTIFACTS, SOURCES[name], `${name}.json`))) as Artifact;
}

/** What Ignition asks for artifacts. */
export const artifactResolver = {
  loadArtifact: (name: string): Promise<Artifact> => readArtifact(name as ContractName),
  getBuildInfo: async (name: string): Promise<BuildInfo | undefined> => {
    const { buildInfoId } = await readArtifact(name as ContractName);
    return buildInfoId === undefined
      ? undefined
      : ((await readJson(join(ARTIFACTS, 'build-info', `${buildInfoId}.json`))) as BuildInfo);
  },
};

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new DevsenError('NOT_FOUND', 'the contracts are not compiled: run `npx hardhat build`', { cause });
  }
}
