import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatEther, parseEther, Wallet } from 'ethers';
import { DevsenError } from '../core/errors.ts';
import { deviceIdOf } from '../core/identity.ts';
import { call, contractAt } from '../network/contracts.ts';
import { until } from '../network/deadline.ts';
import { type LocalNetwork, startLocalNetwork } from '../network/local-network.ts';
import { signerOf } from '../network/one-by-one.ts';
import { anyPorts } from '../network/ports.ts';
import { describeExit } from '../network/supervisor.ts';
import { startWatchdog } from '../network/watchdog.ts';
import { type Charger, startCharger } from '../simulator/charger.ts';
import { type ChainWatch, watchChain } from './network/chain-watch.ts';
import { gasTable, type Waits, waitsOf, waitsTable } from './network/figures.ts';
import { type Asked, type Played, playSession } from './network/session.ts';

const SESSIONS = 100;
const OPERATORS = 4;
const POWER_W = 400_000;
const DEPOSIT = parseEther('4');
/** For whatever takes seconds on a machine that does nothing else. */
const PATIENCE_MS = 600_000;
const CAR = { battery: { capacityWh: 100_000, levelWh: 20_000 }, maxPowerW: POWER_W };

/**
 * As many sessions at once as there are chargers, on a whole network of real processes on this machine: how long the
 * operators take to answer, and what a session costs in gas and in LINK. The exit code is 1 unless all settle.
 *
 * The chain mines each tx at once into a block of its own, so blocks count txs. Seconds are the clock's, from when the
 * request's receipt is here until the agreed answer's log is.
 */
export async function run({ json }: { json: boolean }): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'devsen-bench-'));
  const watchdog = startWatchdog();
  const chargers: Charger[] = [];
  let network: LocalNetwork | undefined;
  try {
    network = await startLocalNetwork({
      dir,
      watchdog,
      ports: await anyPorts(OPERATORS),
      chargers: Array.from({ length: SESSIONS }, (_, n) => ({
        identity: `CP-${n + 1}`,
        connectors: 1,
        maxPowerW: POWER_W,
      })),
      withBuild: true,
      withTraffic: false,
      step: (_what, work) => work(),
      tell: () => {},
      onDeath: (exit) => process.stderr.write(`${describeExit(exit)}\n`),
    });
    chargers.push(...(await plugIn(network)));
    const watch = await watchChain(network.provider);
    const beforeJuels = await linkOf(network);
    const startedMs = performance.now();
    const played = await playAll(network, chargers, watch);
    const tookSec = Math.round(performance.now() - startedMs) / 1_000;
    const spent = beforeJuels - (await linkOf(network));
    await untilAllAnswered(watch, played);
    await watch.close();
    const gas = await gasBySteps(network, watch, played);
    report(played, watch, { gas, spent, tookSec, json });
  } finally {
    await Promise.all(chargers.map((charger) => charger.close()));
    await network?.stop();
    await watchdog.close();
    await rm(dir, { recursive: true, force: true });
  }
}

/** All the chargers of the network in this process, a car plugged into each. */
async function plugIn({ state, keys }: LocalNetwork): Promise<Charger[]> {
  const chargers = state.chargers.map(({ identity }) => {
    const key = Buffer.from(keys.chargers[identity] ?? '', 'hex');
    return startCharger({ url: state.gatewayUrl, identity, key, connectors: 1, meterIntervalMs: 1_000 });
  });
  await until('all chargers to be online', PATIENCE_MS, () => chargers.every((one) => one.isOnline()) || undefined);
  for (const charger of chargers) charger.plug(1, CAR);
  await Promise.all(chargers.map((charger) => charger.settled()));
  return chargers;
}

async function playAll(network: LocalNetwork, chargers: readonly Charger[], watch: ChainWatch): Promise<Played[]> {
  const { keys, chain, provider } = network;
  const signer = signerOf(keys.driver, provider);
  const driver = new Wallet(keys.driver).address;
  return Promise.all(
    chargers.map(async (charger) => {
      const address = String(await call(chain.contracts.factory, 'deviceOf', deviceIdOf(charger.identity)));
      const device = await contractAt('DeviceDEVSEN', address, signer);
      return playSession({ charger, device, driver, deposit: DEPOSIT, watch });
    }),
  );
}

/** The slowest operators answer, and are paid, when the others have agreed already. */
async function untilAllAnswered({ observed }: ChainWatch, played: readonly Played[]): Promise<void> {
  const asked = played.flatMap(({ start, stop }) => [start, ...(stop ? [stop] : [])]);
  const isWhole = () => asked.every(({ requestId }) => observed.get(requestId)?.length === OPERATORS) || undefined;
  await until('every operator to answer', PATIENCE_MS, isWhole).catch(() => {});
}

async function linkOf({ keys, chain }: LocalNetwork): Promise<bigint> {
  return (await call(chain.contracts.oracle, 'accountJuels', new Wallet(keys.driver).address)) as bigint;
}

/** Mean gas of one session, by what is done. */
async function gasBySteps(
  { provider }: LocalNetwork,
  { observed }: ChainWatch,
  played: readonly Played[],
): Promise<Record<string, number>> {
  const answers = async (asked: readonly Asked[]) => {
    let gas = 0;
    for (const hash of asked.flatMap(({ requestId }) => observed.get(requestId) ?? [])) {
      gas += Number((await provider.getTransactionReceipt(hash))?.gasUsed ?? 0n);
    }
    return gas / played.length;
  };
  const mean = (asked: readonly Asked[]) => asked.reduce((sum, { gas }) => sum + gas, 0) / played.length;
  const starts = played.map(({ start }) => start);
  const stops = played.flatMap(({ stop }) => stop ?? []);
  return {
    'lock and ask for the start': mean(starts),
    'answers to it': await answers(starts),
    'ask for the stop': mean(stops),
    'answers to it, and settle': await answers(stops),
  };
}

interface Costs {
  gas: Record<string, number>;
  spent: bigint;
  tookSec: number;
  json: boolean;
}

function report(played: readonly Played[], { answered }: ChainWatch, { gas, spent, tookSec, json }: Costs): void {
  const { stdout } = process;
  const open = played.filter(({ state }) => state !== 'Settled');
  const pairs = (asked: readonly Asked[]) =>
    asked.flatMap((each) => {
      const answer = answered.get(each.requestId);
      return answer === undefined ? [] : [[each, answer] as const];
    });
  const waits: Record<string, Waits> = {
    'start, request to answer': waitsOf(pairs(played.map(({ start }) => start))),
    'stop, request to answer': waitsOf(pairs(played.flatMap(({ stop }) => stop ?? []))),
  };
  const settled = played.length - open.length;
  const linkEach = formatEther(spent / BigInt(played.length));
  stdout.write(`${settled} of ${played.length} sessions at once settled, within ${tookSec.toFixed(1)} s\n\n`);
  stdout.write(
    `${waitsTable(waits)}\n\n${gasTable(gas)}\n\n${'LINK of a session'.padEnd(34)}${linkEach.padStart(11)}\n`,
  );
  if (json) {
    const figures = {
      bench: 'network',
      sessions: played.length,
      settled,
      tookSec,
      waits,
      gas,
      linkPerSession: linkEach,
    };
    stdout.write(`${JSON.stringify(figures)}\n`);
  }
  if (open.length > 0) {
    const which = open.map(({ identity, state }) => `${identity} is ${state}`).join(', ');
    throw new DevsenError('CONFLICT', `not all sessions settled: ${which}`);
  }
}
