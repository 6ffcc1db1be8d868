/**
 * The way into every command (`npm start`, `npm test`, …): makes sure of packages, Node 24 and Redis, then runs it.
 * Plain JavaScript, because it must run before any of that is there: on Node 20 and later.
 *
 *   node setup/run.mjs <command> [arguments]
 */
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './child.mjs';
import { COMMANDS } from './commands.mjs';
import { ensurePackages } from './packages.mjs';
import { ensureRedis } from './redis.mjs';
import { SetupError, say } from './say.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [name = '', ...args] = process.argv.slice(2);

async function main() {
  const command = COMMANDS[name];
  if (command === undefined)
    throw new SetupError(`no command '${name}'; there are: ${Object.keys(COMMANDS).join(', ')}`);
  process.chdir(root);
  const node = await ensurePackages(root);
  if (command.needs.includes('redis')) await ensureRedis();
  return run(node, [join(root, command.file), ...args], {
    ...process.env,
    PATH: [join(root, 'node_modules', '.bin'), dirname(node), process.env.PATH].join(delimiter),
    // Processes of a network, and there are many, find what they load compiled already.
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(root, 'node_modules', '.cache', 'node'),
    NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --disable-warning=ExperimentalWarning`.trim(),
  });
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  process.exitCode = 1;
}
