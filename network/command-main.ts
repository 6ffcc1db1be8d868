import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { Wallet } from 'ethers';
import { DevsenError } from '../core/errors.ts';
import { openProvider } from '../runtime/chain.ts';
import { readGatewayCa } from './cli/gateway-ca.ts';
import { type CommandPlace, sendCommand } from './command.ts';
import { failWith } from './failing.ts';
import { LOCAL_DIR, readRunningNetwork } from './local-state.ts';
import { makeTerminal } from './terminal.ts';

const USAGE = `Signs an OCPP command as a charger's manager, sends it to the gateway and prints the charger's answer.

  npm run command -- <identity> <Action> ['<payload as JSON>']     payload {} if not given

  npm run command -- CP-ADA Reset '{"type":"Soft"}'

On the local network (npm start) nothing else is needed. Elsewhere:

  --gateway <url>       where the charger's gateway listens: https://…
  --gateway-ca <path>   CAs of its certificate, PEM, if a CA of your own has signed it
  --network <id>        <chain id>:<address of OracleDEVSEN>
  --key-file <path>     file with the manager's private key; or the variable MANAGER_KEY

  --valid <s>           how long the command counts, 1 to 3600 s (60)
  --dir <path>          where the local network was started from (${LOCAL_DIR})
`;

async function command(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      gateway: { type: 'string' },
      'gateway-ca': { type: 'string' },
      network: { type: 'string' },
      'key-file': { type: 'string' },
      valid: { type: 'string', default: '60' },
      dir: { type: 'string', default: LOCAL_DIR },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return void process.stdout.write(USAGE);
  const [identity, action, payload = '{}'] = positionals;
  if (identity === undefined || action === undefined) {
    throw new DevsenError('INPUT_INVALID', `which charger, and what should it do?\n\n${USAGE}`);
  }
  const validSec = Number(values.valid);
  if (!/^\d{1,4}$/.test(values.valid) || validSec < 1 || validSec > 3_600) {
    throw new DevsenError('INPUT_INVALID', '--valid expects whole seconds from 1 to 3600');
  }
  const place =
    values.gateway === undefined && values.network === undefined
      ? await localPlace(values.dir)
      : givenPlace(values.gateway, values.network);
  const ca = values['gateway-ca'];
  const gatewayCa = ca === undefined ? undefined : (await readGatewayCa(ca, Date.now())).pem;
  const keyText =
    values['key-file'] === undefined ? process.env.MANAGER_KEY : await readFile(values['key-file'], 'utf8');
  const signer = walletOf(keyText?.trim() || place.key);
  const { status, body } = await sendCommand({ ...place, gatewayCa }, signer, { identity, action, payload, validSec });
  const { print, paint } = makeTerminal(process.stdout);
  if (status === 200) print(body);
  else print(`${paint('bad', `Refused (${status}):`)} ${describeRefusal(body)}`);
  process.exitCode = status === 200 ? 0 : 1;
}

async function localPlace(dir: string): Promise<CommandPlace & { key: string }> {
  const { state, keys } = await readRunningNetwork(dir);
  const provider = await openProvider({ rpcUrl: state.rpcUrl });
  try {
    const { chainId } = await provider.getNetwork();
    return { gatewayUrl: state.gatewayUrl, network: `${chainId}:${state.addresses.oracle}`, key: keys.manager };
  } finally {
    provider.destroy();
  }
}

function givenPlace(gatewayUrl: string | undefined, network: string | undefined): CommandPlace & { key?: string } {
  if (gatewayUrl === undefined || !/^(https?|wss?):/.test(gatewayUrl) || !URL.canParse(gatewayUrl)) {
    throw new DevsenError('INPUT_INVALID', '--gateway expects a URL');
  }
  if (network === undefined || !/^\d{1,20}:0x[0-9a-fA-F]{40}$/.test(network)) {
    throw new DevsenError('INPUT_INVALID', '--network expects <chain id>:<address of OracleDEVSEN>');
  }
  return { gatewayUrl, network: network.toLowerCase() };
}

function walletOf(key: string | undefined): Wallet {
  if (key === undefined) throw new DevsenError('INPUT_INVALID', 'no key: give --key-file, or set MANAGER_KEY');
  try {
    return new Wallet(key.startsWith('0x') ? key : `0x${key}`);
  } catch {
    throw new DevsenError('INPUT_INVALID', "the manager's key is no private key of 32 bytes as hex digits");
  }
}

/** The gateway's reason in a line. */
function describeRefusal(body: string): string {
  try {
    const { error } = JSON.parse(body) as { error: Record<string, string> };
    const { message, callErrorCode, callErrorDescription } = error;
    return callErrorCode === undefined
      ? String(message)
      : `${message}: ${callErrorCode} ${callErrorDescription}`.trim();
  } catch {
    return body;
  }
}

await command().catch(failWith);
