/**
 * `npm run coverage`: lines and branches of `contracts/` that the Solidity tests reach, file by file; fails under the bounds.
 * Hardhat counts lines only, so the tests run on a copy of the sources in which branches are lines too. Interfaces have no
 * code and do not count. The code that counts needs more gas than the code that is deployed, so tests at a bound of gas may
 * fail here: `npm test` judges them, this only counts.
 */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { watchBranches } from './branches.mjs';
import { runQuietly } from './child.mjs';
import { say } from './say.mjs';

const LEAST_LINES_PERCENT = 98;
const LEAST_BRANCHES_PERCENT = 95;
const COPIED = [
  'contracts',
  'bench/contracts',
  'test/contracts',
  'network/ignition',
  'hardhat.config.ts',
  'package.json',
];

const root = process.cwd();
const copy = await mkdtemp(join(tmpdir(), 'devsen-coverage-'));
try {
  const branches = await copySources();
  say('running the Solidity tests with coverage: a few minutes');
  const { output } = await inCopy(() =>
    runQuietly('hardhat', ['test', 'solidity', '--coverage', '--test-profile', 'short']),
  );
  const lcov = await readFile(join(copy, 'coverage', 'lcov.info'), 'utf8').catch(() => '');
  const files = filesIn(lcov, branches);
  if (files.length === 0) {
    process.stdout.write(`${output}\n`);
    throw new Error('the Solidity tests left no report of coverage');
  }
  report(files);
} finally {
  await rm(copy, { recursive: true, force: true });
}

/** Copies what the tests need, with branches watched. Returns the branches by file. */
async function copySources() {
  for (const path of COPIED) {
    await mkdir(join(copy, path, '..'), { recursive: true });
    await cp(join(root, path), join(copy, path), { recursive: true });
  }
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
  const paths = (await readdir('contracts', { recursive: true })).filter((path) => path.endsWith('.sol'));
  const branches = new Map();
  for (const path of paths.map((path) => join('contracts', path))) {
    const watched = watchBranches(path.replace(/\W/g, ''), await readFile(path, 'utf8'));
    await writeFile(join(copy, path), watched.source);
    branches.set(path, watched.branches);
  }
  return branches;
}

/** Runs something with the copy as the current folder. */
async function inCopy(work) {
  process.chdir(copy);
  try {
    return await work();
  } finally {
    process.chdir(root);
  }
}

/** Records of a report in lcov's format: `SF:` a file, `DA:` a line and how often it ran. */
function filesIn(lcov, branchesByFile) {
  return lcov
    .split('end_of_record')
    .flatMap((record) => {
      const path = /SF:(.+)/.exec(record)?.[1]?.replace(/^.*?(?=contracts\/)/, '') ?? '';
      const times = new Map([...record.matchAll(/^DA:(\d+),(\d+)/gm)].map(([, line, n]) => [Number(line), Number(n)]));
      const isCounted = branchesByFile.has(path) && !path.includes('/interfaces/') && times.size > 0;
      return isCounted ? [{ path, ...countIn(times, branchesByFile.get(path)) }] : [];
    })
    .sort((one, other) => one.path.localeCompare(other.path));
}

function countIn(times, branches) {
  const firstOfHelpers = branches.length === 0 ? Number.POSITIVE_INFINITY : branches[0].ifTrue - 2;
  const own = [...times].filter(([line]) => line < firstOfHelpers);
  const missedLines = own.filter(([, n]) => n === 0).map(([line]) => `${line}`);
  const ways = branches.flatMap(({ line, ifTrue, ifFalse }) => [
    { name: `${line} never true`, n: times.get(ifTrue) ?? 0 },
    { name: `${line} never false`, n: times.get(ifFalse) ?? 0 },
  ]);
  const missedWays = ways.filter(({ n }) => n === 0).map(({ name }) => name);
  return { lines: own.length, missedLines, ways: ways.length, missedWays };
}

function report(files) {
  const line = (name, ...columns) => process.stdout.write(`${name.padEnd(44)}${columns.join('  ')}\n`);
  line('', '   lines', 'branches');
  for (const { path, lines, missedLines, ways, missedWays } of files) {
    const missed = [...missedLines, ...missedWays];
    line(
      path,
      percent(lines, missedLines.length),
      percent(ways, missedWays.length),
      missed.length > 0 ? `not: ${missed.join(', ')}` : '',
    );
  }
  const sum = (of) => files.reduce((all, file) => all + of(file), 0);
  const [lines, missedLines] = [sum((file) => file.lines), sum((file) => file.missedLines.length)];
  const [ways, missedWays] = [sum((file) => file.ways), sum((file) => file.missedWays.length)];
  line('all', percent(lines, missedLines), percent(ways, missedWays), `of ${lines} lines, ${ways} branches`);
  if (100 - (100 * missedLines) / lines < LEAST_LINES_PERCENT) fail(`lines reached are under ${LEAST_LINES_PERCENT} %`);
  if (100 - (100 * missedWays) / ways < LEAST_BRANCHES_PERCENT)
    fail(`branches taken are under ${LEAST_BRANCHES_PERCENT} %`);
}

function fail(why) {
  say(why);
  process.exitCode = 1;
}

function percent(all, missed) {
  return all === 0 ? '       –' : `${(100 - (100 * missed) / all).toFixed(1).padStart(6)} %`;
}
