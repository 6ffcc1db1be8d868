import { resolve } from 'node:path';
import { DevsenError } from '../core/errors.ts';
import { deviceIdOf } from '../core/identity.ts';
import { makeLog } from '../runtime/log.ts';
import { describe, type Entry } from './account.ts';
import { startAsking } from './asking.ts';
import { type LocalNetwork, startLocalNetwork } from './local-network.ts';
import { LOCAL_CHARGERS } from './local-setup.ts';
import { LOCAL_DIR, readState } from './local-state.ts';
import { usualPorts } from './ports.ts';
import { followRequests } from './request-account.ts';
import { makeRestarts } from './restarts.ts';
import { untilSignal } from './signals.ts';
import { describeExit } from './supervisor.ts';
import type { Terminal } from './terminal.ts';
import { startWatchdog } from './watchdog.ts';

const OPERATORS = 4;

export interface LiveOptions {
  /** How often a contract asks about some charger, s; 0 for never. */
  askEverySec: number;
  withBuild: boolean;
  withTraffic: boolean;
}

/**
 * Runs a network until it is asked to end, and tells what happens in it.
 *
 * @throws DevsenError `CONFLICT` if one runs from here already, `INTERNAL` if it cannot go on
 */
export async function runLive(options: LiveOptions, terminal: Terminal): Promise<void> {
  const dir = resolve(LOCAL_DIR);
  const other = await readState(dir);
  if (other) throw new DevsenError('CONFLICT', `a network is running from here already, as process ${other.pid}`);
  const { paint, print } = terminal;
  const tell = (entry: Entry) => terminal.tell(describe(entry, paint));
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  const signal = untilSignal();
  let network: LocalNetwork | undefined;
  const restarts = makeRestarts({
    startAgain: (name) => network?.fleet.startAgain(name) ?? Promise.reject(new Error('the network is not set up yet')),
    tell,
    giveUp: (exit) => failed.reject(new DevsenError('INTERNAL', describeExit(exit))),
  });

  print(paint('strong', 'Setting up a DEVSEN network'));
  const watchdog = startWatchdog();
  const starting = startLocalNetwork({
    dir,
    watchdog,
    ports: await usualPorts(OPERATORS),
    chargers: LOCAL_CHARGERS,
    withBuild: options.withBuild,
    withTraffic: options.withTraffic,
    step: terminal.step,
    tell,
    onDeath: restarts.onDeath,
  });
  const isInterrupted = await Promise.race([starting.then(() => false), signal.then(() => true)]);
  if (isInterrupted) {
    print('Stopping …');
    starting.catch(() => {});
    return watchdog.close();
  }
  network = await starting;
  const { state, provider } = network;
  const names = {
    chargers: new Map(state.chargers.map(({ identity }) => [deviceIdOf(identity), identity])),
    operators: new Map(state.operators.map(({ oracle, name }) => [oracle, name])),
  };
  const requests = followRequests(provider, state.addresses, names, tell, makeLog('network', 'silent'));
  printPlaces(network, terminal);
  const asking = startAsking(network, options.askEverySec * 1000, (error) =>
    terminal.tell(paint('warn', error.message)),
  );
  try {
    await Promise.race([signal, failed.promise]);
    print('Stopping …');
  } finally {
    restarts.close();
    asking.close();
    await requests.close();
    await network.stop();
    await watchdog.close();
  }
  print('Stopped.');
}

function printPlaces({ state }: LocalNetwork, { paint, print }: Terminal): void {
  const [first] = state.operators;
  const rows = [
    ['chargers connect to', `${state.gatewayUrl}/<identity>`],
    ['health, metrics', `${state.gatewayAdminUrl}/health  ${state.gatewayAdminUrl}/metrics`],
    ['an operator', `${first?.adapterUrl}/health  ${first?.jobsUrl}/health`],
    ['chain', state.rpcUrl],
    ['ledger', state.addresses.oracle],
    ['ask', `npm run ask -- ${state.chargers[0]?.identity} 1`],
    ['a charger of yours', 'npm run add-charger -- <identity>'],
  ];
  print('');
  for (const [what = '', where = ''] of rows) print(`  ${what.padEnd(20)} ${paint('name', where)}`);
  print(`\n${paint('faint', 'Ctrl-C stops it all')}\n`);
}
