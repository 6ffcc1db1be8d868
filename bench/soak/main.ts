import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { ocpp16 } from '../../simulator/ocpp16.ts';
import { ocpp21, ocpp201 } from '../../simulator/ocpp20.ts';
import { MISHAP_NAMES } from './mishaps.ts';
import { describeReport } from './report.ts';
import { runSoak } from './soak.ts';

const USAGE = `A whole network under load while its parts are killed at random; then its records are checked.

  npm run soak -- --minutes 60

  --minutes <n>        how long things go wrong; 60 if not given
  --chargers <n>       how many chargers; 500 if not given
  --versions <list>    what they speak, in turn; 1.6,2.0.1,2.1 if not given
  --mishap-every <s>   seconds between two mishaps, on average; 20 if not given, less where each would not have its time
  --seed <n>           runs the mishaps of an earlier soak again
  --keep               keeps what the network wrote, to look into what was found
  --no-build           the contracts are compiled already
  --json               one last line of JSON

The exit code is 0 if nothing is wrong, else 1. It works in a folder of its own, which it removes.
In less than 60 minutes it may be too short to judge how memory goes, and says so.
`;

const DIALECTS = { '1.6': ocpp16, '2.0.1': ocpp201, '2.1': ocpp21 } as const;

function readArguments() {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '60' },
      chargers: { type: 'string', default: '500' },
      versions: { type: 'string', default: '1.6,2.0.1,2.1' },
      'mishap-every': { type: 'string' },
      seed: { type: 'string', default: String(randomInt(2 ** 31)) },
      keep: { type: 'boolean', default: false },
      'no-build': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const number = (name: 'minutes' | 'chargers' | 'mishap-every' | 'seed', pattern: RegExp) => {
    const text = values[name] ?? '';
    if (!pattern.test(text) || (name !== 'seed' && Number(text) === 0)) {
      throw new RangeError(`--${name} expects a number above 0`);
    }
    return Number(text);
  };
  const minutes = number('minutes', /^\d{1,5}(\.\d+)?$/);
  const dialects = values.versions.split(',').map((version) => {
    if (!Object.hasOwn(DIALECTS, version)) throw new RangeError(`--versions knows ${Object.keys(DIALECTS).join(', ')}`);
    return DIALECTS[version as keyof typeof DIALECTS];
  });
  return {
    isHelp: values.help,
    isJson: values.json,
    minutes,
    chargers: number('chargers', /^\d{1,5}$/),
    mishapEverySec:
      values['mishap-every'] === undefined ? usualPauseSec(minutes) : number('mishap-every', /^\d{1,5}(\.\d+)?$/),
    seed: number('seed', /^\d{1,10}$/),
    dialects,
    isKept: values.keep,
    withBuild: !values['no-build'],
  };
}

/** Short enough that each mishap has its time twice over. */
function usualPauseSec(minutes: number): number {
  return Math.min(20, (minutes * 60) / (2 * MISHAP_NAMES.length));
}

const started = performance.now();
const tell = (line: string) => {
  const sec = Math.round((performance.now() - started) / 1000);
  process.stdout.write(`${String(Math.floor(sec / 60)).padStart(3)}:${String(sec % 60).padStart(2, '0')}  ${line}\n`);
};

try {
  const { isHelp, isJson, ...options } = readArguments();
  if (isHelp) {
    process.stdout.write(USAGE);
    process.exit(0);
  }
  const report = await runSoak({ ...options, tell });
  process.stdout.write(`\n${describeReport(report)}\n`);
  if (isJson) process.stdout.write(`${JSON.stringify({ bench: 'soak', ...report })}\n`);
  process.exit(report.isGood ? 0 : 1);
} catch (error) {
  const { code = '', message, stack } = error as NodeJS.ErrnoException;
  const isTheirs = error instanceof RangeError || code.startsWith('ERR_PARSE_ARGS');
  process.stderr.write(`${isTheirs ? message : stack}\n`);
  process.exit(2);
}
