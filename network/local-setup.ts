import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { computeAddress, type JsonRpcProvider, parseEther, toQuantity } from 'ethers';
import { authorizationKeyHash } from '../core/identity.ts';
import { renderCronSpec, renderJobSpec } from '../jobs/render.ts';
import { ensureCards } from './cards.ts';
import { connectContracts, type NetworkContracts } from './contracts.ts';
import { deployNetwork } from './deploy.ts';
import { provisionEconomy } from './local-economy.ts';
import { operatorDir } from './local-plan.ts';
import type { NetworkAddresses, NetworkKeys } from './local-state.ts';
import { type OneByOneSigner, signerOf } from './one-by-one.ts';
import {
  ensureCharger,
  ensureExampleConsumer,
  ensureGateway,
  ensureOperator,
  ensureOperatorSet,
  ensureTerms,
  ensureUser,
  fundLinkAccount,
  OFFERED_QUERIES,
  ROLES,
} from './provision.ts';

/** The price of one answer, juels: a tenth of a LINK. */
const FEE_JUELS = parseEther('0.1');
/** The cards of the local network's drivers. */
export const LOCAL_ID_TAGS = [
  'DRIVER-ADA',
  'DRIVER-BEN',
  'DRIVER-CLEO',
  'DRIVER-DORA',
  'DRIVER-EMIL',
  'DRIVER-FINN',
] as const;

/** A charger to be. */
export interface ChargerPlan {
  identity: string;
  connectors: number;
  /** Most power of each connector, W; 22,000 unless told. */
  maxPowerW?: number;
}

/** The local network's own chargers. */
export const LOCAL_CHARGERS: readonly ChargerPlan[] = ['CP-ADA', 'CP-BEN', 'CP-CLEO', 'CP-DORA', 'CP-EMIL'].map(
  (identity) => ({ identity, connectors: 2 }),
);

/** New random keys for everyone in a network of `operators` operators. */
export function makeKeys(operators: number, chargers: readonly ChargerPlan[]): NetworkKeys {
  const key = () => `0x${randomBytes(32).toString('hex')}`;
  const token = () => randomBytes(24).toString('base64url');
  return {
    admin: key(),
    manager: key(),
    driver: key(),
    asker: key(),
    gateway: key(),
    idTagPepper: randomBytes(32).toString('hex'),
    operators: Array.from({ length: operators }, () => ({
      account: key(),
      signing: key(),
      node: key(),
      bridgeToken: token(),
      jobsToken: token(),
    })),
    chargers: Object.fromEntries(chargers.map(({ identity }) => [identity, makeAuthorizationKey()])),
  };
}

/** 20 random bytes, hex (OCPP 1.6 security whitepaper, `AuthorizationKey`). */
export function makeAuthorizationKey(): string {
  return randomBytes(20).toString('hex');
}

/** The account that a gateway or an operator has in UserDEVSEN: here that of its own key. */
export function accountOf(key: string): string {
  return computeAddress(key).toLowerCase();
}

/** Gives accounts of the local chain ether out of nothing. */
export async function giveEther(provider: JsonRpcProvider, accounts: readonly string[]): Promise<void> {
  const weiHex = toQuantity(parseEther('10000'));
  await Promise.all(accounts.map((account) => provider.send('hardhat_setBalance', [account, weiHex])));
}

/** A network's contracts and people on the local chain; `provider` polls quickly. */
export interface LocalChain {
  provider: JsonRpcProvider;
  contracts: NetworkContracts;
  manager: OneByOneSigner;
  addresses: NetworkAddresses;
}

/** Deploys the contracts, and the example consumer with LINK to ask with. */
export async function deployLocal(provider: JsonRpcProvider, dir: string, keys: NetworkKeys): Promise<LocalChain> {
  const everyone = [
    keys.admin,
    keys.manager,
    keys.driver,
    keys.asker,
    ...keys.operators.flatMap(({ account, node }) => [account, node]),
  ];
  await giveEther(provider, everyone.map(accountOf));
  const admin = signerOf(keys.admin, provider);
  const deployed = await deployNetwork({ admin, deploymentDir: join(dir, 'deployment'), pollMs: 50 });
  const contracts = await connectContracts(deployed, admin);
  const consumer = await ensureExampleConsumer(contracts);
  await fundLinkAccount(contracts, consumer, parseEther('1000000'));
  const lower = (address: string) => address.toLowerCase();
  return {
    provider,
    contracts,
    manager: signerOf(keys.manager, provider),
    addresses: {
      link: lower(deployed.link),
      users: lower(deployed.users),
      factory: lower(deployed.factory),
      oracle: lower(deployed.oracle),
      payment: lower(deployed.payment),
      token: lower(deployed.token),
      rewards: lower(deployed.rewards),
      consumer: lower(consumer),
    },
  };
}

/** Makes everyone known on chain. @returns each operator's `Operator.sol`, lower case */
export async function provisionLocal(
  chain: LocalChain,
  keys: NetworkKeys,
  chargers: readonly ChargerPlan[],
): Promise<string[]> {
  const { contracts, provider, manager } = chain;
  const oracles = await Promise.all(
    keys.operators.map(({ account, signing, node }) =>
      ensureOperator(contracts, {
        account: signerOf(account, provider),
        signingKey: computeAddress(signing),
        senders: [computeAddress(node)],
      }),
    ),
  );
  const faults = Math.floor((keys.operators.length - 1) / 3);
  await ensureOperatorSet(
    contracts,
    keys.operators.map(({ account }) => computeAddress(account)),
    faults,
  );
  await ensureTerms(contracts, OFFERED_QUERIES, FEE_JUELS);
  await ensureGateway(contracts, computeAddress(keys.gateway), computeAddress(keys.gateway));
  await ensureUser(contracts, computeAddress(keys.manager), ROLES.manager);
  await ensureCards(contracts, computeAddress(keys.asker), LOCAL_ID_TAGS, Buffer.from(keys.idTagPepper, 'hex'));
  await Promise.all(
    chargers.map((charger, n) =>
      registerCharger(contracts, manager, charger, keys.chargers[charger.identity] ?? '', n),
    ),
  );
  await provisionEconomy(chain, keys, chargers);
  return oracles.map((oracle) => oracle.toLowerCase());
}

/** Registers a charger that is known by an AuthorizationKey, hex. @param n - the local chargers stand in a row */
export async function registerCharger(
  contracts: NetworkContracts,
  manager: OneByOneSigner,
  charger: ChargerPlan,
  key: string,
  n: number,
): Promise<void> {
  const { maxPowerW = 22_000 } = charger;
  // OCPI's IEC_62196_T2, a socket, three phases
  const connector = (number: number) => ({ evse: number, standard: 26, format: 1, powerType: 4, maxPowerW });
  await ensureCharger(contracts, manager, {
    identity: charger.identity,
    latitudeDeg: 47.3769 + n * 0.001,
    longitudeDeg: 8.5417,
    authorizationKeyHash: authorizationKeyHash(Buffer.from(key, 'hex')),
    connectors: Array.from({ length: charger.connectors }, (_, i) => connector(i + 1)),
  });
}

/** Jobs that the clock begins, and how often it does in a local network: nobody should have to wait to see them work. */
const CRON_JOBS = ['settle-ended-sessions', 'pay-card-sessions', 'expire-requests'] as const;
const LOCAL_SCHEDULE = 'CRON_TZ=UTC */5 * * * * *';

/** Writes each operator's own copies of the job specs. @param senders - the account of each operator's job node */
export async function writeJobSpecs(
  dir: string,
  oracles: readonly string[],
  senders: readonly string[],
  ledger: string,
  chainId: bigint,
): Promise<void> {
  const templateOf = (name: string) => readFile(join(import.meta.dirname, '..', 'jobs', `${name}.toml`), 'utf8');
  for (const [n, oracle] of oracles.entries()) {
    const folder = join(operatorDir(dir, n), 'jobs');
    await mkdir(folder, { recursive: true });
    for (const query of OFFERED_QUERIES) {
      const places = { contractAddress: oracle, evmChainId: chainId, requesters: [ledger] };
      await writeFile(join(folder, `${query}.toml`), renderJobSpec(await templateOf(query), places));
    }
    for (const name of CRON_JOBS) {
      const places = { evmChainId: chainId, linkPayer: senders[n] ?? '', schedule: LOCAL_SCHEDULE };
      await writeFile(join(folder, `${name}.toml`), renderCronSpec(await templateOf(name), places));
    }
  }
}

/** Writes what `network/chargers.ts` reads, for its owner only. */
export async function writeChargersFile(
  file: string,
  gatewayUrl: string,
  chargers: readonly ChargerPlan[],
  keys: NetworkKeys,
): Promise<void> {
  const withKeys = chargers.map((charger) => ({ ...charger, key: keys.chargers[charger.identity] }));
  const content = { gatewayUrl, idTags: LOCAL_ID_TAGS, chargers: withKeys };
  await writeFile(file, JSON.stringify(content), { mode: 0o600 });
}
