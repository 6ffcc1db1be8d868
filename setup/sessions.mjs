/** `npm run sessions`: every way of a session, played by hand on a chain of its own. */
import { run } from './child.mjs';

process.exitCode =
  (await run('hardhat', ['build', '--no-tests'])) || (await run(process.execPath, ['test/sessions/play.ts']));
