import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { DevsenError } from '../core/errors.ts';
import { exitForSettings } from '../runtime/process.ts';
import { readSettings, type SettingsOf } from '../runtime/settings.ts';
import { type ChargerSettings, startCharger } from './charger.ts';
import type { Happening } from './conversation.ts';
import { COMMAND_HELP, runCommand } from './driver-commands.ts';
import { optional } from './json-fields.ts';
import { ocpp16 } from './ocpp16.ts';
import { ocpp21, ocpp201 } from './ocpp20.ts';
import { SIMULATOR_SETTINGS } from './settings.ts';
import { makeSignedMeter } from './signed-meter.ts';

const USAGE = `One virtual charger.

  npm run simulate -- --url ws://127.0.0.1:9220 --identity CP-1 --key <hex> --do "plug 1" --do "card 1 DRIVER-ADA"

  --url <ws:// or wss://>       the gateway, without the identity
  --identity <text>             the OCPP identity
  --key <hex>                   the AuthorizationKey (security profiles 1 and 2)
  --version <version>           1.6, 2.0.1 or 2.1; 1.6 if not given
  --connectors <n>              how many it has; 1 if not given
  --meter-interval <seconds>    how often a running transaction reports its meter; 30 if not given
  --meter-key <file>            private key with which its meter signs (OCMF), on secp256k1 or secp256r1, PEM
  --meter-serial <text>         serial number of that meter
  --ca <file>                   CAs of the gateway's certificate, PEM
  --cert <file>                 the certificate it shows (security profile 3), PEM
  --cert-key <file>             its private key, PEM
  --do "<command>"              does that once it is registered; may be given again and again
  --exit                        ends after the last --do
  --quiet                       leaves out the messages

Instead of flags the environment may say it: CHARGER_URL, CHARGER_IDENTITY, CHARGER_KEY and so on.

Commands, one per line on standard input or by --do:
${COMMAND_HELP}
`;

const { values: flags } = parseArgs({
  options: {
    url: { type: 'string' },
    identity: { type: 'string' },
    key: { type: 'string' },
    version: { type: 'string' },
    connectors: { type: 'string' },
    'meter-interval': { type: 'string' },
    'meter-key': { type: 'string' },
    'meter-serial': { type: 'string' },
    ca: { type: 'string' },
    cert: { type: 'string' },
    'cert-key': { type: 'string' },
    do: { type: 'string', multiple: true, default: [] },
    exit: { type: 'boolean', default: false },
    quiet: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

if (flags.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}

function readOwnSettings() {
  const given = {
    CHARGER_URL: flags.url,
    CHARGER_IDENTITY: flags.identity,
    CHARGER_KEY: flags.key,
    CHARGER_VERSION: flags.version,
    CHARGER_CONNECTORS: flags.connectors,
    CHARGER_METER_INTERVAL_SEC: flags['meter-interval'],
    CHARGER_METER_KEY_FILE: flags['meter-key'],
    CHARGER_METER_SERIAL: flags['meter-serial'],
    CHARGER_CA_FILE: flags.ca,
    CHARGER_CERT_FILE: flags.cert,
    CHARGER_CERT_KEY_FILE: flags['cert-key'],
  };
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  try {
    const settings = readSettings(SIMULATOR_SETTINGS, { ...process.env, ...set });
    return { ...settings, ...readFiles(settings) };
  } catch (error) {
    if (error instanceof DevsenError) exitForSettings(error);
    throw error;
  }
}

function readFiles(settings: SettingsOf<typeof SIMULATOR_SETTINGS>): Pick<ChargerSettings, 'tls' | 'signedMeter'> {
  const read = <T>(name: keyof typeof SIMULATOR_SETTINGS, take: (text: string) => T): T | undefined => {
    const path = settings[name];
    if (path === '') return undefined;
    try {
      return take(readFileSync(String(path), 'utf8'));
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      throw new DevsenError('SETTINGS_INVALID', `${name} is wrong: ${code ?? message}`);
    }
  };
  const certificate = read('CHARGER_CERT_FILE', String);
  const key = read('CHARGER_CERT_KEY_FILE', String);
  const trusted = read('CHARGER_CA_FILE', String);
  if ((certificate === undefined) !== (key === undefined)) {
    throw new DevsenError('SETTINGS_INVALID', 'CHARGER_CERT_FILE and CHARGER_CERT_KEY_FILE go together');
  }
  const signedMeter = read('CHARGER_METER_KEY_FILE', (text) =>
    makeSignedMeter({ privateKey: createPrivateKey(text), serial: settings.CHARGER_METER_SERIAL }),
  );
  return {
    tls: { ...optional('certificate', certificate), ...optional('key', key), trusted: trusted ? [trusted] : [] },
    ...optional('signedMeter', signedMeter),
  };
}

function tell(happening: Happening): string {
  switch (happening.kind) {
    case 'connected':
      return 'connected';
    case 'refused':
      return `not connected: ${happening.why}`;
    case 'disconnected':
      return `disconnected (${happening.code}${happening.reason && ` ${happening.reason}`})`;
    case 'registered':
      return `registration ${happening.registration}, heard every ${happening.intervalSec} s`;
    case 'acknowledged':
      return `${happening.frame}\n  ${happening.reply}`;
    case 'rejected':
      return `${happening.message.kind} rejected: ${happening.code} ${happening.description}`.trimEnd();
    case 'unanswered':
      return `${happening.message.kind} not answered`;
    case 'lost':
      return `${happening.message.kind} not answered: the connection went`;
  }
}

const settings = readOwnSettings();
const connectors = settings.CHARGER_CONNECTORS;
const online = Promise.withResolvers<void>();
const charger = startCharger({
  url: settings.CHARGER_URL,
  identity: settings.CHARGER_IDENTITY,
  key: settings.CHARGER_KEY,
  connectors,
  dialect: { '1.6': ocpp16, '2.0.1': ocpp201, '2.1': ocpp21 }[settings.CHARGER_VERSION],
  ...optional('tls', settings.tls),
  ...optional('signedMeter', settings.signedMeter),
  meterIntervalMs: settings.CHARGER_METER_INTERVAL_SEC * 1000,
  watch: (happening) => {
    if (!flags.quiet || happening.kind !== 'acknowledged') process.stdout.write(`${tell(happening)}\n`);
    if (happening.kind === 'registered' && happening.registration === 'Accepted') online.resolve();
  },
});

async function leave(): Promise<never> {
  await charger.close();
  process.exit(0);
}

async function run(line: string): Promise<void> {
  const answer = await runCommand(charger, connectors, line);
  if (answer === 'quit') await leave();
  if (answer) process.stdout.write(`${answer}\n`);
}

process.on('SIGINT', leave);
process.on('SIGTERM', leave);
await online.promise;
await charger.settled();
let isAway = false;
for (const line of flags.do) {
  await run(line);
  isAway = /^\s*offline\b/.test(line) || (isAway && !/^\s*online\b/.test(line));
  // what it has to tell comes when it is back
  if (!isAway) await charger.settled();
}
if (flags.exit) await leave();
for await (const line of createInterface({ input: process.stdin })) await run(line);
