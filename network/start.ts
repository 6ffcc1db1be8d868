import { parseArgs } from 'node:util';
import { DevsenError } from '../core/errors.ts';
import { failWith } from './failing.ts';
import { runLive } from './live.ts';
import { playOnce } from './once.ts';
import { makeTerminal, type Terminal } from './terminal.ts';

const USAGE = `A DEVSEN network on this machine: a chain, Redis, a gateway, four operators, virtual chargers.

  npm start                      runs it until Ctrl-C
  npm start -- --once            plays everything that people do in a network once, and ends

  --ask-every <seconds>          how often a contract asks about some charger; 0 for never; 20 if not given
  --no-traffic                   no virtual chargers
  --no-build                     the contracts are compiled already
  --json                         with --once: at the end one line of JSON with every figure and tx, and nothing else
`;

function readArguments() {
  const { values } = parseArgs({
    options: {
      once: { type: 'boolean', default: false },
      'ask-every': { type: 'string', default: '20' },
      'no-traffic': { type: 'boolean', default: false },
      'no-build': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const askEverySec = Number(values['ask-every']);
  if (values.json && !values.once) throw new DevsenError('INPUT_INVALID', '--json goes with --once');
  if (!/^\d{1,6}$/.test(values['ask-every']))
    throw new DevsenError('INPUT_INVALID', '--ask-every expects whole seconds');
  return {
    isHelp: values.help,
    isOnce: values.once,
    withBuild: !values['no-build'],
    withTraffic: !values['no-traffic'],
    askEverySec,
    isJson: values.json,
  };
}

/** Amounts can be larger than a JSON number holds exactly: they are decimal texts. */
function writeJson(result: unknown): void {
  const plain = (_key: string, value: unknown) => (typeof value === 'bigint' ? value.toString() : value);
  process.stdout.write(`${JSON.stringify(result, plain)}\n`);
}

const terminal = makeTerminal(process.stdout);
const silent: Terminal = { ...terminal, print: () => {}, tell: () => {}, step: (_what, work) => work() };
try {
  const { isHelp, isOnce, isJson, ...options } = readArguments();
  if (isHelp) process.stdout.write(USAGE);
  else if (isOnce) await playOnce({ ...options, report: isJson ? writeJson : () => {} }, isJson ? silent : terminal);
  else await runLive(options, terminal);
  process.exit(0);
} catch (error) {
  failWith(error);
}
