/**
 * `npm test`: every check there is. With arguments, only Jest, on the files they name.
 * A stage that fails does not stop the others; the last line counts tests over all of them.
 *
 * Compiling takes one core for a minute or two: what needs no contract shares the time.
 */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { run, runQuietly } from './child.mjs';
import { NEEDS_CONTRACTS } from './needs-contracts.mjs';
import { say } from './say.mjs';

const JEST_FLAGS = '--experimental-vm-modules --disable-warning=ExperimentalWarning';

/** Stages that say nothing unless they fail. */
const CHECKS = [
  { name: 'format and lint', command: ['biome', 'check', '--error-on-warnings', '.'] },
  { name: 'types', command: ['tsc', '--project', '.'] },
  { name: 'Solidity format', command: ['prettier', '--check', '{contracts,test,bench}/**/*.sol'] },
  { name: 'Solidity lint', command: ['solhint', '--max-warnings', '0', 'contracts/**/*.sol'] },
];
const BUILD = { name: 'contracts build', command: ['hardhat', 'build'] };

const failures = [];
const total = { passed: 0, failed: 0 };

const only = process.argv.slice(2);
if (only.length > 0) {
  await testJest('Jest', only);
} else {
  await Promise.all([beginWithContracts(), beginWithoutContracts()]);
  await testJest('Jest, contracts', NEEDS_CONTRACTS);
}

if (failures.length > 0) say(`failed: ${failures.join(', ')}`);
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed\n`);
process.exitCode = failures.length > 0 ? 1 : 0;

async function beginWithContracts() {
  await check(BUILD);
  await testSolidity();
}

async function beginWithoutContracts() {
  for (const one of CHECKS) await check(one);
  const others = NEEDS_CONTRACTS.map((path) => `--testPathIgnorePatterns=<rootDir>/${path}`);
  await testJest('Jest', ['--globalSetup=<rootDir>/test/setup/need-redis.js', '--maxWorkers=2', ...others]);
}

async function check({ name, command: [program, ...args] }) {
  const { code, output, seconds } = await timed(() => runQuietly(program, args));
  report(name, code === 0, seconds);
  if (code !== 0) process.stdout.write(`${output.trim()}\n\n`);
}

async function testSolidity() {
  const name = 'Solidity tests';
  const { code, output, seconds } = await timed(() => runQuietly('hardhat', ['test', 'solidity', '--no-compile']));
  const passed = Number(/(\d+) passing/.exec(output)?.[1] ?? 0);
  const failed = Number(/(\d+) failing/.exec(output)?.[1] ?? 0);
  count(passed, code === 0 ? failed : Math.max(failed, 1));
  report(name, code === 0 && failed === 0, seconds, `${passed} passed`);
  if (code !== 0) process.stdout.write(`${output.trim()}\n\n`);
}

async function testJest(name, args) {
  await mkdir('cache', { recursive: true });
  const resultFile = `cache/${name.toLowerCase().replaceAll(/\W+/g, '-')}-result.json`;
  await rm(resultFile, { force: true });
  const env = { ...process.env, NODE_OPTIONS: JEST_FLAGS };
  const { code, seconds } = await timed(async () => ({
    code: await run('jest', ['--json', `--outputFile=${resultFile}`, ...args], env),
  }));
  const result = await readFile(resultFile, 'utf8').then(JSON.parse, () => undefined);
  const passed = result?.numPassedTests ?? 0;
  count(passed, code === 0 ? 0 : Math.max(1, result?.numFailedTests ?? 0, result?.numFailedTestSuites ?? 0));
  report(name, code === 0, seconds, `${passed} passed`);
}

function count(passed, failed) {
  total.passed += passed;
  total.failed += failed;
}

function report(name, isOk, seconds, detail = '') {
  if (!isOk) failures.push(name);
  process.stdout.write(
    `${isOk ? 'ok    ' : 'FAILED'}  ${name.padEnd(16)} ${seconds.toFixed(1).padStart(6)} s  ${detail}\n`,
  );
}

async function timed(work) {
  const began = performance.now();
  const result = await work();
  return { ...result, seconds: (performance.now() - began) / 1000 };
}
