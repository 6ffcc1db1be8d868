import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { DevsenError } from '../core/errors.ts';
import { exitForSettings } from '../runtime/process.ts';
import { readSettings } from '../runtime/settings.ts';
import { startCharger } from './charger.ts';
import type { Happening } from './conversation.ts';
import { COMMAND_HELP, runCommand } from './driver-commands.ts';
import { SIMULATOR_SETTINGS } from './settings.ts';

const USAGE = `One virtual charger.

  npm run simulate -- --url ws://127.0.0.1:9220 --identity CP-1 --key <hex> [--connectors 2] [--do "<command>"]… [--exit]

Commands, one per line on standard input or by --do:
${COMMAND_HELP}
`;

const { values: flags } = parseArgs({
  options: {
    url: { type: 'string' },
    identity: { type: 'string' },
    key: { type: 'string' },
    connectors: { type: 'string' },
    do: { type: 'string', multiple: true, default: [] },
    exit: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

if (flags.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}

function readOwnSettings() {
  try {
    return readSettings(SIMULATOR_SETTINGS, {
      ...process.env,
      ...(flags.url && { CHARGER_URL: flags.url }),
      ...(flags.identity && { CHARGER_IDENTITY: flags.identity }),
      ...(flags.key && { CHARGER_KEY: flags.key }),
      ...(flags.connectors && { CHARGER_CONNECTORS: flags.connectors }),
    });
  } catch (error) {
    if (error instanceof DevsenError) exitForSettings(error);
    throw error;
  }
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
  meterIntervalMs: settings.CHARGER_METER_INTERVAL_SEC * 1000,
  watch: (happening) => {
    process.stdout.write(`${tell(happening)}\n`);
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
for (const line of flags.do) {
  await run(line);
  await charger.settled();
}
if (flags.exit) await leave();
for await (const line of createInterface({ input: process.stdin })) await run(line);
