/** `npm run gas`: the table of gas, against the snapshot in git. */
import { run } from './child.mjs';

process.exitCode =
  (await run('hardhat', ['build', '--no-tests'])) ||
  (await run(process.execPath, ['bench/gas-table.ts', ...process.argv.slice(2)]));
