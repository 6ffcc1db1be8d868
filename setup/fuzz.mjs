/** `npm run fuzz`: the Solidity tests in the long profile of hardhat.config.ts, over a million calls of the invariants' handlers. */
import { run } from './child.mjs';

process.exitCode =
  (await run('hardhat', ['build'])) ||
  (await run('hardhat', ['test', 'solidity', '--no-compile', '--test-profile', 'long', ...process.argv.slice(2)]));
