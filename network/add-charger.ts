import { parseArgs } from 'node:util';
import { DevsenError } from '../core/errors.ts';
import { deviceIdOf, isChargerIdentity } from '../core/identity.ts';
import { openProvider } from '../runtime/chain.ts';
import { call, connectContracts } from './contracts.ts';
import { failWith } from './failing.ts';
import { makeAuthorizationKey, registerCharger } from './local-setup.ts';
import { LOCAL_DIR, readRunningNetwork } from './local-state.ts';
import { signerOf } from './one-by-one.ts';
import { makeTerminal } from './terminal.ts';

const USAGE = `Registers a charger on chain and prints, once, with what it connects.

  npm run add-charger -- <identity>

  --connectors <n>    how many connectors it has, 1 to 64 (1)
  --dir <path>        where the network was started from (${LOCAL_DIR})
  --json              one line of JSON instead of text
`;

async function addCharger(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      connectors: { type: 'string', default: '1' },
      dir: { type: 'string', default: LOCAL_DIR },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return void process.stdout.write(USAGE);
  const [identity] = positionals;
  if (identity === undefined) throw new DevsenError('INPUT_INVALID', `which identity?\n\n${USAGE}`);
  if (!isChargerIdentity(identity)) {
    throw new DevsenError('INPUT_INVALID', 'an OCPP identity is 1 to 48 of A-Z a-z 0-9 _ = : | @ . -');
  }
  const connectors = Number(values.connectors);
  if (!Number.isInteger(connectors) || connectors < 1 || connectors > 64) {
    throw new DevsenError('INPUT_INVALID', '--connectors expects a whole number from 1 to 64');
  }
  const { state, keys } = await readRunningNetwork(values.dir);
  const provider = await openProvider({ rpcUrl: state.rpcUrl, pollingIntervalMs: 100 });
  try {
    const { chainId } = await provider.getNetwork();
    const manager = signerOf(keys.manager, provider);
    const addresses = { ...state.addresses, chainId: Number(chainId), device: '' };
    const contracts = await connectContracts(addresses, manager);
    const deviceId = deviceIdOf(identity);
    if (BigInt((await call(contracts.factory, 'deviceOf', deviceId)) as string) !== 0n) {
      throw new DevsenError('CONFLICT', `a charger is registered as ${identity} already`);
    }
    const password = makeAuthorizationKey();
    await registerCharger(contracts, manager, { identity, connectors }, password, state.chargers.length);
    const url = `${state.gatewayUrl}/${encodeURIComponent(identity)}`;
    const device = String(await call(contracts.factory, 'deviceOf', deviceId));
    const { print, paint } = makeTerminal(process.stdout);
    if (values.json) {
      print(JSON.stringify({ identity, url, password, subprotocol: 'ocpp1.6', deviceId, device, connectors }));
      return;
    }
    const rows = [
      ['URL', url],
      ['subprotocol', 'ocpp1.6'],
      ['user (HTTP Basic)', identity],
      ['password', password],
      ['contract', device],
    ];
    print(`${paint('good', 'Registered')} ${identity}. The password is shown only now:`);
    for (const [what = '', value = ''] of rows) print(`  ${what.padEnd(18)} ${paint('name', value)}`);
    print(`Ask about it: npm run ask -- ${identity} 1`);
  } finally {
    provider.destroy();
  }
}

await addCharger().catch(failWith);
