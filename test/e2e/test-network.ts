import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Contract } from 'ethers';
import { ORACLE_ABI } from '../../core/abi.ts';
import { askStatus, type Reply } from '../../network/consumer.ts';
import { type LocalNetwork, startLocalNetwork } from '../../network/local-network.ts';
import { operatorDir } from '../../network/local-plan.ts';
import { LOCAL_ID_TAGS } from '../../network/local-setup.ts';
import { type OneByOneSigner, signerOf } from '../../network/one-by-one.ts';
import { anyPorts } from '../../network/ports.ts';
import type { Exit } from '../../network/supervisor.ts';
import { startWatchdog } from '../../network/watchdog.ts';
import { type Charger, type ChargerSettings, startCharger } from '../../simulator/charger.ts';
import { waitFor } from '../support/wait.ts';

export interface TestNetwork extends LocalNetwork {
  /** Where it keeps all it writes. */
  dir: string;
  /** Deaths that nobody asked for; a test expects none. */
  deaths: Exit[];
  idTag: string;
  asker: OneByOneSigner;
  /** Starts a charger of the network in this process; it is closed with the network. */
  charger: (identity: string, more?: Partial<ChargerSettings>) => Promise<Charger>;
  ask: (
    identity: string,
    connector: number,
    limits?: { answerLimitMs?: number; stragglerLimitMs?: number },
    onAsked?: (requestId: string) => void,
  ) => Promise<Reply>;
  /** Waits until so many operators have answered a request. */
  observations: (requestId: string, count: number) => Promise<void>;
  /** How often the n-th operator agreed, disagreed and missed. */
  record: (n: number) => Promise<{ agreed: number; disagreed: number; missed: number }>;
  /** The n-th operator's database. */
  adapterDatabase: (n: number) => string;
  close: () => Promise<void>;
}

export interface TestNetworkOptions {
  /** Their identities; or how many, CP-1 and on. */
  chargers: number | readonly string[];
  /** Most power of their connectors, W; the usual of a local network unless told. */
  maxPowerW?: number;
}

/** A whole network of separate processes, as `npm start` runs it, in a directory of its own. */
export async function startTestNetwork(options: TestNetworkOptions): Promise<TestNetwork> {
  const dir = await mkdtemp(join(tmpdir(), 'devsen-e2e-'));
  const watchdog = startWatchdog();
  const deaths: Exit[] = [];
  const identities =
    typeof options.chargers === 'number'
      ? Array.from({ length: options.chargers }, (_, n) => `CP-${n + 1}`)
      : options.chargers;
  const chargers = identities.map((identity) => ({
    identity,
    connectors: 1,
    ...(options.maxPowerW === undefined ? {} : { maxPowerW: options.maxPowerW }),
  }));
  const network = await startLocalNetwork({
    dir,
    watchdog,
    ports: await anyPorts(4),
    chargers,
    withBuild: false,
    withTraffic: false,
    step: (_what, work) => work(),
    tell: () => {},
    onDeath: (exit) => void deaths.push(exit),
  }).catch(async (error) => {
    await watchdog.close();
    throw error;
  });
  const { state, keys, provider } = network;
  const asker = signerOf(keys.asker, provider);
  const ledger = new Contract(state.addresses.oracle, ORACLE_ABI, provider);
  const running: Charger[] = [];
  return {
    ...network,
    dir,
    deaths,
    asker,
    idTag: LOCAL_ID_TAGS[0],
    charger: async (identity, more = {}) => {
      const key = Buffer.from(keys.chargers[identity] ?? '', 'hex');
      const charger = startCharger({ url: state.gatewayUrl, identity, key, connectors: 1, ...more });
      running.push(charger);
      await waitFor(() => charger.isOnline(), { what: `${identity} to be online`, timeoutMs: 120_000 });
      await charger.settled();
      return charger;
    },
    ask: (identity, connector, { answerLimitMs = 180_000, stragglerLimitMs = 90_000 } = {}, onAsked = () => {}) =>
      askStatus({
        provider,
        signer: asker,
        consumer: state.addresses.consumer,
        oracle: state.addresses.oracle,
        identity,
        connector,
        answerLimitMs,
        stragglerLimitMs,
        operators: state.operators.length,
        onAsked,
      }),
    observations: async (requestId, count) => {
      const filter = ledger.getEvent('Observed')(requestId);
      await waitFor(async () => (await ledger.queryFilter(filter)).length >= count, {
        what: `${count} operators to answer`,
        timeoutMs: 180_000,
      });
    },
    record: async (n) => {
      const [agreed, disagreed, missed] = await ledger.getFunction('operatorRecord')(state.operators[n]?.oracle);
      return { agreed: Number(agreed), disagreed: Number(disagreed), missed: Number(missed) };
    },
    adapterDatabase: (n) => join(operatorDir(dir, n), 'adapter.sqlite'),
    close: async () => {
      await Promise.all(running.map((charger) => charger.close()));
      await network.stop();
      await watchdog.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
