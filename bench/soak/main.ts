import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { ocpp16 } from '../../simulator/ocpp16.ts';
import { ocpp21, ocpp201 } from '../../simulator/ocpp20.ts';
import { describeReport, runSoak } from './soak.ts';

const USAGE = `A whole network under load while its parts are killed at random; then its records are checked.

  npm run soak -- --minutes 60

  --minutes <n>        how long things go wrong; 60 if not given
  --chargers <n>       how many chargers; 500 if not given
  --versions <list>    what they speak, in turn; 1.6,2.0.1,2.1 if not given
  --mishap-every <s>   seconds between two mishaps, on average; 20 if not given
  --seed <n>           runs the mishaps of an earlier soak again
  --no-build           the contracts are compiled already
  --json               one last line of JSON

The exit code is 0 if nothing is wrong, else 1. It works in a folder of its own, which it removes.
`;

const DIALECTS = { '1.6': ocpp16, '2.0.1': ocpp201, '2.1': ocpp21 } as const;

function readArguments() {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '60' },
      chargers: { type: 'string', default: '500' },
      versions: { type: 'string', default: '1.6,2.0.1,2.1' },
      'mishap-every': { type: 'string', default: '20' },
      seed: { type: 'string', default: String(randomInt(2 ** 31)) },
      'no-build': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const number = (name: 'minutes' | 'chargers' | 'mishap-every' | 'seed', pattern: RegExp) => {
    if (!pattern.test(values[name]) || (name !== 'seed' && Number(values[name]) === 0)) {
      throw new RangeError(`--${name} expects a number above 0`);
    }
    return Number(values[name]);
  };
  const dialects = values.versions.split(',').map((version) => {
    if (!Object.hasOwn(DIALECTS, version)) throw new RangeError(`--versions knows ${Object.keys(DIALECTS).join(', ')}`);
    return DIALECTS[version as keyof typeof DIALECTS];
  });
  return {
    isHelp: values.help,
    isJson: values.json,
    minutes: number('minutes', /^\d{1,5}(\.\d+)?$/),
    chargers: number('chargers', /^\d{1,5}$/),
    mishapEverySec: number('mishap-every', /^\d{1,5}(\.\d+)?$/),
    seed: number('seed', /^\d{1,10}$/),
    dialects,
    withBuild: !values['no-build'],
  };
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
  process.stderr.write(`${error instanceof RangeError ? error.message : (error as Error).stack}\n`);
  process.exit(2);
}
