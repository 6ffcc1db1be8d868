import { type DeploymentResult, deploy, type EIP1193Provider } from '@nomicfoundation/ignition-core';
import type { JsonRpcApiProvider, Signer, TransactionRequest } from 'ethers';
import { DevsenError } from '../core/errors.ts';
import { artifactResolver } from './artifacts.ts';
import type { DEFAULTS } from './ignition/devsen.ts';
import devsen from './ignition/modules/devsen.ts';
import devsenWithOwnLink from './ignition/modules/devsen-with-own-link.ts';

/** Where the network's contracts are. */
export interface Addresses {
  chainId: number;
  link: string;
  users: string;
  factory: string;
  oracle: string;
  /** The code that every charger's contract runs. */
  device: string;
  payment: string;
  token: string;
  rewards: string;
}

export interface DeployOptions {
  /** Pays for the deployment and becomes the network's admin; connected to the chain. */
  admin: Signer;
  /** Folder of Ignition's journal: run again with the same one, what is there already is not deployed again. */
  deploymentDir: string;
  /** The chain's LINK token; without it one is deployed. */
  link?: string;
  /** Token and rewards, where they are not to be as `DEFAULTS` says. Another value in a second run is an error. */
  parameters?: Partial<typeof DEFAULTS>;
  /** Blocks on top of a tx before it counts. */
  confirmations?: number;
  /** How often to look for a new block, ms. */
  pollMs?: number;
}

/**
 * Deploys and wires the network's contracts; a second run with the same folder does nothing and returns the same.
 *
 * @throws DevsenError `NOT_FOUND` if the contracts are not compiled, `INTERNAL` if the deployment failed
 */
export async function deployNetwork(options: DeployOptions): Promise<Addresses> {
  const { admin, deploymentDir, link, parameters = {}, confirmations = 1, pollMs = 200 } = options;
  const provider = admin.provider as JsonRpcApiProvider | null;
  if (provider === null) throw new DevsenError('INPUT_INVALID', 'the admin is not connected to a chain');
  const account = await admin.getAddress();
  const { chainId } = await provider.getNetwork();
  const result = await deploy({
    config: { requiredConfirmations: confirmations, blockPollingInterval: pollMs },
    artifactResolver,
    provider: asEip1193(admin, provider, account),
    deploymentDir,
    ignitionModule: link === undefined ? devsenWithOwnLink : devsen,
    deploymentParameters: link === undefined ? { DevsenWithOwnLink: parameters } : { Devsen: { ...parameters, link } },
    accounts: [account],
  });
  const at = addressesIn(result);
  return {
    chainId: Number(chainId),
    link: at('LinkToken'),
    users: at('UserDEVSEN'),
    factory: at('FactoryDEVSEN'),
    oracle: at('OracleDEVSEN'),
    device: at('DeviceDEVSEN'),
    payment: at('PaymentDEVSEN'),
    token: at('TokenDEVSEN'),
    rewards: at('RewardsDEVSEN'),
  };
}

function addressesIn(result: DeploymentResult): (contract: string) => string {
  if (result.type !== 'SUCCESSFUL_DEPLOYMENT') {
    throw new DevsenError('INTERNAL', `the contracts were not deployed: ${result.type}`, { cause: result });
  }
  return (contract) => {
    const found = Object.values(result.contracts).find(({ contractName }) => contractName === contract);
    if (found === undefined) throw new DevsenError('INTERNAL', `${contract} was not deployed`);
    return found.address;
  };
}

/** The admin's signer as the provider Ignition wants: what needs a signature is signed here, the rest goes to the chain. */
function asEip1193(admin: Signer, provider: JsonRpcApiProvider, account: string): EIP1193Provider {
  return {
    request: async ({ method, params = [] }) => {
      if (method === 'eth_accounts') return [account];
      if (method !== 'eth_sendTransaction') return provider.send(method, params as unknown[]);
      const [{ gas, ...tx }] = params as [{ gas: string } & TransactionRequest];
      const sent = await admin.sendTransaction({ ...tx, gasLimit: gas });
      return sent.hash;
    },
  };
}
