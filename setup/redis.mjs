import { readFileSync } from 'node:fs';
import { runQuietly } from './child.mjs';
import { SetupError, say } from './say.mjs';
import { isAtLeast } from './version.mjs';

/** The least Redis that BullMQ works with. */
const LEAST_REDIS = '6.2';

/**
 * Sees to it that `redis-server` is there: installs it where apt-get may be used without a question.
 * The service that the package may start is not used: whoever needs a Redis starts one on a free port.
 *
 * @throws SetupError saying what to install, where that takes the user
 */
export async function ensureRedis() {
  const found = await versionOfRedis();
  if (found !== undefined) return check(found);
  const apt = await aptGet();
  if (apt === undefined)
    throw new SetupError(`redis-server is missing. Install it and try again:\n\n  ${howToInstall()}\n`);
  say('installing redis-server with apt-get ...');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [['update'], ['install', '--yes', '--no-install-recommends', 'redis-server']]) {
    const { code, output } = await runQuietly(apt[0], [...apt.slice(1), ...args], env);
    if (code !== 0) throw new SetupError(`apt-get ${args[0]} failed:\n\n${output.trim()}`);
  }
  const version = await versionOfRedis();
  if (version === undefined) throw new SetupError('redis-server was installed, but it is not on the PATH');
  check(version);
  say(`redis-server ${version} is installed`);
}

/** The command with which this system's user installs Redis. */
export function howToInstall(platform = process.platform, release = readRelease()) {
  if (platform === 'darwin') return 'brew install redis';
  if (platform === 'win32') return 'use WSL: Redis does not run on Windows itself';
  const family = /^ID(?:_LIKE)?=.*$/gm;
  const names = (release.match(family) ?? []).join(' ');
  if (/fedora|rhel|centos/.test(names)) return 'sudo dnf install redis';
  if (/arch/.test(names)) return 'sudo pacman -S redis';
  if (/alpine/.test(names)) return 'sudo apk add redis';
  if (/suse/.test(names)) return 'sudo zypper install redis';
  return 'sudo apt-get install redis-server';
}

function readRelease() {
  try {
    return readFileSync('/etc/os-release', 'utf8');
  } catch {
    return '';
  }
}

function check(version) {
  if (isAtLeast(version, LEAST_REDIS)) return;
  throw new SetupError(`redis-server is ${version}, at least ${LEAST_REDIS} is needed:\n\n  ${howToInstall()}\n`);
}

async function versionOfRedis() {
  const { code, output } = await runQuietly('redis-server', ['--version']);
  return code === 0 ? (/v=(\d[\d.]*)/.exec(output)?.[1] ?? '0') : undefined;
}

/** apt-get as a command that will not ask for a password, or undefined. */
async function aptGet() {
  if ((await runQuietly('apt-get', ['--version'])).code !== 0) return undefined;
  if (process.getuid?.() === 0) return ['apt-get'];
  return (await runQuietly('sudo', ['-n', 'true'])).code === 0 ? ['sudo', '-n', '-E', 'apt-get'] : undefined;
}
