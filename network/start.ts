import { parseArgs } from 'node:util';
import { DevsenError } from '../core/errors.ts';
import { runLive } from './live.ts';
import { playOnce } from './once.ts';
import { makeTerminal } from './terminal.ts';

const USAGE = `A DEVSEN network on this machine: a chain, Redis, a gateway, four operators, virtual chargers.

  npm start                      runs it until Ctrl-C
  npm start -- --once            plays one question through, from the charger to the contract, and ends

  --ask-every <seconds>          how often a contract asks about some charger; 0 for never; 20 if not given
  --no-traffic                   no virtual chargers
`;

function readArguments() {
  const { values } = parseArgs({
    options: {
      once: { type: 'boolean', default: false },
      'ask-every': { type: 'string', default: '20' },
      'no-traffic': { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const askEverySec = Number(values['ask-every']);
  if (!/^\d{1,6}$/.test(values['ask-every']))
    throw new DevsenError('INPUT_INVALID', '--ask-every expects whole seconds');
  return { ...values, askEverySec };
}

const terminal = makeTerminal(process.stdout);
try {
  const { help, once, askEverySec, 'no-traffic': noTraffic } = readArguments();
  if (help) process.stdout.write(USAGE);
  else if (once) await playOnce(terminal);
  else await runLive({ askEverySec, withTraffic: !noTraffic }, terminal);
  process.exit(0);
} catch (error) {
  const reason =
    error instanceof DevsenError || isUsage(error) ? (error as Error).message : String((error as Error).stack);
  process.stderr.write(`${terminal.paint('bad', 'Failed:')} ${reason}\n`);
  process.exit(1);
}

/** What `parseArgs` throws for a flag it does not know. */
function isUsage(error: unknown): boolean {
  return String((error as { code?: string }).code).startsWith('ERR_PARSE_ARGS');
}
