import { AbiCoder, type Contract, ContractFactory, type Signer, ZeroAddress, ZeroHash } from 'ethers';
import { deviceIdOf } from '../core/identity.ts';
import { QUERIES, type QueryName, specIdOf } from '../core/queries.ts';
import { type ContractName, readArtifact } from './artifacts.ts';
import { call, contractAt, type NetworkContracts, send } from './contracts.ts';

/**
 * Each function here brings one thing on chain into the state that its name says and does nothing if it is so already,
 * so a network may be provisioned again at any time.
 */

/** Roles of UserDEVSEN, by bit. */
export const ROLES = { occupant: 1n, manager: 2n, operator: 4n, gateway: 8n, registrar: 16n } as const;

/** The queries that a network offers: those with a job spec in `jobs/`. */
export const OFFERED_QUERIES: readonly QueryName[] = QUERIES.map(({ name }) => name);

export interface OperatorToProvision {
  /** The operator's account, connected to the chain: owns its `Operator` contract and sets who may answer for it. */
  account: Signer;
  /** Address of the key with which its adapter signs. */
  signingKey: string;
  /** Addresses from which its job node sends answers. */
  senders: string[];
}

/** Addresses of a node operator: its account, its `Operator` contract and the key with which its adapter signs. */
export interface RegisteredOperator {
  account: string;
  oracle: string;
  signingKey: string;
}

/**
 * A node operator with a Chainlink `Operator` contract of its own, at which its job node may answer.
 *
 * @returns address of the `Operator` contract
 */
export async function ensureOperator(network: NetworkContracts, operator: OperatorToProvision): Promise<string> {
  const account = await operator.account.getAddress();
  const known = (await call(network.users, 'operatorOf', account)) as { oracle: string; signingKey: string };
  const oracle =
    known.oracle === ZeroAddress
      ? await deployContract('Operator', operator.account, await network.link.getAddress(), account)
      : known.oracle;
  const own = await contractAt('Operator', oracle, operator.account);
  const senders = (await call(own, 'getAuthorizedSenders')) as string[];
  if (!isSameSet(senders, operator.senders)) await send(own, 'setAuthorizedSenders', operator.senders);
  await ensureRegistered(network, { account, oracle, signingKey: operator.signingKey });
  return oracle;
}

/** A node operator that has an `Operator` contract already, by its addresses. */
export async function ensureRegistered(network: NetworkContracts, operator: RegisteredOperator): Promise<void> {
  const { account, oracle, signingKey } = operator;
  const known = (await call(network.users, 'operatorOf', account)) as RegisteredOperator;
  if (isSame(known.oracle, oracle) && isSame(known.signingKey, signingKey)) return;
  await send(network.users, 'setOperator', account, oracle, signingKey);
}

/** A gateway with this account and signing key. */
export async function ensureGateway(network: NetworkContracts, account: string, signingKey: string): Promise<void> {
  const known = (await call(network.users, 'gatewayOf', account)) as { signingKey: string };
  if (!isSame(known.signingKey, signingKey)) await send(network.users, 'setGateway', account, signingKey);
}

/** A user that is not blocked, never expires and holds these roles beside those it has. */
export async function ensureUser(network: NetworkContracts, account: string, roles: bigint): Promise<void> {
  if (await call(network.users, 'hasRole', account, roles)) return;
  const [held] = (await call(network.users, 'userOf', account)) as [bigint];
  await send(network.users, 'setUser', account, held | roles, 0, false);
}

export interface ChargerToProvision {
  /** OCPP identity. */
  identity: string;
  latitudeDeg: number;
  longitudeDeg: number;
  /** `authorizationKeyHash` of core/identity.ts. */
  authorizationKeyHash: string;
  /** SHA-256 of its TLS client certificate, 0x-prefixed hex, if it has one. */
  certificateFingerprint?: string;
  connectors: { evse: number; standard: number; format: number; powerType: number; maxPowerW: number }[];
}

/**
 * A charger that belongs to `manager` and is recognised by these credentials. `manager` needs the role beforehand.
 *
 * @returns the charger's id and the address of its contract
 */
export async function ensureCharger(
  network: NetworkContracts,
  manager: Signer,
  charger: ChargerToProvision,
): Promise<{ deviceId: string; device: string }> {
  const deviceId = deviceIdOf(charger.identity);
  const credentials = [charger.authorizationKeyHash, charger.certificateFingerprint ?? ZeroHash];
  const known = (await call(network.factory, 'deviceOf', deviceId)) as string;
  if (known !== ZeroAddress) {
    const device = await contractAt('DeviceDEVSEN', known, manager);
    const held = (await call(device, 'credentials')) as string[];
    if (!held.every((hash, i) => hash === credentials[i])) await send(device, 'setCredentials', ...credentials);
    return { deviceId, device: known };
  }
  await send(network.factory.connect(manager) as Contract, 'createDevice', {
    identity: charger.identity,
    latitudeE7: Math.round(charger.latitudeDeg * 1e7),
    longitudeE7: Math.round(charger.longitudeDeg * 1e7),
    authorizationKeyHash: credentials[0],
    certificateFingerprint: credentials[1],
    connectors: charger.connectors,
  });
  return { deviceId, device: (await call(network.factory, 'deviceOf', deviceId)) as string };
}

/** These queries are offered at this price per operator asked, juels. */
export async function ensureTerms(
  network: NetworkContracts,
  queries: readonly QueryName[],
  feeJuels: bigint,
): Promise<void> {
  for (const { name, number, externalJobId } of QUERIES) {
    if (!queries.includes(name)) continue;
    const specId = specIdOf(externalJobId);
    const known = (await call(network.oracle, 'terms', number)) as { specId: string; feeJuels: bigint };
    if (known.specId !== specId || known.feeJuels !== feeJuels) {
      await send(network.oracle, 'setTerms', number, { specId, feeJuels });
    }
  }
}

/** Requests go to these operators (accounts, in this order), of which `faults` may lie or be silent: 3 × faults + 1 at least. */
export async function ensureOperatorSet(network: NetworkContracts, accounts: string[], faults: number): Promise<void> {
  const setId = await call(network.oracle, 'operatorSetId');
  const set = (await call(network.oracle, 'operatorSet', setId)) as { oracles: string[]; faults: bigint };
  const wanted = await Promise.all(
    accounts.map(async (account) => ((await call(network.users, 'operatorOf', account)) as { oracle: string }).oracle),
  );
  const isThere = wanted.length === set.oracles.length && wanted.every((oracle, i) => oracle === set.oracles[i]);
  if (!isThere || set.faults !== BigInt(faults)) await send(network.oracle, 'setOperatorSet', accounts, faults);
}

/**
 * At least this much LINK in an account at the ledger, juels; what is missing comes from the admin. If the LINK token is
 * the network's own, the admin mints what it lacks.
 *
 * @param owner - whose account: a user, or a consumer contract
 */
export async function fundLinkAccount(network: NetworkContracts, owner: string, leastJuels: bigint): Promise<void> {
  const held = (await call(network.oracle, 'accountJuels', owner)) as bigint;
  if (held >= leastJuels) return;
  await mintLink(network, await network.admin.getAddress(), leastJuels - held);
  const data = AbiCoder.defaultAbiCoder().encode(['address'], [owner]);
  await send(network.link, 'transferAndCall', await network.oracle.getAddress(), leastJuels - held, data);
}

/**
 * The example consumer.
 *
 * @param known - its address if it was deployed before
 * @returns its address
 */
export async function ensureExampleConsumer(network: NetworkContracts, known?: string): Promise<string> {
  const isThere = known !== undefined && (await network.admin.provider?.getCode(known)) !== '0x';
  return isThere ? known : deployContract('ExampleStatusConsumer', network.admin, await network.oracle.getAddress());
}

/** At least this much LINK in an address, juels, minted by the admin: only where the LINK token is the network's own. */
export async function mintLink(network: NetworkContracts, owner: string, leastJuels: bigint): Promise<void> {
  const held = (await call(network.link, 'balanceOf', owner)) as bigint;
  if (held >= leastJuels) return;
  const admin = await network.admin.getAddress();
  if (!(await call(network.link, 'isMinter', admin))) await send(network.link, 'grantMintRole', admin);
  await send(network.link, 'mint', owner, leastJuels - held);
}

/** Deploys one contract and waits until it is there. Returns its address. */
export async function deployContract(name: ContractName, deployer: Signer, ...args: unknown[]): Promise<string> {
  const { abi, bytecode } = await readArtifact(name);
  const factory = new ContractFactory(abi as ConstructorParameters<typeof Contract>[1], bytecode, deployer);
  const contract = await factory.deploy(...args);
  await contract.waitForDeployment();
  return contract.getAddress();
}

function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

function isSameSet(some: string[], others: string[]): boolean {
  const there = new Set(some.map((address) => address.toLowerCase()));
  return there.size === others.length && others.every((address) => there.has(address.toLowerCase()));
}
