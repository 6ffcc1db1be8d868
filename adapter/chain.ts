import { setTimeout as delay } from 'node:timers/promises';
import { Contract, type Provider, ZeroAddress } from 'ethers';
import { DEVICE_ABI, FACTORY_ABI } from '../core/abi.ts';
import { DevsenError } from '../core/errors.ts';
import { asChainError, openProvider } from '../runtime/chain.ts';
import type { Logger } from '../runtime/log.ts';
import type { Running } from '../runtime/process.ts';
import { type Registry, type RegistrySnapshot, watchRegistry } from '../runtime/registry.ts';
import { type AskedRequests, readAskedRequests } from './asked-requests.ts';
import { type FormerKey, readFormerKeys } from './former-keys.ts';
import type { ListedGateway } from './gateway-book.ts';
import { type OverdueRequests, readOverdueRequests } from './overdue-requests.ts';
import { readSettlingChain, type SettlingChain } from './settling-chain.ts';

/** What the chain says about the network: the first time, and whenever it changes. */
export interface NetworkNews {
  /** `<chain id>:<OracleDEVSEN address, lower case>`. */
  network: string;
  gateways: ListedGateway[];
  /** Keys that they had before, where the chain was read for them. */
  formerKeys?: FormerKey[];
  /** To be kept, and handed in at the next start. */
  snapshot?: RegistrySnapshot;
}

/** Where the operator learns of the network. */
export interface NetworkSource extends Running {
  /** Whether the chain has confirmed what was told within the last half minute. */
  isFresh: () => boolean;
  /**
   * The key of a charger's meter as the chain has it now, 0x-hex; `0x` if it has none, or no such charger.
   *
   * @throws DevsenError `CHAIN_UNAVAILABLE`
   */
  readMeterKey: (deviceId: string) => Promise<string>;
  /** What the ledger asked. */
  asked: AskedRequests;
  /**
   * The chargers in a cell of the factory's map, by their ids.
   *
   * @throws DevsenError `CHAIN_UNAVAILABLE`
   */
  chargersInCell: (row: number, column: number) => Promise<string[]>;
  /** What the chain has of sessions. @throws DevsenError `CHAIN_UNAVAILABLE` until the chain has told the network */
  settling: () => SettlingChain;
  /** Requests that too few answered. @throws DevsenError `CHAIN_UNAVAILABLE` until the chain has told the network */
  overdue: () => OverdueRequests;
}

/** Opens a source of news; `tell` is called for each. */
export type OpenNetworkSource = (tell: (news: NetworkNews) => void, restored?: RegistrySnapshot) => NetworkSource;

export interface ChainSourceOptions {
  rpcUrl: string;
  /** OracleDEVSEN. */
  oracleAddress: string;
  /** Blocks that must stand on top before a change is taken in. */
  confirmations: number;
  pollIntervalMs: number;
  log: Logger;
}

const RETRY_MS = 1_000;
/** Most calls to the chain that one question makes side by side. */
const CALLS_AT_ONCE = 20;
const KEYS_RETRY_MS = 30_000;

/** News from the chain. While it is away, what it said last goes on holding. */
export function chainSource(options: ChainSourceOptions): OpenNetworkSource {
  const { rpcUrl, oracleAddress, confirmations, pollIntervalMs, log } = options;
  return (tell, restored) => {
    const closing = new AbortController();
    let isFresh = () => false;
    let chain: { provider: Provider; factory: string } | undefined;
    let asked: AskedRequests | undefined;
    const chargerIds = new Map<string, string>();
    let settling: SettlingChain | undefined;
    let overdue: OverdueRequests | undefined;
    const tellSnapshot = (snapshot: RegistrySnapshot) =>
      tell({ network: snapshot.network, gateways: snapshot.gateways, snapshot });
    /** Once is enough: a key that is replaced later was told as the present one before. */
    const tellFormerKeys = async (provider: Provider, registry: Registry) => {
      while (!closing.signal.aborted) {
        try {
          const toBlock = Math.max(0, (await provider.getBlockNumber()) - confirmations);
          const formerKeys = await readFormerKeys(provider, registry.snapshot().users, toBlock);
          if (formerKeys.length === 0 || closing.signal.aborted) return;
          return tell({ network: registry.network, gateways: registry.gateways(), formerKeys });
        } catch (error) {
          log.warn({ err: asChainError(error) }, 'former keys of gateways not read; trying again');
          await delay(KEYS_RETRY_MS, undefined, { signal: closing.signal }).catch(() => undefined);
        }
      }
    };
    const open = async (): Promise<Running | undefined> => {
      const chainId = restored === undefined ? undefined : BigInt(restored.network.split(':')[0] ?? '');
      while (!closing.signal.aborted) {
        try {
          const provider = await openProvider({ rpcUrl, ...(chainId === undefined ? {} : { chainId }) });
          const registry = await watchRegistry({
            provider,
            oracleAddress,
            log,
            confirmations,
            pollIntervalMs,
            signal: closing.signal,
            ...(restored === undefined ? {} : { restored }),
          });
          isFresh = registry.isFresh;
          asked = readAskedRequests({ provider, oracleAddress, confirmations });
          settling = readSettlingChain({ provider, oracleAddress, confirmations, snapshot: registry.snapshot });
          overdue = readOverdueRequests({ provider, oracleAddress, confirmations });
          registry.onChange(tellSnapshot);
          tellSnapshot(registry.snapshot());
          const keysTold = tellFormerKeys(provider, registry);
          chain = { provider, factory: registry.snapshot().factory };
          return {
            close: async () => {
              await registry.close();
              provider.destroy();
              await keysTold;
            },
          };
        } catch (error) {
          if (closing.signal.aborted) return undefined;
          log.warn({ err: error }, 'chain is away; trying again');
          await delay(RETRY_MS, undefined, { signal: closing.signal }).catch(() => undefined);
        }
      }
      return undefined;
    };
    const opened = open();
    return {
      isFresh: () => isFresh(),
      readMeterKey: async (deviceId) => {
        if (chain === undefined) throw new DevsenError('CHAIN_UNAVAILABLE', 'chain is away');
        return readMeterKey(chain.provider, chain.factory, deviceId);
      },
      asked: {
        find: async (requestId, asOfSec) => {
          if (asked === undefined) throw new DevsenError('CHAIN_UNAVAILABLE', 'the chain has not told the network yet');
          return asked.find(requestId, asOfSec);
        },
      },
      chargersInCell: async (row, column) => {
        if (chain === undefined) throw new DevsenError('CHAIN_UNAVAILABLE', 'chain is away');
        return readChargersInCell(chain.provider, chain.factory, row, column, chargerIds);
      },
      settling: () => {
        if (settling === undefined)
          throw new DevsenError('CHAIN_UNAVAILABLE', 'the chain has not told the network yet');
        return settling;
      },
      overdue: () => {
        if (overdue === undefined) throw new DevsenError('CHAIN_UNAVAILABLE', 'the chain has not told the network yet');
        return overdue;
      },
      close: async () => {
        closing.abort();
        await (await opened)?.close();
      },
    };
  };
}

/** A charger's contract and its id belong together for ever: `known` keeps them. */
export async function readChargersInCell(
  provider: Provider,
  factoryAddress: string,
  row: number,
  column: number,
  known: Map<string, string>,
): Promise<string[]> {
  try {
    const box = { south: row, north: row, west: column, east: column };
    const factory = new Contract(factoryAddress, FACTORY_ABI, provider);
    const devices = Array.from<string>(await factory.getFunction('devicesInBox')(box));
    const unknown = devices.filter((device) => !known.has(device));
    while (unknown.length > 0) {
      const read = async (device: string) =>
        known.set(device, await new Contract(device, DEVICE_ABI, provider).getFunction('deviceId')());
      await Promise.all(unknown.splice(0, CALLS_AT_ONCE).map(read));
    }
    return devices.map((device) => known.get(device) ?? '');
  } catch (error) {
    throw asChainError(error);
  }
}

async function readMeterKey(provider: Provider, factoryAddress: string, deviceId: string): Promise<string> {
  try {
    const device = await new Contract(factoryAddress, FACTORY_ABI, provider).getFunction('deviceOf')(deviceId);
    if (device === ZeroAddress) return '0x';
    return await new Contract(device, DEVICE_ABI, provider).getFunction('meterKey')();
  } catch (error) {
    throw asChainError(error);
  }
}
