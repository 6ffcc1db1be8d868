/**
 * `npm run coverage`: lines of `contracts/` that the Solidity tests reach, file by file; fails under the bound. Hardhat counts
 * lines and statements; it knows no branches. Interfaces have no code and do not count. The code that counts needs more gas
 * than the code that is deployed, so tests at a bound of gas may fail here: `npm test` judges them, this only counts.
 */
import { readFile, rm } from 'node:fs/promises';
import { runQuietly } from './child.mjs';
import { say } from './say.mjs';

const REPORT = 'coverage/lcov.info';
const LEAST_PERCENT = 98;

await rm(REPORT, { force: true });
say('running the Solidity tests with coverage: a few minutes');
const { output } = await runQuietly('hardhat', ['test', 'solidity', '--coverage']);
const files = filesIn(await readFile(REPORT, 'utf8').catch(() => ''));
if (files.length === 0) {
  process.stdout.write(`${output}\n`);
  throw new Error('the Solidity tests left no report of coverage');
}

for (const { path, found, hit, missed } of files) {
  process.stdout.write(
    `${path.padEnd(48)}${percent(hit, found)}  ${missed.length > 0 ? `not: ${missed.join(', ')}` : ''}\n`,
  );
}
const found = files.reduce((sum, file) => sum + file.found, 0);
const hit = files.reduce((sum, file) => sum + file.hit, 0);
process.stdout.write(`${'all'.padEnd(48)}${percent(hit, found)}\n`);
if ((100 * hit) / found < LEAST_PERCENT) {
  say(`lines reached are under ${LEAST_PERCENT} %`);
  process.exitCode = 1;
}

/** Records of a report in lcov's format: `SF:` a file, `DA:` a line and how often it ran. */
function filesIn(lcov) {
  return lcov
    .split('end_of_record')
    .flatMap((record) => {
      const path = /SF:(.+)/.exec(record)?.[1]?.replace(/^.*?(?=contracts\/)/, '') ?? '';
      const lines = [...record.matchAll(/^DA:(\d+),(\d+)/gm)].map(([, line, times]) => ({
        line,
        times: Number(times),
      }));
      const isCounted = path.startsWith('contracts/') && !path.includes('/interfaces/') && lines.length > 0;
      const missed = lines.filter(({ times }) => times === 0).map(({ line }) => line);
      return isCounted ? [{ path, found: lines.length, hit: lines.length - missed.length, missed }] : [];
    })
    .sort((one, other) => one.path.localeCompare(other.path));
}

function percent(hit, found) {
  return `${((100 * hit) / found).toFixed(1).padStart(6)} %`;
}
