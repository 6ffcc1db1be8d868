import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runQuietly } from './child.mjs';
import { SetupError, say } from './say.mjs';
import { isAtLeast } from './version.mjs';

/** The least Node that runs TypeScript without a flag or warning. */
export const LEAST_NODE = '24.12';

/** Left to itself, npm says nothing for minutes where there is no network. What the lock names is as good from its cache. */
const NPM_CONFIG = {
  npm_config_fetch_retries: '2',
  npm_config_fetch_retry_mintimeout: '1000',
  npm_config_fetch_retry_maxtimeout: '4000',
  npm_config_prefer_offline: 'true',
};

/**
 * Sees to it that node_modules holds what package-lock.json says, installed under Node 24: an older one leaves out
 * packages that only Node 24 can use, without a word.
 *
 * @returns the path of a Node that is new enough
 */
export async function ensurePackages(root) {
  if (!isInstalled(root)) await install(root);
  const own = join(root, 'node_modules', '.bin', 'node');
  for (const node of [own, process.execPath]) {
    if (existsSync(node) && isAtLeast(versionOf(node), LEAST_NODE)) return node;
  }
  throw noNode(process.platform, process.arch);
}

/** Whether every package of the lock is there in its version, and the chain's native part with it. */
export function isInstalled(root) {
  const installed = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return false;
  const have = JSON.parse(readFileSync(installed, 'utf8')).packages;
  const want = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const isThere = ([path, { version, optional, peer }]) =>
    path === '' || optional || peer || have[path]?.version === version;
  return Object.entries(want).every(isThere) && hasNativeChain(root);
}

function hasNativeChain(root) {
  const scope = join(root, 'node_modules', '@nomicfoundation');
  return existsSync(scope) && readdirSync(scope).some((name) => name.startsWith('edr-'));
}

async function install(root) {
  if (lstatSync(join(root, 'node_modules'), { throwIfNoEntry: false })?.isSymbolicLink()) {
    throw new SetupError('node_modules is a link, and npm ci would empty what it leads to: remove the link first');
  }
  const isNew = isAtLeast(process.version, LEAST_NODE);
  say(
    `installing packages${isNew ? '' : ` with Node 24, as this is Node ${process.versions.node}`}, about a minute ...`,
  );
  const began = Date.now();
  const [program, ...args] = isNew
    ? ['npm', 'ci']
    : ['npx', '--yes', `--package=${nodePackage(root)}`, '--call=npm ci'];
  const { code, output } = await runQuietly(program, args, { ...process.env, ...NPM_CONFIG });
  if (code !== 0) throw new SetupError(`npm ci failed.${hintOf(output)}\n\n${output.trim()}`);
  if (!isInstalled(root))
    throw new SetupError('npm ci ran, but packages are missing: remove node_modules and try again');
  say(`packages are installed, ${Math.round((Date.now() - began) / 1000)} s`);
}

/**
 * The package, among those that package.json names, that holds Node 24 for this machine. Not `node`: that one fetches the
 * like of it by a script as it is installed, and .npmrc lets no script run.
 */
export function nodePackage(root, platform = process.platform, arch = process.arch) {
  const { optionalDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const mine = Object.entries(optionalDependencies).find(
    ([name]) => name.startsWith('node-') && name.endsWith(`-${platform}-${arch}`),
  );
  if (mine === undefined) throw noNode(platform, arch);
  return mine.join('@');
}

function noNode(platform, arch) {
  return new SetupError(`npm has no Node for ${platform} ${arch}: install Node ${LEAST_NODE} or later`);
}

function hintOf(output) {
  const isOffline = /ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ENETUNREACH/.test(output);
  return isOffline ? ' The npm registry cannot be reached: check the network or the proxy (npm config get proxy).' : '';
}

function versionOf(node) {
  return execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
}
