import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { JsonRpcProvider } from 'ethers';
import { DevsenError } from '../core/errors.ts';
import { openProvider } from '../runtime/chain.ts';
import { chargersDir, emptyFolders, writeSettings } from './container-files.ts';
import { failWith } from './failing.ts';
import { type LocalPlaces, operatorName } from './local-plan.ts';
import {
  accountOf,
  deployLocal,
  LOCAL_CHARGERS,
  makeKeys,
  provisionLocal,
  writeChargersFile,
  writeJobSpecs,
} from './local-setup.ts';
import { readState, writeState } from './local-state.ts';
import { makeTerminal } from './terminal.ts';

const USAGE = `Sets up a network on a local chain, for parts that run in containers, and ends.

  node network/set-up.ts --dir <path> --rpc-url <url> --redis-url <url> --gateway-url <url>

  --dir <path>              where everything goes that the parts need; a folder for each part in it
  --rpc-url <url>           the local chain, as the parts reach it
  --redis-url <url>         Redis, as the parts reach it
  --gateway-url <url>       the gateway, as the virtual chargers reach it
  --public-url <url>        the gateway, as any other charger reaches it (ws://127.0.0.1:9220)
  --operators <n>           how many operators (4)

Where a network stands already, on a chain that knows it, it does nothing. Otherwise a new one begins, with new keys,
and what an earlier one left in the folders is removed.
`;

/** The local chain's, in hardhat.config.ts: no other chain's accounts get ether for nothing. */
const LOCAL_CHAIN_ID = 31_337n;
/** Within a container each part has its usual port. */
const PORTS = { chain: 8545, redis: 6379, gateway: 9220, gatewayAdmin: 9221, operator: { adapter: 8080, jobs: 6688 } };

function readArguments() {
  const { values } = parseArgs({
    options: {
      dir: { type: 'string' },
      'rpc-url': { type: 'string' },
      'redis-url': { type: 'string' },
      'gateway-url': { type: 'string' },
      'public-url': { type: 'string', default: 'ws://127.0.0.1:9220' },
      operators: { type: 'string', default: '4' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  const required = (name: 'dir' | 'rpc-url' | 'redis-url' | 'gateway-url'): string => {
    const value = values[name];
    if (value === undefined) throw new DevsenError('INPUT_INVALID', `--${name} is missing\n\n${USAGE}`);
    return value;
  };
  if (!/^[1-9]\d?$/.test(values.operators)) {
    throw new DevsenError('INPUT_INVALID', '--operators expects a whole number from 1 to 99');
  }
  return {
    dir: resolve(required('dir')),
    rpcUrl: required('rpc-url'),
    redisUrl: required('redis-url'),
    gatewayUrl: required('gateway-url'),
    publicUrl: values['public-url'],
    operators: Number(values.operators),
  };
}

async function setUp(): Promise<void> {
  const options = readArguments();
  if (!options) return void process.stdout.write(USAGE);
  const { dir, rpcUrl } = options;
  const { print, step } = makeTerminal(process.stdout);
  // The chain may run on this machine too, which may have much else to do.
  const provider = await openProvider({ rpcUrl, pollingIntervalMs: 50, timeoutMs: 60_000 });
  try {
    const { chainId } = await provider.getNetwork();
    if (chainId !== LOCAL_CHAIN_ID) {
      throw new DevsenError('INPUT_INVALID', `chain ${chainId} is not a local chain: deploy there with npm run deploy`);
    }
    if (await isThere(dir, provider)) return void print('The network is there already');
    await emptyFolders(dir, options.operators);
    const keys = makeKeys(options.operators, LOCAL_CHARGERS);
    const chain = await step('contracts deployed', () => deployLocal(provider, dir, keys));
    const oracles = await step('operators, gateway, drivers and chargers registered', () =>
      provisionLocal(chain, keys, LOCAL_CHARGERS),
    );
    const places: LocalPlaces = {
      dir,
      rpcUrl,
      redisUrl: options.redisUrl,
      addresses: chain.addresses,
      keys,
      ports: { ...PORTS, operators: oracles.map(() => PORTS.operator) },
      gatewayAccount: accountOf(keys.gateway),
      operatorAccounts: keys.operators.map(({ account }) => accountOf(account)),
    };
    await step('settings written for every part', async () => {
      const senders = keys.operators.map(({ node }) => accountOf(node));
      await writeJobSpecs(dir, oracles, senders, chain.addresses.oracle, chainId);
      await writeSettings(places);
      await writeChargersFile(join(chargersDir(dir), 'chargers.json'), options.gatewayUrl, LOCAL_CHARGERS, keys);
      // Last, for it says that the network is there.
      await writeState(dir, stateOf(places, oracles, options.publicUrl), keys);
    });
  } finally {
    provider.destroy();
  }
}

/** Whether these folders hold a network that was set up to its end, on this chain. */
async function isThere(dir: string, provider: JsonRpcProvider): Promise<boolean> {
  const state = await readState(dir);
  return state !== undefined && (await provider.getCode(state.addresses.oracle)) !== '0x';
}

function stateOf(places: LocalPlaces, oracles: string[], gatewayUrl: string) {
  return {
    pid: 0,
    startedAt: new Date().toISOString(),
    rpcUrl: places.rpcUrl,
    gatewayUrl,
    gatewayAdminUrl: `http://gateway:${PORTS.gatewayAdmin}`,
    addresses: places.addresses,
    operators: oracles.map((oracle, n) => ({
      name: operatorName(n),
      account: places.operatorAccounts[n] ?? '',
      oracle,
      adapterUrl: `http://${operatorName(n)}:${PORTS.operator.adapter}`,
      jobsUrl: `http://${operatorName(n)}:${PORTS.operator.jobs}`,
    })),
    chargers: LOCAL_CHARGERS.map(({ identity, connectors }) => ({ identity, connectors })),
  };
}

await setUp().catch(failWith);
