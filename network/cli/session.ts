import type { Command } from 'commander';
import { type Contract, type JsonRpcProvider, type Signer, VoidSigner, Wallet, ZeroAddress } from 'ethers';
import { DevsenError } from '../../core/errors.ts';
import { deviceIdOf, isChargerIdentity } from '../../core/identity.ts';
import { openProvider } from '../../runtime/chain.ts';
import type { ContractName } from '../artifacts.ts';
import { call, contractAt } from '../contracts.ts';
import { type NetworkKeys, type NetworkState, readRunningNetwork } from '../local-state.ts';
import { signerOf } from '../one-by-one.ts';
import { type GatewayCa, readGatewayCa } from './gateway-ca.ts';
import { type KeyOptions, keyOf, type Role } from './keys.ts';
import { makeOutput, type Output } from './output.ts';

/** Where a command writes to, and the variables it reads. */
export interface Streams {
  out: NodeJS.WritableStream;
  err: NodeJS.WritableStream;
  env: Record<string, string | undefined>;
}

/** The options that every command has. */
interface GlobalOptions extends KeyOptions {
  dir: string;
  rpc?: string;
  oracle?: string;
  rewards?: string;
  gateway?: string;
  gatewayCa?: string;
  adapter?: string[];
  json: boolean;
  dryRun: boolean;
}

/** What a command works with: a network, reached over its chain, and who acts. */
export interface Session {
  provider: JsonRpcProvider;
  /** `<chain id>:<OracleDEVSEN address, lower case>`. */
  network: string;
  /** Acts; a reader without key where none is needed or given. */
  signer: Signer;
  account: string;
  /** The key of whoever acts; undefined for a reader. */
  wallet: Wallet | undefined;
  isDryRun: boolean;
  output: Output;
  /** A contract of the network, called as whoever acts. */
  contract: (name: NetworkContract) => Promise<Contract>;
  contractAt: (name: ContractName, address: string) => Promise<Contract>;
  /** @throws DevsenError `NOT_FOUND` if no charger is registered by that identity */
  device: (identity: string) => Promise<{ contract: Contract; address: string; deviceId: string }>;
  /** Where chargers connect. @throws DevsenError `INPUT_INVALID` if nobody said */
  gatewayUrl: () => string;
  /** The CAs of the gateway's certificate; undefined if nobody said. @throws DevsenError `INPUT_INVALID` if there are none */
  gatewayCa: () => Promise<GatewayCa | undefined>;
  /** Base URLs of operators' adapters; none if nobody said. */
  adapterUrls: string[];
  /** Of a local network only. */
  local: { state: NetworkState; keys: NetworkKeys } | undefined;
}

type NetworkContract =
  | 'OracleDEVSEN'
  | 'UserDEVSEN'
  | 'FactoryDEVSEN'
  | 'LinkToken'
  | 'PaymentDEVSEN'
  | 'RewardsDEVSEN';

/**
 * Runs the work of a command in a network, and lets go of it afterwards.
 *
 * @param role - who acts on a local network unless `--as` says; 'reader' needs no key anywhere
 */
export async function inNetwork(
  command: Command,
  streams: Streams,
  role: Role | 'reader',
  work: (session: Session) => Promise<void>,
): Promise<void> {
  const options = command.optsWithGlobals<GlobalOptions>();
  const place = await findNetwork(options, streams.env);
  const provider = await openProvider({ rpcUrl: place.rpcUrl, pollingIntervalMs: place.local ? 50 : 1_000 });
  try {
    const { chainId } = await provider.getNetwork();
    const key = await keyOf(options, streams.env, place.local?.keys, role);
    const signer = key === undefined ? new VoidSigner(ZeroAddress, provider) : signerOf(key, provider);
    const addresses = addressBook(place, provider);
    const at = async (name: ContractName, address: string) => contractAt(name, address, signer);
    await work({
      provider,
      network: `${chainId}:${place.oracle.toLowerCase()}`,
      signer,
      account: await signer.getAddress(),
      wallet: key === undefined ? undefined : new Wallet(key),
      isDryRun: options.dryRun,
      output: makeOutput(streams, options.json),
      contract: async (name) => at(name, await addresses(name)),
      contractAt: at,
      device: async (identity) => {
        if (!isChargerIdentity(identity)) {
          throw new DevsenError('INPUT_INVALID', 'an OCPP identity is 1 to 48 of A-Z a-z 0-9 _ = : | @ . -');
        }
        const deviceId = deviceIdOf(identity);
        const factory = await at('FactoryDEVSEN', await addresses('FactoryDEVSEN'));
        const address = String(await call(factory, 'deviceOf', deviceId));
        if (address === ZeroAddress) throw new DevsenError('NOT_FOUND', `no charger is registered as ${identity}`);
        return { contract: await at('DeviceDEVSEN', address), address, deviceId };
      },
      gatewayUrl: () => {
        const url = options.gateway ?? streams.env.GATEWAY_URL ?? place.local?.state.gatewayUrl;
        if (url === undefined) throw new DevsenError('INPUT_INVALID', 'which gateway? Give --gateway or GATEWAY_URL');
        return url;
      },
      gatewayCa: async () => {
        const file = options.gatewayCa ?? streams.env.GATEWAY_CA_FILE;
        return file === undefined ? undefined : readGatewayCa(file, Date.now());
      },
      adapterUrls:
        options.adapter ??
        streams.env.ADAPTER_URLS?.split(',') ??
        place.local?.state.operators.map(({ adapterUrl }) => adapterUrl) ??
        [],
      local: place.local,
    });
  } finally {
    provider.destroy();
  }
}

interface Place {
  rpcUrl: string;
  oracle: string;
  rewards: string | undefined;
  local: Session['local'];
}

async function findNetwork(options: GlobalOptions, env: Streams['env']): Promise<Place> {
  const rpcUrl = options.rpc ?? env.RPC_URL;
  const oracle = options.oracle ?? env.ORACLE_ADDRESS;
  const rewards = options.rewards ?? env.REWARDS_ADDRESS;
  if (rpcUrl === undefined && oracle === undefined) {
    const local = await readRunningNetwork(options.dir);
    const { state } = local;
    return { rpcUrl: state.rpcUrl, oracle: state.addresses.oracle, rewards: rewards ?? state.addresses.rewards, local };
  }
  if (rpcUrl === undefined || !URL.canParse(rpcUrl)) {
    throw new DevsenError('INPUT_INVALID', '--rpc expects the URL of a JSON-RPC endpoint');
  }
  if (oracle === undefined || !/^0x[0-9a-fA-F]{40}$/.test(oracle)) {
    throw new DevsenError('INPUT_INVALID', '--oracle expects the address of OracleDEVSEN');
  }
  return { rpcUrl, oracle, rewards, local: undefined };
}

/** Finds each contract from the ledger on: an address is read once, when it is needed. */
function addressBook(place: Place, provider: JsonRpcProvider): (name: NetworkContract) => Promise<string> {
  const reader = new VoidSigner(ZeroAddress, provider);
  const known = new Map<NetworkContract, Promise<string>>();
  const read = async (name: ContractName, of: string, getter: string) =>
    String(await call(await contractAt(name, of, reader), getter));
  const find = async (name: NetworkContract): Promise<string> => {
    switch (name) {
      case 'OracleDEVSEN':
        return place.oracle;
      case 'UserDEVSEN':
        return read('OracleDEVSEN', place.oracle, 'users');
      case 'FactoryDEVSEN':
        return read('OracleDEVSEN', place.oracle, 'factory');
      case 'LinkToken':
        return read('OracleDEVSEN', place.oracle, 'link');
      case 'PaymentDEVSEN': {
        const code = await read('FactoryDEVSEN', await at('FactoryDEVSEN'), 'implementation');
        return read('DeviceDEVSEN', code, 'payment');
      }
      case 'RewardsDEVSEN':
        if (place.rewards !== undefined) return place.rewards;
        throw new DevsenError('INPUT_INVALID', '--rewards expects the address of RewardsDEVSEN');
    }
  };
  const at = (name: NetworkContract): Promise<string> => {
    const found = known.get(name) ?? find(name);
    known.set(name, found);
    return found;
  };
  return at;
}
