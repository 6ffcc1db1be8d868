import { Contract, Interface, type JsonRpcProvider, type Log, ZeroAddress } from 'ethers';
import { DEVICE_ABI, FACTORY_ABI, USER_ABI, USER_STATES } from '../core/abi.ts';
import { DevsenError } from '../core/errors.ts';
import { asChainError, openProvider } from '../runtime/chain.ts';
import type { Logger } from '../runtime/log.ts';
import { followLogs, type LogFollower } from '../runtime/log-follower.ts';
import { type Registry, type RegistrySnapshot, watchRegistry } from '../runtime/registry.ts';
import { readCardBudget } from './card-budget-reader.ts';
import { makeCardBudgets } from './card-budgets.ts';
import { makeChargerDirectory } from './charger-directory.ts';
import { makeIdTagDirectory } from './id-tag-directory.ts';
import { makeManagerDirectory } from './manager-directory.ts';
import { makeOperatorSets } from './operator-sets.ts';
import type { GatewayRedis, KeptTexts } from './redis.ts';
import type { GatewaySettings } from './settings.ts';

/** The chain as the gateway sees it. */
export interface Network {
  provider: JsonRpcProvider;
  follower: LogFollower;
  registry: Registry;
  close: () => Promise<void>;
}

const RETRY_MS = 1_000;

/**
 * Opens the chain and reads who the network's operators and gateways are; waits until the chain answers unless an
 * earlier start has left what it read.
 *
 * @throws DevsenError `CHAIN_UNAVAILABLE` if `signal` ends the wait
 */
export async function openNetwork(
  settings: GatewaySettings,
  kept: KeptTexts,
  log: Logger,
  signal: AbortSignal,
): Promise<Network> {
  const keptName = `registry:${settings.ORACLE_ADDRESS}`;
  const restored = await kept.load(keptName).then(
    (text) => (text === undefined ? undefined : (JSON.parse(text) as RegistrySnapshot)),
    () => undefined,
  );
  const provider = await openPatiently(settings.RPC_URL, restored, log, signal);
  const follower = followLogs({
    provider,
    log,
    confirmations: settings.CHAIN_CONFIRMATIONS,
    pollIntervalMs: settings.CHAIN_POLL_MS,
  });
  const close = async () => {
    await follower.close();
    provider.destroy();
  };
  try {
    const registry = await watchRegistry({
      provider,
      follower,
      log,
      signal,
      oracleAddress: settings.ORACLE_ADDRESS,
      confirmations: settings.CHAIN_CONFIRMATIONS,
      ...(restored === undefined ? {} : { restored }),
    });
    const keep = (snapshot: RegistrySnapshot) => {
      kept.save(keptName, JSON.stringify(snapshot)).catch((error) => log.warn({ err: error }, 'registry not kept'));
    };
    keep(registry.snapshot());
    registry.onChange(keep);
    return {
      provider,
      follower,
      registry,
      close: async () => {
        await registry.close();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openPatiently(
  rpcUrl: string,
  restored: RegistrySnapshot | undefined,
  log: Logger,
  signal: AbortSignal,
): Promise<JsonRpcProvider> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await openProvider({ rpcUrl });
    } catch (error) {
      if (restored !== undefined) {
        log.warn({ err: error }, 'chain is away, going on with what the last start read');
        return openProvider({ rpcUrl, chainId: BigInt(restored.network.split(':')[0] as string) });
      }
      if (signal.aborted) throw error;
      if (attempt % 10 === 1) log.warn({ err: error, attempt }, 'waiting for the chain');
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

const DEVICE = new Interface(DEVICE_ABI);
const FACTORY = new Interface(FACTORY_ABI);
const USERS = new Interface(USER_ABI);

/** Chargers, their managers and idTags as the chain has them, kept up to date by its logs. */
export async function openDirectories(
  network: Network,
  redis: GatewayRedis,
  settings: Pick<GatewaySettings, 'IDTAG_PEPPER' | 'IDTAG_WHEN_CHAIN_AWAY' | 'ORACLE_ADDRESS'>,
  log: Logger,
  now: () => number,
  onCredentialChanged: (identity: string) => void,
) {
  const { provider, follower, registry } = network;
  const { users, factory } = registry.snapshot();
  const factoryContract = new Contract(factory, FACTORY, provider);
  const userContract = new Contract(users, USERS, provider);

  const chargers = makeChargerDirectory({
    read: (deviceId) =>
      orChainError(async () => {
        const device = String(await factoryContract.getFunction('deviceOf')(deviceId)).toLowerCase();
        if (device === ZeroAddress) return undefined;
        const credentials = await new Contract(device, DEVICE, provider).getFunction('credentials')();
        return {
          device,
          authorizationKeyHash: String(credentials.authorizationKeyHash),
          certificateFingerprint: String(credentials.certificateFingerprint),
        };
      }),
    save: (identity, credential) => redis.saveCredential(identity, credential),
    onChanged: onCredentialChanged,
    saved: await redis.loadCredentials(),
    log,
    now,
  });
  const idTags = makeIdTagDirectory({
    read: (commitment) =>
      orChainError(async () => {
        const [state, user] = await userContract.getFunction('idTagState')(commitment);
        const account = String(user).toLowerCase();
        return { state: USER_STATES[Number(state)] ?? 'Unknown', user: account === ZeroAddress ? undefined : account };
      }),
    pepper: settings.IDTAG_PEPPER,
    whenAway: settings.IDTAG_WHEN_CHAIN_AWAY === 'accept' ? 'Accepted' : 'Invalid',
    log,
    now,
  });

  const managers = makeManagerDirectory(
    (device) =>
      orChainError(async () => {
        const [manager, role] = await Promise.all([
          new Contract(device, DEVICE, provider).getFunction('manager')(),
          userContract.getFunction('MANAGER')(),
        ]);
        const isActive: boolean = await userContract.getFunction('hasRole')(manager, role);
        return { account: String(manager).toLowerCase(), isActive };
      }),
    now,
  );

  const cardBudgets = makeCardBudgets({
    read: async (charger, card) => {
      const found = await chargers.find(charger);
      if (typeof found === 'string') throw new DevsenError('CHAIN_UNAVAILABLE', `device of the charger is ${found}`);
      return readCardBudget(provider, found.device, card, now());
    },
    log,
    now,
  });

  // Any contract can emit a log of this form: it only makes the gateway read the factory's own device again.
  follower.subscribe({ topics: [topicOf(DEVICE, 'CredentialsSet')] }, async (logs: Log[]) => {
    for (const deviceId of new Set(logs.map((entry) => entry.topics[1]))) {
      if (deviceId !== undefined) await chargers.credentialsChanged(deviceId);
    }
  });
  follower.subscribe({ address: factory, topics: [topicOf(FACTORY, 'DeviceCreated')] }, chargers.deviceCreated);
  // Any contract can emit this, too: it only makes the gateway forget what it knows of that contract.
  follower.subscribe({ topics: [topicOf(DEVICE, 'ManagerSet')] }, (logs: Log[]) => {
    for (const { address } of logs) managers.managerChanged(address.toLowerCase());
  });
  follower.subscribe({ address: users, topics: [[topicOf(USERS, 'UserSet'), topicOf(USERS, 'IdTagSet')]] }, () => {
    idTags.usersChanged();
    managers.usersChanged();
  });
  const operatorSets = makeOperatorSets(provider, settings.ORACLE_ADDRESS, log);
  return { chargers, idTags, managers, operatorSets, cardBudgets };
}

function topicOf(contract: Interface, event: string): string {
  const fragment = contract.getEvent(event);
  if (fragment === null) throw new RangeError(`no event ${event}`);
  return fragment.topicHash;
}

async function orChainError<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw asChainError(error) satisfies DevsenError;
  }
}
